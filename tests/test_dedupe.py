"""Story identity as a whole: which story an entry tells, and how that is said."""

from datetime import UTC, datetime, timedelta

import pytest

from monitor import dedupe, model, seeds, shipped
from tests import builders

DAY = timedelta(days=1)
SPRING = datetime(2026, 4, 2, 9, 0, tzinfo=UTC)


class Desk:
    """An index that is told one entry after another, as the pipeline does it."""

    def __init__(self, *, window: timedelta = 7 * DAY, sensitivity: float = 0.5) -> None:
        """Begin without stories."""
        self.index = dedupe.Index(window=window, sensitivity=sensitivity)
        self._last = 0

    def hear(self, title: str, summary: str = "", *, at: datetime | None = SPRING, **rest: object) -> model.Assignment:
        """Assign an entry, and count it as told."""
        changes = {"url": "", "outlet": ""} | rest
        matches = changes.pop("matches", ())
        assert isinstance(matches, tuple)
        entry = builders.an_entry(title=title, summary=summary, published_at=at, first_seen_at=at or SPRING, **changes)
        profile = dedupe.profile(entry, matches)
        assignment = self.index.assign(profile, at)
        story_id = assignment.story_id
        if story_id is None:
            self._last += 1
            story_id = self._last
        self.index.add(story_id, profile)
        return assignment

    def know(self, seed: model.Seed) -> model.Assignment:
        """Learn a known story."""
        profile = dedupe.seed_profile(seed)
        assignment = self.index.assign(profile, None)
        story_id = assignment.story_id
        if story_id is None:
            self._last += 1
            story_id = self._last
        self.index.add(story_id, profile, seed=True)
        return assignment


QUAKE = (
    "Earthquake of magnitude 6.1 strikes Herat in western Afghanistan, 5 killed",
    "At least five people were killed and homes collapsed in several villages of Herat province, officials said.",
)
QUAKE_AGAIN = (
    "Five dead as strong quake hits western Afghanistan",
    "A 6.1 magnitude earthquake destroyed houses in villages of Herat province on Thursday, killing at least 5.",
)


def test_the_first_telling_opens_a_story() -> None:
    """With nothing like it before, an entry is new, and the reason says so."""
    found = Desk().hear(*QUAKE)
    assert (found.kind, found.story_id, found.nearest_id) == (model.Kind.NEW, None, None)
    assert found.because == "nothing like it was told in the window"


def test_another_wording_of_it_is_a_duplicate() -> None:
    """Two outlets, two wordings, one story; the reason names actors, acts, words and time."""
    desk = Desk()
    desk.hear(*QUAKE)
    found = desk.hear(*QUAKE_AGAIN, at=SPRING + timedelta(hours=3))
    assert (found.kind, found.story_id) == (model.Kind.DUPLICATE, 1)
    for part in ("same actors: Afghanistan", "same act: kill, quake", "Herat", "same day", "no new number"):
        assert part in found.because


def test_another_happening_is_new_and_names_the_nearest_story() -> None:
    """What resembles no story opens one; the story that came nearest is named, not joined."""
    desk = Desk()
    desk.hear(*QUAKE)
    found = desk.hear("Afghanistan's central bank auctions 15 million dollars to steady the currency")
    assert (found.kind, found.story_id, found.nearest_id) == (model.Kind.NEW, None, 1)
    assert found.because.startswith("nearest: ")


def test_a_changed_count_is_an_update_that_says_so() -> None:
    """50 killed, not 5: the same story, with something that a reader must know."""
    desk = Desk()
    desk.hear(*QUAKE)
    found = desk.hear("Death toll in Herat quake in Afghanistan rises to 50", QUAKE_AGAIN[1], at=SPRING + DAY)
    assert (found.kind, found.story_id, found.news) == (model.Kind.UPDATE, 1, "now 50 killed (was 5)")


@pytest.mark.parametrize("count", ["4", "5", "6"])
def test_a_count_that_hardly_changed_is_no_update(count: str) -> None:
    """Outlets differ by one or two; that alone tells nobody anything."""
    desk = Desk()
    desk.hear(*QUAKE)
    found = desk.hear(f"{count} killed as strong quake hits Herat in western Afghanistan", QUAKE_AGAIN[1])
    assert found.kind is model.Kind.DUPLICATE


def test_a_higher_level_is_an_update() -> None:
    """The same words under a higher rule break through, and the levels are named."""
    desk = Desk()
    desk.hear(*QUAKE, matches=(builders.a_match(builders.a_rule(level=model.Level.LOW)),))
    found = desk.hear(*QUAKE_AGAIN, matches=(builders.a_match(builders.a_rule(level=model.Level.HIGH)),))
    assert (found.kind, found.news) == (model.Kind.UPDATE, "now high (was low)")


def test_another_rule_in_the_title_is_an_update() -> None:
    """A report that is headed by another kind of act is told, and what a story's summaries met before is not news."""
    sale = builders.a_match(builders.a_rule(id="arms-deal", title="Arms deal"))
    threat = builders.a_match(builders.a_rule(id="sanctions-threat", title="Sanctions threat"))
    untold = builders.a_match(builders.a_rule(id="x", title="Being tried", status=model.RuleStatus.EXPERIMENTAL))
    told = (
        "Turkey to buy air defence missiles from Russia",
        "Ankara signed a contract for S-400 air defence missiles, officials said; Washington had warned against it.",
    )
    again = ("Turkey's purchase of Russian air defence missiles angers Washington", told[1] + " It is worth $2.5bn.")
    desk = Desk()
    desk.hear(*told, matches=(sale,))
    found = desk.hear(*again, matches=(sale, threat, untold))
    assert (found.kind, found.news) == (model.Kind.UPDATE, "now also: Sanctions threat")
    assert desk.hear(again[0], again[1] + " Talks took years.", matches=(threat,)).kind is model.Kind.DUPLICATE


def test_a_next_step_is_an_update() -> None:
    """An act that the story never told, in the title, is its next step."""
    desk = Desk()
    desk.hear("Kenya's president to visit Somalia next month", "He will meet his counterpart in Mogadishu, aides said.")
    found = desk.hear("Kenya's president cancels visit to Somalia, aides say")
    assert (found.kind, found.news) == (model.Kind.UPDATE, "next step: called off or halted")


def test_another_actor_is_an_update() -> None:
    """Who joins in is named."""
    desk = Desk()
    desk.hear("Kenya sends police officers to Haiti", "The officers will help the government against gangs there.")
    found = desk.hear("Jamaica joins Kenya in Haiti", "Soldiers from the island will leave within a month.")
    assert (found.kind, found.news) == (model.Kind.UPDATE, "now with Jamaica")


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        (
            "EU adopts 12th package of sanctions on Russia",
            "EU adopts 13th package of sanctions on Russia",
            "another packag",
        ),
        (
            "EU adopts twelfth package of sanctions on Russia",
            "EU adopts 13th package of sanctions on Russia",
            "number 13",
        ),
        ("Blast at market in Herat kills three", "Blast at market in Kunduz kills three", "or name: Kunduz"),
        ("Blast at market in Kabul kills three", "Blast at market in Nairobi kills three", "or name: Nairobi"),
        ("France expels two Iranian diplomats", "France expels two Chinese diplomats", "other actors: China"),
        ("Putin invites Modi to Moscow", "Putin invites Erdogan to Moscow", "other actors: Erdogan, Turkey"),
    ],
)
def test_another_edition_place_or_actor_is_another_story(one: str, other: str, why: str) -> None:
    """However alike the words, another ordinal, place or actor is another happening, and the reason says which."""
    desk = Desk()
    desk.hear(one)
    found = desk.hear(other)
    assert found.kind is model.Kind.NEW
    assert why.split(",", maxsplit=1)[0] in found.because


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("U.S. and DPRK officials meet in Geneva", "American and North Korean officials meet in Geneva"),
        ("Kremlin says talks with Kiev are paused", "Russia: talks with Kyiv paused"),
        ("UN Security Council meets over Houthi attacks", "United Nations Security Council to meet on Houthi attacks"),
    ],
)
def test_one_actor_under_two_names_is_one(one: str, other: str) -> None:
    """States, peoples, capitals and abbreviations name one actor."""
    desk = Desk()
    desk.hear(one)
    assert desk.hear(other).story_id == 1


class TestExactRepeats:
    """What repeats a text is caught before any likeness is weighed."""

    def test_the_same_link_with_nearly_the_same_title(self) -> None:
        """An edited headline under one address, however it is written, is the same page."""
        desk = Desk()
        desk.hear("Minister resigns over grain deal", url="https://www.wire.example/a/17?utm_source=rss")
        found = desk.hear("Minister resigns over the grain deal", url="http://m.wire.example/a/17/#top")
        assert (found.kind, found.because) == (model.Kind.DUPLICATE, "same link, and nearly the same title")

    def test_a_link_alone_proves_nothing(self) -> None:
        """Live pages and listings keep their address whatever they tell."""
        desk = Desk()
        desk.hear("Minister resigns over grain deal", url="https://wire.example/live")
        found = desk.hear("Volcano erupts near Reykjavik", url="https://wire.example/live")
        assert found.kind is model.Kind.NEW

    def test_the_same_text_under_other_titles(self) -> None:
        """Wire copy under many hosts keeps its lead."""
        lead = "The finance ministry said on Monday that it will stop all imports of coal by the end of the year."
        desk = Desk()
        desk.hear("Coal imports to end", lead, url="https://one.example/1")
        found = desk.hear("Ministry turns away from fossil fuel", lead, url="https://two.example/9")
        assert (found.kind, found.because) == (model.Kind.DUPLICATE, "same text")

    def test_the_same_title_a_thousand_times(self) -> None:
        """A feed that repeats itself stays one story, at a bounded size."""
        desk = Desk()
        kinds = [desk.hear("Parliament rejects the budget for a second time").kind for _ in range(1000)]
        assert kinds == [model.Kind.NEW] + [model.Kind.DUPLICATE] * 999
        assert len(desk.index) == 1


class TestTime:
    """Near dates speak for one story, far ones against it, and a missing date says nothing."""

    def test_the_same_words_a_year_later_are_another_happening(self) -> None:
        """A story takes nothing after three windows."""
        desk = Desk()
        desk.hear(*QUAKE)
        assert desk.hear(*QUAKE_AGAIN, at=SPRING + 365 * DAY).kind is model.Kind.NEW

    def test_days_between_lower_the_score(self) -> None:
        """Every further day counts against it."""
        scores = []
        for days in (0, 3, 6):
            desk = Desk()
            desk.hear(*QUAKE)
            scores.append(desk.hear(*QUAKE_AGAIN, at=SPRING + days * DAY).score)
        assert scores == sorted(scores, reverse=True)
        assert len(set(scores)) == 3

    @pytest.mark.parametrize("at", [None, datetime(1970, 1, 1, tzinfo=UTC)])
    def test_missing_and_absurd_dates_are_neutral(self, at: datetime | None) -> None:
        """Without a date that can be true, words decide alone."""
        desk = Desk()
        desk.hear(*QUAKE)
        entry = builders.an_entry(
            title=QUAKE_AGAIN[0], summary=QUAKE_AGAIN[1], published_at=at, first_seen_at=SPRING, url=""
        )
        found = desk.index.assign(dedupe.profile(entry), SPRING)
        assert found.story_id == 1
        assert found.features["time"] == 0.0

    def test_a_date_in_the_future_is_none(self) -> None:
        """A clock may be wrong by a zone; a date past that is no date."""
        soon, far = (builders.an_entry(published_at=builders.NOON + n * DAY) for n in (0.5, 30))
        assert dedupe.profile(soon).at is not None
        assert dedupe.profile(far).at is None

    def test_a_window_of_zero_takes_only_what_is_told_at_once(self) -> None:
        """No window, no memory: an hour later the same words are new."""
        desk = Desk(window=timedelta(0))
        desk.hear(*QUAKE)
        assert desk.hear(*QUAKE_AGAIN).story_id == 1
        assert desk.hear(*QUAKE_AGAIN, at=SPRING + timedelta(hours=1)).kind is model.Kind.NEW


class TestHostileEntries:
    """Whatever stands in an entry, it is assigned."""

    @pytest.mark.parametrize("title", ["", " ", "?!", "Kim", "\ud800", "the of and", "習近平", "🚀🚀🚀", "a" * 60_000])
    def test_odd_titles_are_assigned_twice(self, title: str) -> None:
        """Empty, short and strange titles raise nothing, the second time neither."""
        desk = Desk()
        assert desk.hear(title, url="https://x.example/1").kind is model.Kind.NEW
        desk.hear(title, url="https://x.example/2")

    def test_empty_titles_are_not_one_story(self) -> None:
        """Nothing in common is no likeness."""
        desk = Desk()
        desk.hear("")
        assert desk.hear("").kind is model.Kind.NEW

    def test_a_title_of_50_kb_is_read_in_bounded_time(self) -> None:
        """Only the head of a title is read."""
        profile = dedupe.profile(builders.an_entry(title="Sanctions on Iran, " * 3000, summary="x " * 50_000))
        assert len(profile.terms) < 200


class TestKnownStories:
    """The two stories that come with the program."""

    @pytest.fixture
    def desk(self) -> Desk:
        """Return a desk that knows them, as when they were loaded today."""
        desk = Desk()
        for seed in seeds.read_folder(shipped.SEEDS):
            desk.know(seed)
        return desk

    def test_the_two_are_one_story(self, desk: Desk) -> None:
        """Two seeds that tell one happening become one story."""
        assert len(desk.index) == 1

    @pytest.mark.parametrize("at", [None, SPRING, datetime(2023, 9, 14, 6, 0, tzinfo=UTC)])
    @pytest.mark.parametrize(
        "title",
        [
            "Putin accepts Kim Jong Un's invitation to visit North Korea, KCNA says",
            "Kim Jong Un invites Putin to North Korea, Putin accepts",
            "Russia's Putin accepts invitation to visit North Korea - state media",
            "Vladimir Putin to visit North Korea after invitation from Kim Jong Un",
            "Putin agrees to visit Pyongyang at Kim's invitation",
            "Kremlin: Putin gratefully accepted Kim's invitation to visit North Korea",
            "Kim Jong Un invited Vladimir Putin to visit the DPRK: KCNA",
            "Putin will travel to North Korea at Kim Jong-un's invitation, state media say",
        ],
    )
    def test_what_retells_them_is_a_duplicate(self, desk: Desk, title: str, at: datetime | None) -> None:
        """Other words for the invitation are held back, whenever they come."""
        found = desk.hear(title, at=at)
        assert (found.kind, found.story_id, found.known) == (model.Kind.DUPLICATE, 1, True)

    @pytest.mark.parametrize("at", [None, datetime(2023, 9, 14, 6, 0, tzinfo=UTC)])
    @pytest.mark.parametrize(
        "title",
        [
            "Putin arrives in Pyongyang for first visit in 24 years",
            "US warns of new sanctions if North Korea arms Russia",
            "Kim Jong Un arrives in Russia aboard armoured train for summit with Putin",
            "Putin and Kim Jong Un meet at Vostochny cosmodrome",
            "North Korea fires two ballistic missiles as Kim visits Russia",
            "Putin accepts Xi Jinping's invitation to visit China",
            "Kim Jong Un invites Xi Jinping to visit North Korea",
            "South Korea's Moon accepts invitation to visit Pyongyang",
            "Putin postpones visit to North Korea",
            "Putin and Kim sign strategic partnership treaty in Pyongyang",
        ],
    )
    def test_other_happenings_of_the_same_people_are_told(self, desk: Desk, title: str, at: datetime | None) -> None:
        """The same leaders, another event: new, or an update, never held back."""
        assert desk.hear(title, at=at).kind is not model.Kind.DUPLICATE

    def test_a_known_story_does_not_widen(self, desk: Desk) -> None:
        """After days of reports about the same people it still covers its own happening and its next steps, no more."""
        landed = "Vladimir Putin was welcomed by Kim Jong Un on the tarmac, his first trip to North Korea in 24 years."
        signed = (
            "Vladimir Putin and Kim Jong Un signed a treaty with a mutual defence clause in Pyongyang on Wednesday."
        )
        assert desk.hear("Putin arrives in Pyongyang for first visit in 24 years", landed).news == "next step: arrival"
        assert desk.hear("Putin lands in North Korea, greeted by Kim at airport", landed).kind is model.Kind.DUPLICATE
        assert desk.hear("Putin and Kim sign mutual defence pact", signed).news == "next step: signed"
        warned = "Washington will impose further sanctions on Moscow and Pyongyang if arms transfers go on."
        found = desk.hear("US threatens new sanctions over Russia-North Korea arms trade", warned)
        assert (found.kind, found.story_id) == (model.Kind.NEW, None)

    def test_a_known_story_outlives_the_window(self, desk: Desk) -> None:
        """It stays until it is removed."""
        desk.index.forget_before(SPRING + 3650 * DAY)
        assert len(desk.index) == 1


def test_sensitivity_moves_the_balance() -> None:
    """Low gathers what high tells as another story."""
    one = ("Kenya sends police officers to Haiti", "The officers will help the government against gangs.")
    other = ("Haiti's capital without water after gangs burn pumping station", "Repairs may take weeks.")
    kinds = []
    for sensitivity in (0.0, 1.0):
        desk = Desk(sensitivity=sensitivity)
        desk.hear(*one)
        kinds.append(desk.hear(*other).kind)
    assert kinds[0] is not model.Kind.NEW
    assert kinds[1] is model.Kind.NEW
