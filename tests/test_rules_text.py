"""Words of any text: their places, and that term and text are read alike."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor import errors, match, model, rules
from monitor.rules import text
from tests.builders import NOON, an_entry

TITLE = model.Field.TITLE
letters = st.text(st.one_of(st.characters(), st.sampled_from(list(" .,'’-’!?…U.S1,é中ไاو̈"))), max_size=60)


@settings(deadline=None)
@given(letters)
@example("U.S.-led l’Iran’s F35s “1,000.5” …。中国")
def test_words_lie_in_the_text_in_order(title: str) -> None:
    """Whatever the text, each word has its place in it, one after the other, and in the string that is scanned."""
    read = text.of({TITLE: title})
    places = list(zip(read.starts, read.ends, strict=True))
    assert all(0 <= start < end <= len(title) for start, end in places)
    assert [start for start, _ in places] == sorted(start for start, _ in places)
    for word, offset in zip(read.words, read.offsets, strict=True):
        assert read.joined[offset : offset + len(word) + 2].strip("\n") == f" {word} "
    assert sum(part.end - part.first for part in read.parts) == len(read.words)


@settings(deadline=None)
@given(letters)
@example("Aª")
def test_a_text_is_found_by_its_own_words(title: str) -> None:
    """A sentence that is used as a term is found in itself, and the evidence is cut from it."""
    read = text.of({TITLE: title})
    if len(read.parts) != 1 or len(title) > 300:
        return
    try:
        found = match.match(an_entry(title=title, summary=""), rules.from_files({"x.yaml": a_rule(title)}), now=NOON)
    except errors.RuleError:
        return  # begins like a list or a regular expression, or holds a star
    for one in (evidence for each in found for evidence in each.evidence):
        assert title[one.start : one.end] == one.text
    assert found or title.lstrip()[:1] in {"=", "$", "/"} or title.lstrip().startswith("stem:")


def a_rule(term: str) -> str:
    """Return a rule file whose only term is `term`, as a quoted scalar."""
    escaped = "".join(f"\\U{ord(letter):08x}" for letter in term)
    return f'rules:\n- id: one\n  match: "{escaped}"\n'


@settings(deadline=None, max_examples=200)
@given(st.text(st.sampled_from(list("rules: id-match[]{}'\"|>&*!#%@$/\\,\n  abnear"))))
def test_any_file_gives_rules_or_complaints(body: str) -> None:
    """Whatever a file holds, it is rules, or it gets complaints of one line each."""
    ruleset, complaints = rules.attempt({"x.yaml": body})
    if ruleset is not None:
        complaints = (*complaints, *rules.lint(ruleset))
    assert ruleset is not None or complaints
    assert all("\n" not in str(one) for one in complaints)
