"""A day on which the same two leaders do five things, told by fifteen outlets: docs/examples/summit-day.jsonl."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise
from pathlib import Path

import pytest

from monitor import encoders, model, pipeline, rules, seeds, shipped
from monitor.store import engine, outbox, stories
from tests import stored
from tests.builders import a_channel

DAY = Path(__file__).parent.parent / "docs" / "examples" / "summit-day.jsonl"
HOUR = timedelta(hours=1)
DAY_BEFORE = datetime(2026, 11, 17, tzinfo=UTC)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sequence[tuple[str, model.Notification]]]:
    """Return what one channel gets of the day, in order: the report's id and its notification."""
    store = engine.open_store(f"sqlite:///{tmp_path_factory.mktemp('summit') / 'monitor.db'}")
    store.upgrade()
    yield _live(store)
    store.close()


def test_the_invitation_is_known(told: Sequence[tuple[str, model.Notification]]) -> None:
    """Nobody hears once more of what the seeds tell, however many tell it."""
    assert [report for report, _ in told if report.startswith("invitation")] == []


@pytest.mark.parametrize("happening", ["arrival", "talks", "threat", "arms"])
def test_what_follows_is_told_once(told: Sequence[tuple[str, model.Notification]], happening: str) -> None:
    """Each of the other happenings is told at once, with its first report; then only what is new in it."""
    alerts = [(report, one) for report, one in told if report.startswith(happening)]
    assert alerts[0][0] == f"{happening}-1"
    assert alerts[0][1].state is model.NotificationState.PENDING
    assert len(alerts) <= 3, [report for report, _ in alerts]


def test_no_story_is_told_twice_an_hour(told: Sequence[tuple[str, model.Notification]]) -> None:
    """Updates of one story come an hour apart, but for its rise when many outlets tell it, and for its first."""
    stories_told: dict[int | None, list[model.Notification]] = {}
    for _, one in told:
        stories_told.setdefault(one.story_id, []).append(one)
    for alerts in stories_told.values():
        updates = [one for one in alerts[1:] if one.level is not model.Level.CRITICAL]
        assert all(later.ready_at - one.ready_at >= HOUR for one, later in pairwise(updates))


def test_other_news_is_not_told(told: Sequence[tuple[str, model.Notification]]) -> None:
    """What meets no rule stays away."""
    assert [report for report, _ in told if report.startswith("other")] == []


def _live(store: engine.Store) -> list[tuple[str, model.Notification]]:
    """Let the day pass, minute by minute, with the shipped rules, known stories and encoder."""
    ruleset = rules.load(["builtin"], base=Path())
    deciding = pipeline.Deciding(
        store,
        ruleset,
        [a_channel(min_level=model.Level.INFO)],
        pipeline.Policy(),
        DAY_BEFORE,
        encoder=encoders.find("builtin", Path()),
    )
    deciding.learn_seeds(seeds.read_folder(shipped.SEEDS), DAY_BEFORE)
    rows = [json.loads(line) for line in DAY.read_text(encoding="utf-8").splitlines()]
    ids = {row["title"]: row["id"] for row in rows}
    for at, reports in groupby(rows, key=lambda row: datetime.fromisoformat(row["published_at"])):
        for row in reports:
            stored.add_entries(
                store,
                row["title"],
                feed=row["source"],
                at=at,
                published_at=at,
                summary=row["summary"],
                outlet=row["source"],
            )
        deciding.run_pass(at)
    with store.read() as tx:
        sent = outbox.list_notifications(tx, limit=1000)[::-1]
        return [(ids[stories.get_alert(tx, one.alert_ids[0]).entry.title], one) for one in sent]
