"""`monitor check --fix`, and what `check` says of rules that silently do nothing."""

from pathlib import Path

from tests.commands import SMALL_CONFIG, SMALL_RULES, monitor, set_up

SLIPS = """\
rules:  # mine
  - id: oil-ban
    tgas: [oil]  # two of them
    match:
      - price cap #1
      - embargo*
    tests:
      match:
        - Tokyo: embargo on oil
      no_match: [Cup tie]
"""


def test_mechanical_slips_are_mended(tmp_path: Path) -> None:
    """A misspelt key, a term that a # cut and a headline with a colon are mended in place and shown; comments stay."""
    (tmp_path / "own.yaml").write_text(SLIPS, encoding="utf-8")
    found = monitor("check", "own.yaml", "--fix", folder=tmp_path)
    assert found.out.splitlines() == [
        "own.yaml:3: mended",
        "-     tgas: [oil]  # two of them",
        "+     tags: [oil]  # two of them",
        "own.yaml:5: mended",
        "-       - price cap #1",
        '+       - "price cap #1"',
        "own.yaml:9: mended",
        "-         - Tokyo: embargo on oil",
        '+         - "Tokyo: embargo on oil"',
        "all is well: 1 rule",
    ], found.err
    assert found.status == 0
    text = (tmp_path / "own.yaml").read_text(encoding="utf-8")
    assert text == SLIPS.replace("tgas", "tags").replace("price cap #1", '"price cap #1"').replace(
        "Tokyo: embargo on oil", '"Tokyo: embargo on oil"'
    )
    assert monitor("check", "own.yaml", "--fix", folder=tmp_path).out == "all is well: 1 rule\n"


def test_what_takes_a_person_is_left(tmp_path: Path) -> None:
    """What cannot be mended mechanically is complained of as without --fix, and nothing is written."""
    rules = SMALL_RULES.replace("level: high", "level: loud")
    set_up(tmp_path, rules=rules)
    before = (tmp_path / "rules" / "own.yaml").stat().st_mtime_ns
    found = monitor("check", "--fix", folder=tmp_path)
    assert found.status == 2
    assert found.err.startswith("rules/own.yaml:5:")
    assert (tmp_path / "rules" / "own.yaml").stat().st_mtime_ns == before


def test_a_key_that_is_there_is_not_written_twice(tmp_path: Path) -> None:
    """A misspelt key beside the one that it resembles is left to a person."""
    text = SLIPS.replace("tgas: [oil]", "mach: oil").replace(" #1", "")
    (tmp_path / "own.yaml").write_text(text, encoding="utf-8")
    found = monitor("check", "own.yaml", "--fix", folder=tmp_path)
    assert found.status == 2
    assert found.err.startswith("own.yaml:3:5: unknown key `mach` (did you mean `match`?)")
    assert "    mach: oil" in (tmp_path / "own.yaml").read_text(encoding="utf-8")


def test_two_slips_for_one_key_are_left_to_a_person(tmp_path: Path) -> None:
    """Two misspelt keys that seem to mean one are both told, and neither is mended into a key that stands twice."""
    text = "rules:\n- id: one\n  mach: embargo\n  macth: oil\n"
    (tmp_path / "own.yaml").write_text(text, encoding="utf-8")
    found = monitor("check", "own.yaml", "--fix", folder=tmp_path)
    assert found.err.splitlines()[:2] == [
        f"own.yaml:{line}:3: unknown key `{key}` (did you mean `match`? `{other}` seems to mean it too:"
        " keep one of them) [unknown-key]"
        for line, key, other in ((3, "mach", "macth"), (4, "macth", "mach"))
    ]
    assert (tmp_path / "own.yaml").read_text(encoding="utf-8") == text


def test_regular_expressions_get_their_quotes(tmp_path: Path) -> None:
    """Each unquoted one with brackets is quoted, whatever it holds; quoted ones and comments stay."""
    text = """\
rules:
- id: one
  match: [/f-1[56]s?/, '/su[- ]?2[47]/', /it's[ab]/]  # not /this[1]/
  tests: {match: [F-15s], no_match: [Cup tie]}
- id: two
  match: {near: [/b[/]{2}c/, "/[[:alpha:]]+skiy/"], within: 3}
  tests: {match: [b//c Zelenskiy], no_match: [Cup tie]}
"""
    (tmp_path / "own.yaml").write_text(text, encoding="utf-8")
    found = monitor("check", "own.yaml", "--fix", folder=tmp_path)
    assert (found.status, found.out.splitlines()[-1]) == (0, "all is well: 2 rules"), found
    mended = text.replace("/f-1[56]s?/", "'/f-1[56]s?/'").replace("/it's[ab]/", "'/it''s[ab]/'")
    mended = mended.replace("/b[/]{2}c/", "'/b[/]{2}c/'")
    assert (tmp_path / "own.yaml").read_text(encoding="utf-8") == mended


def test_a_file_of_another_system_keeps_its_line_ends(tmp_path: Path) -> None:
    """Windows line ends, the byte order mark, the file's permissions and a link to it stay as they are."""
    kept = tmp_path / "kept" / "own.yaml"
    set_up(tmp_path)
    kept.parent.mkdir()
    kept.write_bytes(b"\xef\xbb\xbf" + SLIPS.replace("\n", "\r\n").encode())
    kept.chmod(0o640)
    (tmp_path / "rules" / "own.yaml").unlink()
    (tmp_path / "rules" / "own.yaml").symlink_to(kept)
    assert monitor("check", "--fix", folder=tmp_path).status == 0
    data = kept.read_bytes()
    assert data.startswith(b"\xef\xbb\xbfrules:  # mine\r\n")
    assert b"    tags: [oil]  # two of them\r\n" in data
    assert data.count(b"\n") == data.count(b"\r\n")
    assert kept.stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "rules" / "own.yaml").is_symlink()


def test_mends_for_scripts(tmp_path: Path) -> None:
    """--json tells each mend as an object."""
    set_up(tmp_path, rules=SMALL_RULES.replace("tags: [s", "tgas: [s"))
    (row,) = monitor("check", "--fix", "--json", folder=tmp_path).rows
    assert row == {
        "severity": "mended",
        "file": "rules/own.yaml",
        "line": 6,
        "before": ["    tgas: [sanctions]"],
        "after": ["    tags: [sanctions]"],
    }


def test_rules_that_cannot_be_read_are_left_to_the_check(tmp_path: Path) -> None:
    """--fix on a folder that is not there says what `check` says."""
    set_up(tmp_path, config=SMALL_CONFIG.replace('"rules"', '"rulez"'))
    assert monitor("check", "--fix", folder=tmp_path) == monitor("check", folder=tmp_path)


def test_what_silently_does_nothing_is_worth_a_look(tmp_path: Path) -> None:
    """A list that nobody uses is told with its place, and is status 3."""
    set_up(tmp_path, rules=SMALL_RULES + "lists: {spare: [Mali]}\n")
    found = monitor("check", folder=tmp_path)
    assert found.status == 3
    assert found.out.startswith("rules/own.yaml:22:9: no rule uses the list `spare` ")


def test_only_what_is_broken_is_told_while_something_is(tmp_path: Path) -> None:
    """A list whose rule cannot be read is not called unused."""
    rules = "lists: {threat: [warn*]}\nrules:\n- {id: one, match: $threat, mach: x}\n- {id: two, match: oil}\n"
    set_up(tmp_path, rules=rules)
    found = monitor("check", "rules", folder=tmp_path)
    assert found.out == ""
    assert found.err.startswith("rules/own.yaml:3:29: unknown key `mach`")
