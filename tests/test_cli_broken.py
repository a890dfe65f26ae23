"""`monitor check` on broken rule files: for each way to be wrong one clear line, and never a crash."""

from itertools import pairwise
from pathlib import Path

import pytest

from tests.commands import SMALL_CONFIG, monitor, set_up

TESTS = "  tests: {match: [Embargo on oil], no_match: [Cup tie]}\n"


def a_rule(match: str, name: str = "one", tests: str = TESTS) -> str:
    """Return one item of `rules:`."""
    return f"- id: {name}\n  match: {match}\n{tests}"


def a_file(match: str, tests: str = TESTS) -> str:
    """Return a rule file with one rule."""
    return f"rules:\n{a_rule(match, tests=tests)}"


def a_bomb() -> str:
    """Return twelve lines of aliases that stand for nine to the thirteenth values."""
    lines = [f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]" for old, new in pairwise("abcdefghijklm")]
    return "\n".join(["a: &a [x,x,x,x,x,x,x,x,x]", *lines])


BROKEN: dict[str, tuple[str | bytes, str]] = {
    "ten megabytes": (b"# padding\n" * 1_000_000, "1:1: 9 MiB of rules in one file (at most 1 MiB) [file-too-large]"),
    "an alias bomb": (
        a_bomb(),
        "5:4: more than 100000 values, aliases counted (use `lists:` instead) [too-many-nodes]",
    ),
    "a thousand nested nodes": (
        a_file("{any: [" * 1000 + "x" + "]}" * 1000),
        "3:142: nested more than 40 levels deep (name the inner parts as rules) [too-deep]",
    ),
    "backtracking asked for": (
        a_file(r"'/(a+)\1/'"),
        r"3:10: `/(a+)\1/` is not a regular expression that RE2 knows: invalid escape sequence: \1 [term]",
    ),
    "an empty term": (
        a_file("[embargo, '']"),
        "3:20: an empty term matches nothing: write a word, or remove it [term]",
    ),
    "invalid UTF-8": (
        a_file("embargo").encode() + b"# caf\xe9\n",
        "5:1: not UTF-8 (save the file as UTF-8) [not-utf-8]",
    ),
    "a headline that became a mapping": (
        a_file("embargo", "  tests:\n    match:\n    - Tokyo: embargo\n    no_match: [Cup tie]\n"),
        (
            "6:7: `Tokyo: ...` was read as a mapping, because of its colon (quote the headline, or write a `|` block"
            " with one headline a line) [headline-mapping]"
        ),
    ),
    "an unquoted regular expression": (
        a_file("[/emb[ae]rgo/]"),
        "3:11: `/emb[ae]rgo/` must be quoted, because YAML reads its brackets (write '/emb[ae]rgo/') [bare-regex]",
    ),
    "a value of neither kind": (
        a_file("{near: [embargo, oil], within: paragraph}"),
        "3:41: `within`: it should be a number or 'sentence' or 'title' [bad-value]",
    ),
    "a misspelt key": (
        "rules:\n- id: one\n  mach: embargo\n",
        "3:3: unknown key `mach` (did you mean `match`?) [unknown-key]",
    ),
}

DOUBTFUL: dict[str, tuple[str, str]] = {
    "a term cut by #": (
        f"rules:\n- id: one\n  match:\n  - embargo #1\n{TESTS}",
        '4:5: `embargo` is cut off at the #: the rest of the line is a comment (quote it: "embargo #1") [cut-by-hash]',
    ),
    "a short prefix": (
        a_file("[em*, oil]"),
        (
            "3:10: the prefix `em*` is so short that it matches very many words"
            " (write a longer one, or the words themselves) [short-prefix]"
        ),
    ),
    "near wider than a sentence": (
        a_file("{near: [embargo, oil], within: 90}"),
        "3:10: `within: 90` is wider than a sentence, and `near` never leaves one (within: sentence) [wide-near]",
    ),
    "an unused list": (
        "lists: {spare: [Mali]}\n" + a_file("embargo"),
        "1:9: no rule uses the list `spare` (name it as $spare, or remove it) [unused-list]",
    ),
    "a swallowed rule": (
        a_file("embargo") + a_rule("{all: [embargo, oil]}", "two"),
        (
            "5:3: all that `two` matches, `one` matches too (rules/x.yaml:2:3)"
            " (remove it, or give it a higher level) [swallowed-rule]"
        ),
    ),
    "missing tests": (
        a_file("embargo", tests=""),
        "2:3: `one` has no `tests:` (give it a headline under `match` and one under `no_match`) [no-tests]",
    ),
    "a term that can never match": (
        a_file("['Stop. Now', embargo]"),
        (
            "3:10: the term `Stop. Now` can never match: a text that has just these words is read differently"
            " (leave out the signs between the words) [dead-term]"
        ),
    ),
    "a failing test": (
        a_file("oil price"),
        "4:19: `one`: “Embargo on oil” should match and does not [test]",
    ),
}


def written(folder: Path, text: str | bytes, name: str = "x.yaml") -> Path:
    """Write a rule file into `folder`/rules, and return the folder."""
    (folder / "rules").mkdir(exist_ok=True)
    (folder / "rules" / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


@pytest.mark.parametrize(("text", "said"), BROKEN.values(), ids=BROKEN.keys())
def test_what_is_broken_is_one_line(tmp_path: Path, text: str | bytes, said: str) -> None:
    """Each error is told in one line with its place and its mend, on standard error, with status 2."""
    found = monitor("check", "rules", folder=written(tmp_path, text))
    told = [line for line in found.err.splitlines() if "is missing [" not in line]
    assert (found.status, found.out, told[0]) == (2, "", f"rules/x.yaml:{said}")
    assert told[1:] == [told[-1]]
    assert "broken" in told[-1]


@pytest.mark.parametrize(("text", "said"), DOUBTFUL.values(), ids=DOUBTFUL.keys())
def test_what_does_nothing_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    """Each lint is told in one line with its place and its mend, on standard output, with status 3."""
    found = monitor("check", "rules", folder=written(tmp_path, text))
    assert (found.status, found.err, found.out.splitlines()[0]) == (3, "", f"rules/x.yaml:{said}")
    assert len(found.out.splitlines()) == 2


def test_a_cycle_of_lists_is_told_once(tmp_path: Path) -> None:
    """Each circle of lists is one line, and the rules that use them are not blamed."""
    text = "lists: {a: [$b], b: [$a, $c], c: [$d], d: [$b], e: [$a]}\n" + a_file("$e")
    found = monitor("check", "rules", folder=written(tmp_path, text))
    assert found.out == ""
    assert found.err.splitlines()[:-1] == [
        "rules/x.yaml:1:22: the lists contain each other: a -> b -> a (break the circle) [list-cycle]",
        "rules/x.yaml:1:44: the lists contain each other: b -> c -> d -> b (break the circle) [list-cycle]",
    ]


def test_two_files_that_define_one_id_are_told(tmp_path: Path) -> None:
    """The second file is complained of, and the first one is named."""
    written(tmp_path, a_file("embargo"), "a.yaml")
    found = monitor("check", "rules", folder=written(tmp_path, a_file("embargo on"), "b.yaml"))
    assert found.status == 2
    assert found.err.splitlines()[0] == (
        "rules/b.yaml:2:3: the rule `one` is defined in rules/a.yaml:2:3 already"
        " (give it another id; or `replace: true` takes its place, `override:` changes a part of it) [duplicate-id]"
    )


def test_a_folder_that_vanished_is_told(tmp_path: Path) -> None:
    """A folder of rules that is gone is one line with what to create or change."""
    set_up(tmp_path, config=SMALL_CONFIG)
    (tmp_path / "rules" / "own.yaml").unlink()
    (tmp_path / "rules").rmdir()
    found = monitor("check", folder=tmp_path)
    assert found.status == 2
    assert found.err.splitlines()[0] == (
        "rules: cannot read rules there: no such file or folder"
        " (create rules, or change `paths` under [rules] in config.toml)"
    )
    assert monitor("check", "rules", folder=tmp_path).err == (
        "rules: no such file or folder; name a configuration, or a folder or file of rules\n"
    )


def test_windows_line_ends_are_well(tmp_path: Path) -> None:
    """A file that was saved on Windows is read like any other."""
    found = monitor("check", "rules", folder=written(tmp_path, a_file("embargo").replace("\n", "\r\n")))
    assert found.out == "all is well: 1 rule\n"


def test_a_regular_expression_that_backtracks_elsewhere_is_well(tmp_path: Path) -> None:
    """Nested repetitions cost linear time here: the rule's own test, a long text, is answered at once."""
    tests = f"  tests: {{match: [b], no_match: [{'a' * 50_000}!]}}\n"
    found = monitor("check", "rules", folder=written(tmp_path, a_file("'/^(a+)+$|^b$/'", tests)))
    assert found.out == "all is well: 1 rule\n"


def test_a_folder_of_them_all_is_told_file_by_file(tmp_path: Path) -> None:
    """Every broken file of a folder is told in one go; one that cannot be read hides no other."""
    texts = [text if isinstance(text, bytes) else text.encode() for text, _ in BROKEN.values()]
    for number, text in enumerate(texts):
        written(tmp_path, text.replace(b"id: one", b"id: r-%d" % number), f"{number}.yaml")
    found = monitor("check", "rules", folder=tmp_path)
    assert found.status == 2
    assert {line.split(":")[0] for line in found.err.splitlines()[:-1]} == {
        f"rules/{number}.yaml" for number in range(len(texts))
    }


def test_a_file_that_cannot_be_read_blames_no_other(tmp_path: Path) -> None:
    """While the file of a list cannot be read, the rule that names the list is not complained of."""
    written(tmp_path, b"lists: {states: [caf\xe9]}\n", "a.yaml")
    found = monitor("check", "rules", folder=written(tmp_path, a_file("$states")))
    assert found.err.splitlines()[:-1] == ["rules/a.yaml:1:1: not UTF-8 (save the file as UTF-8) [not-utf-8]"]
