"""What outlets print becomes terms: without boilerplate, one term for one meaning."""

import pytest

from monitor.dedupe import lexicon, numbers, text


def terms(printed: str) -> list[str]:
    """Return the terms of a text in order."""
    return [term for term, _ in text.terms(text.words(printed))]


@pytest.mark.parametrize(
    "title",
    [
        "UPDATE 2-Minister resigns over the long grain deal",
        "LIVE: Minister resigns over the long grain deal",
        "BREAKING NEWS - Minister resigns over the long grain deal",
        "Minister resigns over the long grain deal - Reuters",
        "Minister resigns over the long grain deal | The Daily Wire",
        "EXCLUSIVE: Minister resigns over the long grain deal – Al Jazeera",
    ],
)
def test_what_outlets_put_around_a_title_goes(title: str) -> None:
    """Labels before it and mastheads behind it say nothing about the happening."""
    assert text.clean_title(title) == "Minister resigns over the long grain deal"


def test_an_outlet_that_is_known_goes_from_a_short_title_too() -> None:
    """The entry's own outlet is no part of its title."""
    assert text.clean_title("Minister resigns - the wire", "The Wire") == "Minister resigns"


@pytest.mark.parametrize("title", ["LIVE:", "Talks fail - again", "Poland-Lithuania border closed"])
def test_a_title_is_never_emptied_or_cut_short(title: str) -> None:
    """What might be the title itself stays."""
    assert text.clean_title(title) == title


def test_a_dateline_is_no_part_of_the_lead() -> None:
    """Where and by whom a report was filed is no news."""
    assert text.clean_lead("WASHINGTON, Sept 14 (Reuters) - The minister left.") == "The minister left."


def test_a_lead_ends_between_words() -> None:
    """It is cut, and not within a word."""
    lead = text.clean_lead("grain " * 200)
    assert len(lead) <= text.LEAD_CHARS
    assert lead.endswith("grain")


@pytest.mark.parametrize(
    ("printed", "meant"),
    [
        ("North Korea", ["@kp"]),
        ("the North Koreans", ["@kp"]),
        ("U.S.", ["@us"]),
        ("give us aid", ["give", "aid"]),
        ("the UN", ["@un"]),
        ("Pyongyang", ["@kp", "pyongyang"]),
        ("Kim Jong-un", ["kim"]),
        ("Vladimir Putin", ["putin"]),
        ("Путин", ["путин"]),
        ("Élysée", ["@fr"]),
        ("invited invites", ["invit", "invit"]),
    ],
)
def test_one_meaning_is_one_term(printed: str, meant: list[str]) -> None:
    """States, their people and capitals, full names, accents and endings."""
    assert terms(printed) == meant


def test_scripts_without_spaces_give_pairs() -> None:
    """Two reports in Chinese can be compared."""
    assert terms("習近平訪問") == ["習近", "近平", "平訪", "訪問"]


@pytest.mark.parametrize(
    ("printed", "counted"),
    [
        ("Quake kills 50", {"kill": 50}),
        ("Quake kills at least 50", {"kill": 50}),
        ("50 people were killed in the quake", {"kill": 50}),
        ("Death toll in Herat quake rises to 1,200", {"kill": 1200}),
        ("Five dead, 12 injured in blast", {"kill": 5, "wound": 12}),
        ("Two thousand killed", {"kill": 2000}),
        ("Police arrest 30 protesters", {"arrest": 30}),
        ("Boy, 14, shot dead", {}),
        ("Actor dead at 87", {}),
        ("Attack in 2015 killed many", {}),
        ("14-year-old boy killed", {}),
        ("Parliament passes budget of 50 billion", {}),
        ("Talks fail 50", {}),
        ("Toll of the war, 50 days on", {}),
    ],
)
def test_people_are_counted_by_what_became_of_them(printed: str, counted: dict[str, int]) -> None:
    """Ages, years and money count nobody."""
    assert numbers.counts(text.words(printed)) == counted


@pytest.mark.parametrize(
    ("printed", "told"),
    [
        ("the 12th package of sanctions", {"packag": {12}}),
        ("a thirteenth sanctions package", {"packag": {13}}),
        ("first visit in 24 years", {"visit": {1}}),
        ("on the 12th of May", {}),
    ],
)
def test_ordinals_belong_to_what_comes_in_editions(printed: str, told: dict[str, set[int]]) -> None:
    """Days of a month are no editions."""
    assert numbers.ordinals(text.words(printed)) == told


def test_states_of_four_letters_are_names_and_abbreviations_are_not() -> None:
    """Iraq and Peru are written as names, NATO and the UN in capitals."""
    titles = set(lexicon.actor_titles().values())
    assert {"Iraq", "Iran", "Peru", "Chad", "NATO", "US", "OPEC"} <= titles
