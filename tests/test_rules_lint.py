"""Warnings about what silently does nothing, mechanical mends, and rules handed on."""

import json

import pytest

from monitor import errors, match, model, rules, shipped
from tests.builders import NOON, an_entry

TESTS = "  tests: {match: [x], no_match: [y]}\n"


def lints(rule: str, **others: str) -> list[str]:
    """Return the warnings on one rule's lines below its id, with other files before it."""
    text = f"rules:\n- id: one\n{rule}{TESTS}"
    ruleset = rules.from_files({**{f"{name}.yaml": body for name, body in others.items()}, "x.yaml": text})
    return [str(complaint) for complaint in rules.lint(ruleset)]


def test_a_sound_rule_has_no_warning() -> None:
    """A rule with tests and terms that can match passes."""
    assert lints("  match: {near: [embargo*, oil], within: 5}\n") == []


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("  match: [a*, oil]\n", "x.yaml:3:10: the prefix `a*` is so short that it matches very many words"),
        ("  match: '=C++'\n", "x.yaml:3:10: the term `=C++` can never match"),
        ("  match: 'Stop. Now'\n", "x.yaml:3:10: the term `Stop. Now` can never match"),
        ("  match: {near: [a, b], within: 90}\n", "`within: 90` is wider than a sentence, and `near` never leaves one"),
        ("  match: {near: [a]}\n", "`near` with one part says no more than that part"),
        ("  match: {any: [a, {body: b}]}\n", "`body:` looks at a field that this rule does not read"),
        (
            "  fields: [summary]\n  match: {near: [a, b], within: title}\n",
            "`within: title` in a rule or node that does",
        ),
        ("  match: [price cap #1]\n", "not YAML"),
        (
            "  match: oil AND gas\n",
            "x.yaml:3:10: `oil AND gas` is sought as a phrase, word for word (for AND write all: [...]) [boolean-word]",
        ),
        (
            "  match: oil\n  languages: [english]\n",
            "no entry is in the language `english`, so that `one` never matches (write its code: en, fr, ar, zh)",
        ),
        (
            "  match:\n  - price cap #1\n",
            "x.yaml:4:5: `price cap` is cut off at the #: the rest of the line is a comment",
        ),
    ],
)
def test_what_silently_does_nothing_is_told(rule: str, said: str) -> None:
    """Each lint names the place and what is wrong with it."""
    try:
        found = lints(rule)
    except errors.RuleError as error:
        found = list(error.complaints)
    assert any(said in line for line in found), found


def test_a_rule_without_tests_is_told() -> None:
    """A rule whose file shows no headline for it is told to get some."""
    ruleset = rules.from_files({"x.yaml": "rules:\n- {id: one, match: x}\n"})
    [only] = rules.lint(ruleset)
    assert str(only) == (
        "x.yaml:2:3: `one` has no `tests:` (give it a headline under `match` and one under `no_match`) [no-tests]"
    )


def test_an_unused_list_and_a_covered_term_are_told() -> None:
    """A list that no rule names, and a word that a prefix beside it takes anyway, do nothing."""
    found = lints("  match: embargo\n", lists="lists: {spare: [Mali, sanction*, sanctions]}\n")
    assert [line.split("[")[-1] for line in found] == ["unused-list]", "covered-term]"]


def test_a_swallowed_rule_is_told() -> None:
    """A rule all of whose matches another one of at least its level makes too says nothing new."""
    tests = {"match": ["x"], "no_match": ["y"]}
    wide = {"id": "wide", "level": "high", "match": {"near": ["oil", ["ban", "cap"]], "within": 9}, "tests": tests}
    narrow = {"id": "narrow", "level": "low", "match": {"near": ["ban", "oil"], "within": 3}, "tests": tests}
    text = json.dumps({"rules": [wide, narrow]})
    [only] = rules.lint(rules.from_files({"x.yaml": text}))
    assert (only.lint, only.rule) == ("swallowed-rule", "narrow")


def test_mechanical_slips_are_mended() -> None:
    """A misspelt key, a term cut by # and a headline with a colon are mended in place; the rest of the file stays."""
    text = (
        "rules:  # mine\n- id: one\n  tgas: [a]\n  match:\n  - price cap #1\n"
        "  tests:\n    match:\n    - Tokyo: ban\n    no_match: [y]\n"
    )
    mended = rules.mend({"x.yaml": text, "y.yaml": "rules: []"})
    assert mended.keys() == {"x.yaml"}
    assert mended["x.yaml"] == (
        'rules:  # mine\n- id: one\n  tags: [a]\n  match:\n  - "price cap #1"\n'
        '  tests:\n    match:\n    - "Tokyo: ban"\n    no_match: [y]\n'
    )


# --- handing on -------------------------------------------------------------------------------------------------

FILES = {
    "lists.yaml": "lists:\n  state: [Mali, $north]\n  north: ['=Peru', '/a,b/']\n",
    "x.yaml": (
        "rules:\n"
        "  - id: one  # the first\n"
        "    match:\n"
        "      near: [$state, {rule: two}]  # close\n"
        "    tests:\n"
        '      match: ["Mali: ban"]\n'
        "\n"
        "  - id: two\n"
        "    match: ban\n"
    ),
    "own.yaml": "rules:\n- override: {id: two, level: high}\n",
}


def test_a_copied_rule_takes_the_place_of_the_first() -> None:
    """`copy_rule` returns the rule's own text, comments included, as a file that replaces it."""
    copied = rules.copy_rule(rules.from_files(FILES), "one")
    assert (
        "  - id: one  # the first\n    replace: true\n    match:\n      near: [$state, {rule: two}]  # close\n"
        in copied
    )
    assert "two\n" not in copied
    assert rules.from_files({**FILES, "copy.yaml": copied}).find("one")


def test_a_rule_handed_on_keeps_windows_line_ends() -> None:
    """A copy of a rule, and an export of files that agree on it, end their lines as the files do."""
    text = f"rules:\n- id: one\n  # mine\n  match:\n  - oil\n{TESTS}".replace("\n", "\r\n")
    ruleset = rules.from_files({"x.yaml": text})
    for made in (rules.copy_rule(ruleset, "one"), rules.export(ruleset)):
        assert made.count("\n") == made.count("\r\n") > 3
        assert rules.from_files({"y.yaml": made}).rules == ruleset.rules
    assert "    # mine\r\n" in rules.copy_rule(ruleset, "one")
    both = rules.from_files({"x.yaml": text, "z.yaml": "rules:\n- {id: two, match: gas}\n"})
    assert "\r" not in rules.export(both)


def test_a_copied_rule_in_brackets_is_written_out() -> None:
    """A rule that stands on one line in its file is copied key by key."""
    ruleset = rules.from_files({"x.yaml": "rules: [{match: {all: [a, b]}, tags: [], id: one}]\n"})
    copied = rules.copy_rule(ruleset, "one")
    assert copied.endswith(
        "rules:\n  - id: one\n    replace: true\n    match:\n      all:\n        - a\n        - b\n    tags: []\n"
    )


def test_a_copy_of_an_unknown_rule_says_what_was_meant() -> None:
    """The nearest id is offered."""
    with pytest.raises(errors.RuleError, match="there is no rule `on` \\(did you mean `one`\\?\\)"):
        rules.copy_rule(rules.from_files(FILES), "on")


def test_an_export_stands_alone() -> None:
    """`export` brings the lists and rules that a rule refers to, overrides laid over, and nothing else."""
    exported = rules.export(rules.from_files(FILES), ["one"])
    alone = rules.from_files({"other-desk.yaml": exported})
    assert [(rule.id, rule.level) for rule in alone.rules] == [("one", model.Level.MEDIUM), ("two", model.Level.HIGH)]
    for title in ("Peru ban", "Mali ban", "a,b ban"):
        assert len(match.match(an_entry(title=title, summary=""), alone, now=NOON)) == 2
    assert len(match.match(an_entry(title="peru ban", summary=""), alone, now=NOON)) == 1


# --- the schema for editors -------------------------------------------------------------------------------------


def test_the_schema_is_the_one_of_the_models() -> None:
    """The shipped JSON Schema is what the models say today; `rules.json_schema_text()` writes it."""
    assert (shipped.RULES / "rules.schema.json").read_text() == rules.json_schema_text()


def test_the_schema_has_no_loose_end() -> None:
    """Every reference inside the schema leads to a definition."""
    schema = json.loads(rules.json_schema_text())
    wanted = {part.split('"')[0] for part in json.dumps(schema).split('"#/$defs/')[1:]}
    assert wanted <= schema["$defs"].keys()
    assert {"Condition", "Rule", "Override", "List", "NearNode"} <= wanted
