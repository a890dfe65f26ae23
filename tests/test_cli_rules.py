"""Rules handed to another desk: `monitor rules export`."""

from pathlib import Path

from tests.commands import SMALL_CONFIG, environment, monitor, set_up

LISTED = """\
lists:
  threat: [threat*, warn*, $more]
  more: ["will not hesitate", "=Warnung"]
  spare: [Mali]
rules:
  - id: sanctions-threat
    match: {near: [$threat, sanction*], within: sentence}  # close
    tests: {match: ["US warns of sanctions: aide"], no_match: [Cup tie]}
  - id: bank-sanctions
    match: {all: [{rule: sanctions-threat}, bank*]}
    tests: {match: [US warns banks of sanctions], no_match: [Bank holiday]}
  - id: visit
    match: visit*
    tests: {match: [He visits], no_match: [He stays]}
"""


def test_an_export_stands_alone(tmp_path: Path) -> None:
    """A rule comes with the rules and lists that it refers to, and `monitor check` passes on the file."""
    set_up(tmp_path, rules=LISTED)
    found = monitor("rules", "export", "bank-sanctions", "--out", "out/desk.yaml", folder=tmp_path)
    assert found.out == ("wrote out/desk.yaml: 2 rules, with their lists; to try it: monitor check out/desk.yaml\n"), (
        found.err
    )
    assert monitor("check", "out/desk.yaml", folder=tmp_path).out == "all is well: 2 rules\n"
    text = (tmp_path / "out" / "desk.yaml").read_text(encoding="utf-8")
    assert "will not hesitate" in text
    assert "Mali" not in text


def test_an_export_goes_to_standard_output(tmp_path: Path) -> None:
    """Without --out the file's text is the output, without ids it has every rule."""
    set_up(tmp_path, rules=LISTED)
    found = monitor("rules", "export", folder=tmp_path)
    (tmp_path / "all.yaml").write_text(found.out, encoding="utf-8")
    assert monitor("check", "all.yaml", folder=tmp_path).out == "all is well: 3 rules\n"


def test_the_shipped_rules_can_be_exported(tmp_path: Path) -> None:
    """Without a configuration the shipped rules are handed on, and pass their own tests at the other desk."""
    with environment(MONITOR_CONFIG=None, XDG_CONFIG_HOME=str(tmp_path)):
        assert monitor("rules", "export", "--out", "desk.yaml", folder=tmp_path).status == 0
        found = monitor("check", "desk.yaml", folder=tmp_path)
    assert (found.status, found.err) == (0, ""), found.out


def test_an_export_overwrites_nothing(tmp_path: Path) -> None:
    """A file that is there stays as it is."""
    set_up(tmp_path, rules=LISTED)
    found = monitor("rules", "export", "--out", "rules/own.yaml", folder=tmp_path)
    assert (found.status, found.err) == (2, "rules/own.yaml: is there already; name another file\n")
    assert (tmp_path / "rules" / "own.yaml").read_text(encoding="utf-8") == LISTED


def test_an_export_of_an_unknown_rule_is_told(tmp_path: Path) -> None:
    """The nearest id is offered, and nothing is written."""
    set_up(tmp_path, config=SMALL_CONFIG, rules=LISTED)
    found = monitor("rules", "export", "visits", "--out", "desk.yaml", folder=tmp_path)
    assert found.status == 2
    assert found.err == "no rule is called 'visits' (did you mean 'visit'?); see `monitor rules list`\n"
    assert not (tmp_path / "desk.yaml").exists()
