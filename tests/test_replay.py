"""Replay: entries from a file through match and dedupe, one line out for every line in."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from monitor import errors, replay, rules
from tests.commands import SMALL_RULES, Ran, environment, monitor, set_up

KEYS = ["id", "rules", "decision", "story", "score", "because"]
WARNED = "US warns Pyongyang and Moscow of new sanctions"
CUP = "Cup tie postponed after storm floods the pitch"
SEED = "US warns North Korea and Russia of new sanctions\n\nWashington warned Pyongyang and Moscow of new sanctions.\n"


def lines(*rows: dict[str, Any] | str) -> bytes:
    """Return rows as JSON Lines; a string is a line as it is."""
    return "".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows).encode()


def run(folder: Path, data: bytes, *more: str) -> Ran:
    """Run `monitor replay -` with the small rules and no known stories."""
    set_up(folder)
    return monitor("replay", "-", *more, folder=folder, stdin=data)


def test_every_line_gets_one_line_in_order(tmp_path: Path) -> None:
    """For every input line, in that order, one object with exactly the six keys."""
    found = run(tmp_path, lines({"id": "a", "title": WARNED}, {"id": "b", "title": CUP}))
    assert found.status == 0
    assert [list(row) for row in found.rows] == [KEYS, KEYS]
    assert [row["id"] for row in found.rows] == ["a", "b"]
    assert found.rows[0]["rules"] == ["sanctions-threat"]
    assert found.rows[0]["decision"] == "new"


def test_what_matches_nothing_has_nulls(tmp_path: Path) -> None:
    """An entry that no rule matches is `unmatched`, with nulls where nothing was decided."""
    (row,) = run(tmp_path, lines({"id": 7, "title": CUP})).rows
    assert row == {"id": 7, "rules": [], "decision": "unmatched", "story": None, "score": None, "because": None}


def test_a_retelling_joins_the_story(tmp_path: Path) -> None:
    """The same happening told again is a duplicate of the same story."""
    first, second = run(
        tmp_path,
        lines(
            {"title": WARNED, "published_at": "2026-11-20", "source": "Reuters"},
            {"title": f"{WARNED}, official says", "published_at": "2026-11-20T15:00:00Z", "source": "AP"},
        ),
    ).rows
    assert (first["decision"], second["decision"]) == ("new", "duplicate")
    assert first["story"] == second["story"]
    assert second["because"]
    assert 0 < second["score"] <= 1


def test_the_known_stories_are_there_from_the_start(tmp_path: Path) -> None:
    """What retells a seed is a duplicate although nothing came before it."""
    set_up(tmp_path)
    (tmp_path / "seeds" / "known.txt").write_text(SEED, encoding="utf-8")
    (row,) = monitor("replay", "-", folder=tmp_path, stdin=lines({"title": WARNED})).rows
    assert row["decision"] == "duplicate"


def test_without_the_seed_it_is_new(tmp_path: Path) -> None:
    """The same entry without the seed is new: it was the seed that held it back."""
    (row,) = run(tmp_path, lines({"title": WARNED})).rows
    assert row["decision"] == "new"


def test_outside_the_window_it_is_another_story(tmp_path: Path) -> None:
    """The clock is published_at: the same words a month later are another story."""
    first, later = run(
        tmp_path,
        lines({"title": WARNED, "published_at": "2026-01-01"}, {"title": WARNED, "published_at": "2026-02-15"}),
    ).rows
    assert later["decision"] == "new"
    assert later["story"] != first["story"]


def test_a_missing_date_is_neutral(tmp_path: Path) -> None:
    """An undated entry joins a dated story as if time said nothing."""
    first, undated = run(tmp_path, lines({"title": WARNED, "published_at": "2026-01-01"}, {"title": WARNED})).rows
    assert undated["story"] == first["story"]


def test_every_entry_is_deduplicated_on_request(tmp_path: Path) -> None:
    """--every-entry gives stories to what matched no rule, too."""
    data = lines({"title": CUP}, {"title": CUP})
    first, second = run(tmp_path, data, "--every-entry").rows
    assert first["rules"] == []
    assert (first["decision"], second["decision"]) == ("new", "duplicate")


def test_a_missing_id_is_the_line_number(tmp_path: Path) -> None:
    """Without an id, the number of the line stands for it; blank lines are passed over but counted."""
    found = run(tmp_path, lines({"title": "a"}, "", {"title": "b", "id": None}))
    assert [row["id"] for row in found.rows] == [1, 3]


def test_unknown_keys_and_nulls_are_nothing(tmp_path: Path) -> None:
    """Unknown keys are ignored, and null is the same as missing."""
    row = {"id": "x", "title": WARNED, "summary": None, "published_at": None, "labels": ["a"], "story": "gold"}
    assert run(tmp_path, lines(row)).rows[0]["decision"] == "new"


def test_no_input_is_no_output(tmp_path: Path) -> None:
    """An empty file is well, and prints nothing."""
    assert run(tmp_path, b"") == Ran(0, "", "")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "not JSON (Expecting property name enclosed in double quotes, column 2); write one object a line"),
        ("[1]", 'not an object; write {"title": "...", "summary": "...", "published_at": "2026-11-21"}'),
        ('{"title": 5}', "title must be text, not 5"),
        ('{"id": {}, "title": "a"}', "id must be text or a number"),
        (
            '{"published_at": "soon"}',
            'published_at: "soon" is no date; write "2026-11-21" or "2026-11-21T08:30:00Z"',
        ),
        (
            '{"published_at": 1700000000}',
            'published_at: 1700000000 is no date; write "2026-11-21" or "2026-11-21T08:30:00Z"',
        ),
        (
            '{"published_at": "0001-01-01T00:00:00+14:00"}',
            'published_at: "0001-01-01T00:00:00+14:00" is no date; write "2026-11-21" or "2026-11-21T08:30:00Z"',
        ),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, line: str, said: str) -> None:
    """A broken line is one clear line with file and number, and exit status 2."""
    set_up(tmp_path)
    (tmp_path / "in.jsonl").write_bytes(lines({"title": CUP}, line, {"title": CUP}))
    found = monitor("replay", "in.jsonl", folder=tmp_path)
    assert found.status == 2
    assert found.err == f"in.jsonl:2: {said}\n"
    assert len(found.rows) == 1


def test_a_line_that_is_not_text_is_named(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 are told as that."""
    found = run(tmp_path, b'{"title": "\xff"}\n')
    assert (found.status, found.err) == (2, "standard input:1: not UTF-8 text (byte 12 of the line)\n")


def test_a_nest_of_brackets_is_a_broken_line(tmp_path: Path) -> None:
    """A hundred thousand brackets are a broken line, not a crash."""
    found = run(tmp_path, b"[" * 100_000 + b"\n")
    assert found.status == 2
    assert found.err.startswith("standard input:1: not ")


def test_an_endless_line_is_refused(tmp_path: Path) -> None:
    """A line of more than 1 MiB is refused before it fills the memory."""
    found = run(tmp_path, b" " + b"x" * 3 * 1024 * 1024)
    assert (found.status, found.err) == (2, "standard input:1: longer than 1 MiB; write one entry a line\n")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A missing file is told in one line."""
    set_up(tmp_path)
    found = monitor("replay", "none.jsonl", folder=tmp_path)
    assert (found.status, found.err) == (2, "none.jsonl: cannot be read: No such file or directory\n")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """A folder in the place of the file is told in one line."""
    set_up(tmp_path)
    found = monitor("replay", "rules", folder=tmp_path)
    assert (found.status, found.err) == (2, "rules: cannot be read: Is a directory\n")


@pytest.mark.parametrize("arguments", [(), ("x.jsonl", "--since", "1d")])
def test_one_source_is_needed(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """Neither or both of FILE and --since is used wrongly."""
    found = monitor("replay", *arguments, folder=tmp_path)
    assert found.status == 2
    assert found.err == "name a FILE.jsonl (or -), or say --since 30d for stored entries\n"


def test_it_runs_without_any_configuration(tmp_path: Path) -> None:
    """Without a configuration, the shipped rules and known stories are used."""
    with environment(MONITOR_CONFIG=None, XDG_CONFIG_HOME=str(tmp_path)):
        found = monitor("replay", "-", folder=tmp_path, stdin=lines({"title": WARNED}, {"title": CUP}))
    assert found.status == 0
    assert found.rows[0]["rules"]
    assert found.rows[1]["decision"] == "unmatched"


def test_other_rules_can_be_tried(tmp_path: Path) -> None:
    """--rules takes the place of the configuration's rules."""
    set_up(tmp_path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "r.yaml").write_text(SMALL_RULES.replace("sanctions-threat", "renamed"), encoding="utf-8")
    (row,) = monitor("replay", "-", "--rules", "other", folder=tmp_path, stdin=lines({"title": WARNED})).rows
    assert row["rules"] == ["renamed"]


def test_a_diff_names_what_only_one_side_alerts(tmp_path: Path) -> None:
    """--diff prints what one rule set alerts and the other does not, and nothing else."""
    set_up(tmp_path)
    (tmp_path / "other").mkdir()
    visits = SMALL_RULES[: SMALL_RULES.index("  - id: sanctions")] + SMALL_RULES[SMALL_RULES.index("  - id: state") :]
    (tmp_path / "other" / "r.yaml").write_text(visits, encoding="utf-8")
    data = lines(
        {"id": "w", "title": WARNED}, {"id": "c", "title": CUP}, {"id": "v", "title": "Putin arrives in Pyongyang"}
    )
    found = monitor("replay", "-", "--diff", "other", folder=tmp_path, stdin=data)
    assert found.out.splitlines()[0] == f"- w  {WARNED}"
    assert found.out.splitlines()[-2:] == [
        "sanctions-threat: +0 -1",
        "1 alert differs (+ only the new rules alert it, - only the old ones do)",
    ]
    (row,) = monitor("replay", "-", "--diff", "other", "--json", folder=tmp_path, stdin=data).rows
    assert (row["id"], row["before"]["decision"], row["after"]["decision"]) == ("w", "new", "unmatched")


def test_broken_rules_are_told_with_their_place(tmp_path: Path) -> None:
    """A mistake in the rules is one line with file and line, and exit status 2."""
    set_up(tmp_path, rules=SMALL_RULES.replace("level: high", "levle: high"))
    found = monitor("replay", "-", folder=tmp_path)
    assert found.status == 2
    assert found.err.startswith("rules/own.yaml:5:")
    assert "levle" in found.err


def test_the_clock_is_the_entry_before() -> None:
    """An undated entry has the instant of the one before it as its clock, and no date of its own."""
    dated, undated = replay.read_lines(
        [b'{"title": "a", "published_at": "2026-11-21T10:00:00+02:00"}', b'{"title": "b"}'], "in"
    )
    assert dated.at == datetime(2026, 11, 21, 8, tzinfo=UTC)
    assert undated.at == dated.at
    assert undated.entry.published_at is None


def test_a_date_without_a_time_is_midnight() -> None:
    """A date without a time is the first instant of that day, UTC."""
    (item,) = replay.read_lines([b'{"title": "a", "published_at": "2026-11-21"}'], "in")
    assert item.at == datetime(2026, 11, 21, tzinfo=UTC)


def test_what_is_experimental_matches_but_alerts_nobody() -> None:
    """An experimental rule is named in `rules`, and does not count as an alert in a diff."""
    trying = SMALL_RULES.replace("level: high", "level: high\n    status: experimental")
    (item,) = replay.read_lines([json.dumps({"title": WARNED}).encode()], "in")
    tried = replay.Replay(rules.from_files({"own.yaml": trying})).decide(item)
    stable = replay.Replay(rules.from_files({"own.yaml": SMALL_RULES})).decide(item)
    assert tried.rules == stable.rules
    assert (tried.alerts, stable.alerts) == (False, True)


def test_the_input_is_read_as_it_is_needed() -> None:
    """A line is decided before the next one is read: replay can follow a pipe."""
    read = []

    def slowly() -> Any:
        for number in range(3):
            read.append(number)
            yield json.dumps({"title": f"entry {number}"}).encode()

    begun = replay.Replay(rules.from_files({"own.yaml": SMALL_RULES}))
    items = replay.read_lines(slowly(), "in")
    begun.decide(next(items))
    assert read == [0]


def test_the_error_is_one_of_configuration() -> None:
    """A broken line raises ConfigError, which is exit status 2."""
    with pytest.raises(errors.ConfigError):
        list(replay.read_lines([b"nonsense"], "in"))
