"""`monitor replay --alert`: new rules on the stored past, once a person has said yes."""

from datetime import timedelta
from pathlib import Path

import pytest

from monitor import clock, model
from monitor.deliver import digests
from monitor.store import outbox, stories
from tests.commands import SMALL_CONFIG, SMALL_RULES, Ran, came_in, monitor, set_up
from tests.desks import changed

WARNED = "US warns Pyongyang and Moscow of new sanctions"
DELAYED = "Ferry strike delays grain off Odesa"
RETOLD = "Ferry strike delays grain off Odesa, port says"
OTHER = "Ferry sinks in the Sulu Sea, dozens missing"
CUP = "Cup tie postponed after storm"
FERRIES = (
    SMALL_RULES
    + """
  - id: ferries
    level: critical
    match: ferry
    tests: {match: [Ferry sinks], no_match: [Train stops]}
"""
)
CHANNELS = """
[[channels]]
name = "desk"
url = "json://127.0.0.1:9/"
[[channels]]
name = "visits"
url = "json://127.0.0.1:9/visits"
tags = ["visits"]
"""


@pytest.fixture
def past(tmp_path: Path) -> Path:
    """Return a folder whose entries came in five days ago, before there was a rule on ferries."""
    path = set_up(tmp_path, config=SMALL_CONFIG + CHANNELS)
    at = clock.now() - timedelta(days=5)
    came_in(path, WARNED, DELAYED, CUP, OTHER, at=at)
    came_in(path, RETOLD, at=at + timedelta(hours=1))
    (tmp_path / "rules" / "own.yaml").write_text(FERRIES, encoding="utf-8")
    return tmp_path


def recall(folder: Path, *more: str) -> Ran:
    """Run the command for the last thirty days."""
    return monitor("replay", "--since", "30d", "--alert", *more, folder=folder)


def waiting(folder: Path) -> list[model.Notification]:
    """Return what waits in the outbox as a part of the digest of the past, the oldest first."""
    store = changed(folder)
    with store.read() as tx:
        found = outbox.list_notifications(tx)
    store.close()
    return [one for one in reversed(found) if one.batch == "replay"]


def test_the_past_is_alerted_as_one_digest(past: Path) -> None:
    """What matches now and matched nothing then is alerted, each story once, held to go out together."""
    found = recall(past, "--yes")
    assert found.status == 0, found.err
    lines = found.out.splitlines()
    assert [line.strip() for line in lines[1:6:2]] == [DELAYED, OTHER, RETOLD]
    assert lines[6].startswith("3 stored entries since ")
    assert lines[7:] == [
        "2 alerts raised of 3 entries",
        "  desk: one digest of 2 alerts",
        "  a running daemon sends it in a minute, else the next `monitor poll`",
    ]
    held = waiting(past)
    assert [(one.channel, one.state) for one in held] == [("desk", "held")] * 2
    assert len({one.ready_at for one in held}) == 1


def test_a_digest_of_the_past_says_so(past: Path) -> None:
    """All that was called back goes out as one digest with its own title, even if it is one alert alone."""
    config = SMALL_CONFIG + CHANNELS.replace('tags = ["visits"]', 'rules = ["sanctions-threat"]')
    changed_rules = FERRIES.replace("match: ferry", "match: sulu").replace("Ferry sinks", "Sulu sinks")
    set_up(past, config=config, rules=changed_rules)
    recall(past, "--yes")
    store = changed(past)
    with store.write() as tx:
        digests.release_due(tx, clock.now() + timedelta(minutes=2))
        found = outbox.list_notifications(tx, channel="desk", state=model.NotificationState.PENDING, limit=1)
        (raised,) = stories.alerts(tx, found[0].alert_ids)
    store.close()
    assert (found[0].kind, raised.entry.title) == (model.NotificationKind.DIGEST, OTHER)
    assert digests.title_of(found[0].batch, model.Channel("desk", "json://x"), [raised]) == (
        "From the past, under the rules of today"
    )


def test_nobody_hears_of_the_same_entry_twice(past: Path) -> None:
    """Once alerted, the past has nothing more to tell."""
    recall(past, "--yes")
    again = recall(past, "--yes")
    assert again.out.startswith("0 stored entries since ")
    assert len(again.out.splitlines()) == 1
    assert len(waiting(past)) == 2


def test_nothing_happens_without_a_yes(past: Path) -> None:
    """Where nobody can be asked, it is shown, --yes is named, and nothing is alerted."""
    found = recall(past)
    assert found.status == 2
    assert found.err == "nobody is here to be asked; to alert them: monitor replay --since TIME --alert --yes\n"
    assert DELAYED in found.out
    assert waiting(past) == []


def test_what_becomes_of_each_entry_for_scripts(past: Path) -> None:
    """--json prints an object for each entry: decision, story, alert, and what each channel gets."""
    rows = recall(past, "--yes", "--json").rows
    assert [(row["title"], row["decision"], row["alert"]) for row in rows] == [
        (DELAYED, "new", "A-2"),
        (OTHER, "new", "A-3"),
        (RETOLD, "duplicate", None),
    ]
    assert [one["reason"] for one in rows[0]["channels"]] == ["replayed", "not_selected"]


def test_an_experimental_rule_alerts_nothing_of_the_past(past: Path) -> None:
    """What experimental rules alone match is left as it is."""
    trial = FERRIES.replace("level: critical", "status: experimental")
    (past / "rules" / "own.yaml").write_text(trial, encoding="utf-8")
    assert recall(past, "--yes").out.startswith("0 stored entries since ")


def test_the_past_waits_for_the_morning(past: Path) -> None:
    """In quiet hours the digest of the past is held, even if its alerts are critical."""
    now = clock.now()
    begin, end = now - timedelta(hours=2), now + timedelta(hours=4)
    quiet = f'rules = ["ferries"]\nquiet = {{ from = "{begin:%H}:00", to = "{end:%H}:00" }}'
    config = SMALL_CONFIG + CHANNELS.replace('tags = ["visits"]', quiet)
    set_up(past, config=config, rules=FERRIES)
    recall(past, "--yes")
    until = {one.channel: one.ready_at for one in waiting(past)}
    assert until["visits"] > until["desk"]


@pytest.mark.parametrize("more", [["--diff", "rules"], ["--rules", "rules"], ["--every-entry"]])
def test_only_the_rules_in_force_alert(past: Path, more: list[str]) -> None:
    """--alert takes stored entries and the configuration's rules, nothing else."""
    found = recall(past, "--yes", *more)
    assert found.status == 2
    assert found.err.startswith("--alert goes with --since alone")
