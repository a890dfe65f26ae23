"""Rule files: what is read, what is refused and in which words, how lists and rules of several files join."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

from monitor import errors, match, model, rules
from tests.builders import NOON, an_entry

RULE = "- id: one\n  match: embargo\n"


def complaints(text: str, **others: str) -> list[str]:
    """Return what is said of a file `x.yaml`, and of others that are read before it."""
    with pytest.raises(errors.RuleError) as caught:
        rules.from_files({**{f"{name}.yaml": body for name, body in others.items()}, "x.yaml": text})
    return list(caught.value.complaints)


def matching(files: dict[str, str], title: str) -> list[str]:
    """Return the ids of the rules that a title meets."""
    found = match.match(an_entry(title=title, summary=""), rules.from_files(files), now=NOON)
    return [one.rule.id for one in found]


def test_a_file_becomes_rules() -> None:
    """A rule says its level, status, tags, channels and sources; what is not said has a default."""
    one = "{id: one, title: One, level: high, tags: [a], channels: desk, min_sources: 2, match: x}"
    text = f"rules:\n- {one}\n- {{id: two, match: y}}\n"
    ruleset = rules.from_files({"x.yaml": text})
    assert ruleset.rules == (
        model.Rule("one", "One", model.Level.HIGH, tags=("a",), channels=("desk",), min_sources=2),
        model.Rule("two", "Two"),
    )
    assert ruleset.find("two") == ruleset.rules[1]
    assert ruleset.find("three") is None


def test_the_fingerprint_follows_the_files() -> None:
    """The same files have the same fingerprint, any change another one."""
    first = rules.from_files({"x.yaml": f"rules:\n{RULE}"})
    assert rules.from_files(dict(first.files)).fingerprint == first.fingerprint
    assert rules.from_files({"x.yaml": f"rules:\n{RULE}\n"}).fingerprint != first.fingerprint


BROKEN = sorted((Path(__file__).parent / "rules" / "broken").glob("*.yaml"))


@pytest.mark.parametrize("file", BROKEN, ids=lambda file: file.stem)
def test_what_is_wrong_is_said_in_one_line(file: Path) -> None:
    """Each error names file, line, column, what is wrong and what to write instead; the file's last line says how."""
    text = file.read_text()
    wanted = text.splitlines()[-1].removeprefix("# said: ")
    with pytest.raises(errors.RuleError) as caught:
        rules.from_files({file.name: text})
    assert any(wanted in line for line in caught.value.complaints), caught.value.complaints
    assert all(re.match(r"[a-z0-9-]+\.yaml:\d+:\d+: ", line) and "\n" not in line for line in caught.value.complaints)


def test_every_error_is_reported_at_once() -> None:
    """Two broken rules are two complaints, each at its place."""
    found = complaints("rules:\n- id: one\n  mach: x\n- id: two\n  match: $none\n")
    assert [line.split(": ")[0] for line in found if "missing" not in line] == ["x.yaml:3:3", "x.yaml:5:10"]


def test_an_unreadable_file_does_not_blame_the_others() -> None:
    """While one file is no YAML, nobody is told that its lists are missing."""
    [only] = complaints("rules:\n- id: one\n  match: $state\n", lists="lists: {state: [")
    assert only.startswith("lists.yaml:1:")


def bomb() -> str:
    """Return a YAML file of twelve lines that stands for nine to the twelfth values."""
    letters = "abcdefghijklm"
    lines = [f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]" for old, new in pairwise(letters)]
    return "\n".join(["a: &a [x,x,x,x,x,x,x,x,x]", *lines])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# " + "x" * (1 << 20), "1.0 MiB of rules in one file; at most 1 MiB is read (split it)"),
        ("rules:\n- id: one\n  match: " + "{any: [" * 500 + "x" + "]}" * 500, "nested more than 40 levels deep"),
        ("[" * 5000, "nested more than 40 levels deep"),
        (bomb(), "more than 100000 values, aliases counted"),
        ("rules:\n- id: one\n  match: " + "x" * 500, "a term of 500 characters; at most 400 are allowed"),
    ],
    ids=["size", "nesting", "brackets", "bomb", "term"],
)
def test_limits(text: str, said: str) -> None:
    """A huge file, deep nesting, an alias bomb and an endless term get one clear line each."""
    assert any(said in line for line in complaints(text))


def test_windows_line_ends_and_a_byte_order_mark_are_fine() -> None:
    """A file that was saved on Windows is read like any other."""
    assert matching({"x.yaml": "\ufeffrules:\r\n- id: one\r\n  match: embargo\r\n"}, "Embargo") == ["one"]


# --- lists ------------------------------------------------------------------------------------------------------


def test_lists_are_shared_by_all_files() -> None:
    """A rule may name a list of any file, and lists may hold lists."""
    files = {
        "a.yaml": "rules:\n- {id: one, match: $state}\n",
        "b.yaml": "lists:\n  state: [$africa, Peru]\n  africa: [Mali]\n",
    }
    assert matching(files, "Mali") == matching(files, "Peru") == ["one"]


def test_a_list_may_be_a_block() -> None:
    """A `|` block holds terms with commas or lines between them, and comments."""
    lines = ["Mali, Malian*  # Bamako", "# not yet: Peru", 'Burkina Faso, "Chad"', "/gui?nea, x/"]
    block = "\n".join(
        ["lists:", "  state: |", *(f"    {line}" for line in lines), "rules:", "- {id: one, match: $state}"]
    )
    titles = ("Malians", "Burkina Faso", "Chad", "Guinea, x", "Bamako", "Peru")
    assert [bool(matching({"x.yaml": block}, title)) for title in titles] == [True] * 4 + [False] * 2


def test_a_list_is_extended_or_replaced() -> None:
    """`extend: true` adds to a list of an earlier file, `replace: true` takes its place; neither is an error."""
    first = {"a.yaml": "lists: {s: [Mali]}\nrules:\n- {id: one, match: $s}\n"}
    extended = {**first, "b.yaml": "lists: {s: {extend: true, terms: [Peru]}}\n"}
    replaced = {**first, "b.yaml": "lists: {s: {replace: true, terms: [Peru]}}\n"}
    assert [matching(extended, "Mali"), matching(extended, "Peru")] == [["one"], ["one"]]
    assert [matching(replaced, "Mali"), matching(replaced, "Peru")] == [[], ["one"]]
    [said] = complaints("lists: {s: [Peru]}\n", a=first["a.yaml"])
    assert "the list `s` is defined in a.yaml:1:9 already (`s: {extend: true, terms: [...]}` adds to it" in said


# --- rules of several files -------------------------------------------------------------------------------------


def test_an_override_changes_a_part() -> None:
    """`override:` lays its keys over a rule of an earlier file and leaves the rest."""
    override = "rules:\n- override: {id: one, level: critical, unless: oil}\n"
    ruleset = rules.from_files({"a.yaml": f"rules:\n{RULE}", "b.yaml": override})
    assert ruleset.rules[0].level is model.Level.CRITICAL
    assert matching(dict(ruleset.files), "Embargo") == ["one"]
    assert matching(dict(ruleset.files), "Oil: embargo, oil embargo") == ["one"]


def test_an_override_can_switch_a_rule_off() -> None:
    """`enabled: false` in an override takes the shipped rule out."""
    files = {
        "a.yaml": f"rules:\n{RULE}- id: two\n  match: oil\n",
        "b.yaml": "rules:\n- override: {id: one, enabled: no}\n",
    }
    assert [rule.id for rule in rules.from_files(files).rules] == ["two"]


def test_a_rule_is_taken_over() -> None:
    """`replace: true` takes the place of the rule of that id in an earlier file."""
    files = {"a.yaml": f"rules:\n{RULE}", "b.yaml": "rules:\n- {id: one, replace: true, match: oil}\n"}
    assert [matching(files, "Embargo"), matching(files, "Oil")] == [[], ["one"]]


# --- folders ----------------------------------------------------------------------------------------------------


def test_paths_are_relative_to_the_base(tmp_path: Path) -> None:
    """A relative folder is sought beside the configuration; names of files are kept relative."""
    folder = tmp_path / "rules" / "mine"
    folder.mkdir(parents=True)
    (folder / "own.yaml").write_text(f"rules:\n{RULE}")
    (tmp_path / "rules" / "notes.txt").write_text("no rules")
    ruleset = rules.load(["rules"], base=tmp_path)
    assert list(ruleset.files) == ["rules/mine/own.yaml"]


def test_builtin_rules_and_an_empty_folder_are_fine(tmp_path: Path) -> None:
    """An empty folder of one's own is no error as long as there is some rule."""
    (tmp_path / "rules").mkdir()
    assert rules.load(["builtin", "rules"], base=tmp_path).find("leader-visit")


def test_a_missing_folder_says_what_to_do(tmp_path: Path) -> None:
    """A folder that is not there is named, with what to create or change."""
    with pytest.raises(
        errors.RuleError, match=r"rules: cannot read rules there: .* \(create .*rules, or change `paths`"
    ):
        rules.load(["builtin", "rules"], base=tmp_path)


def test_no_rules_at_all_is_an_error(tmp_path: Path) -> None:
    """Only an empty folder means that nothing could ever match."""
    (tmp_path / "rules").mkdir()
    with pytest.raises(errors.RuleError, match="no rules in the rule paths"):
        rules.load(["rules"], base=tmp_path)


def test_a_file_that_is_not_utf8_is_named_with_its_line(tmp_path: Path) -> None:
    """Invalid UTF-8 gets one line with the place."""
    (tmp_path / "x.yaml").write_bytes(b"rules:\n- id: one\n  match: caf\xe9\n")
    with pytest.raises(errors.RuleError, match=r"x\.yaml:3:1: not UTF-8 \(save the file as UTF-8\)"):
        rules.load([tmp_path], base=tmp_path)


def test_a_huge_file_is_not_even_read(tmp_path: Path) -> None:
    """Ten megabytes of rules get one line; a single file may be named as well as a folder."""
    (tmp_path / "x.yaml").write_bytes(b"# padding\n" * 1_000_000)
    with pytest.raises(errors.RuleError, match=r"x\.yaml:1:1: 9 MiB of rules in one file \(at most 1 MiB\)"):
        rules.load(["x.yaml"], base=tmp_path)


def test_hidden_files_are_left_alone(tmp_path: Path) -> None:
    """What an editor leaves behind (.own.yaml.swp, .own.yaml) is no rule file."""
    (tmp_path / "own.yaml").write_text(f"rules:\n{RULE}")
    (tmp_path / ".own.yaml").write_text("rules: [broken")
    assert [Path(name).name for name in rules.load([tmp_path], base=tmp_path).files] == ["own.yaml"]
