"""What `monitor status` says in each kind of trouble, word by word; docs/database.md shows the same."""

import re
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from monitor import clock
from monitor.cli import status_around
from monitor.daemon import opening
from monitor.store import facts, network, outbox, size, tables
from tests import desks
from tests.commands import SMALL_CONFIG, monitor, set_up
from tests.desks import beat, changed

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "database.md"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fill one folder for the tests of this module."""
    return desks.fill(tmp_path_factory.mktemp("filled"))


@pytest.fixture
def desk(filled: Path, tmp_path: Path) -> Path:
    """Return a copy of that folder, for the test alone, with a daemon that lives."""
    folder = Path(shutil.copytree(filled, tmp_path / "desk"))
    beat(folder, clock.now())
    return folder


def test_a_database_that_is_away(tmp_path: Path) -> None:
    """One line on standard error for people, and an answer for scripts; status 1."""
    set_up(tmp_path, config=SMALL_CONFIG + '[store]\nurl = "postgresql://monitor:hunter2@127.0.0.1:9/monitor"\n')
    line = (
        "postgresql+psycopg://monitor:***@127.0.0.1:9/monitor cannot be reached: see that the server runs and that "
        "store.url names it; it is tried again ["
    )
    found = monitor("status", folder=tmp_path)
    assert (found.status, found.out, found.err.count("\n")) == (1, "", 1)
    assert found.err.startswith(line)
    asked = monitor("status", "--json", folder=tmp_path)
    [row] = asked.rows
    assert (asked.status, row["well"], row["troubles"][0][: len(line)]) == (1, False, line)


def test_a_disk_that_is_nearly_full(tmp_path: Path) -> None:
    """It says what is left, what will happen, and what to do."""
    state = {**_WELL, "disk_full_soon": size.short_of_space(tmp_path / "monitor.db", least=2**62)}
    [(what, do)] = status_around.troubles(state, clock.now())
    assert re.fullmatch(rf"the disk of the database is nearly full: {tmp_path} has \d+ MiB left", what)
    assert do == (
        "When it is full, nothing new is stored or sent, and nothing that is stored is lost. Make room, or keep less: "
        "[keep] entries in the configuration."
    )


def test_a_channel_that_takes_nothing(desk: Path) -> None:
    """The channel, since when, how many messages wait, what it answers, and how to try it."""
    now = clock.now()
    store = changed(desk)
    with store.write() as tx:
        claimed = outbox.claim_next(tx, "desk", now, lease="x", until=now + timedelta(minutes=1))
        assert claimed
        outbox.settle_retry(tx, claimed.id, "x", now + timedelta(minutes=5), "answered 401 Unauthorized")
        tx.connection().execute(sa.update(tables.notifications).values(created_at=now - timedelta(minutes=20)))
    store.close()
    assert _troubles(desk) == (
        "NOT WELL: channel 'desk' took nothing for 20 min, 1 message waits: answered 401 Unauthorized\n"
        "          mend it, then: monitor notify test desk; what waits is sent by itself\n"
    )


def test_a_channel_that_refused_once_is_no_trouble_yet(desk: Path) -> None:
    """What was refused a moment ago is tried again by itself."""
    now = clock.now()
    store = changed(desk)
    with store.write() as tx:
        claimed = outbox.claim_next(tx, "desk", now, lease="x", until=now + timedelta(minutes=1))
        assert claimed
        outbox.settle_retry(tx, claimed.id, "x", now + timedelta(minutes=5), "answered 503")
    store.close()
    assert monitor("status", folder=desk).out.endswith("All is well.\n")


def test_no_feed_that_answers(desk: Path) -> None:
    """When nothing answers, it is not one feed that is to blame."""
    now = clock.now()
    _set_feeds(desk, last_polled_at=now - timedelta(minutes=5), last_ok_at=now - timedelta(hours=3))
    assert _troubles(desk) == (
        "NOT WELL: no feed has answered for 3 h, though all are asked\n"
        "          see whether this machine reaches the internet and a name server: monitor feeds list\n"
    )


def test_a_network_that_is_down(desk: Path) -> None:
    """When nothing can be reached, the network is named, and no feed."""
    now = clock.now()
    store = changed(desk)
    with store.write() as tx:
        network.put(tx, network.Down(now - timedelta(hours=3), now, "no route"))
    store.close()
    assert _troubles(desk) == (
        "NOT WELL: no feed can be reached for 3 h: the network is down, or the proxy of all feeds\n"
        "          see whether this machine reaches the internet, its name server and [poll] proxy\n"
    )


def test_a_feed_that_fails_for_days(desk: Path) -> None:
    """A feed is named after a day, with what it answers."""
    since = clock.now() - timedelta(days=3)
    _set_feeds(desk, failures=40, failing_since_at=since, last_error="answered 404 Not Found: there is no such page")
    assert _troubles(desk) == (
        "NOT WELL: feed 'Wire' fails since 3 d: answered 404 Not Found: there is no such page\n"
        "          see monitor feeds list\n"
    )


def test_a_daemon_that_died(desk: Path) -> None:
    """A minute and a half without a sign of life is told, however lately feeds were polled before it."""
    beat(desk, clock.now() - timedelta(minutes=4))
    assert _troubles(desk) == (
        "NOT WELL: the daemon's last sign of life (process 7 on here) is 4 min old\n"
        "          start it: monitor run; why it ended: journalctl -u monitor, docker compose logs\n"
    )


def test_polls_from_cron_after_a_daemon(desk: Path) -> None:
    """Who has gone over from the daemon to `monitor poll` is well: polls came after its last sign of life."""
    beat(desk, clock.now() - timedelta(days=4))
    assert monitor("status", folder=desk).out.endswith("All is well.\n")


def test_a_clock_that_is_an_hour_off(desk: Path) -> None:
    """A sign of life from the future is the clock's trouble, not the daemon's."""
    beat(desk, clock.now() + timedelta(hours=1, seconds=2))
    assert _troubles(desk) == (
        "NOT WELL: the daemon's last sign of life is 1 h ahead of this machine's clock\n"
        "          set the clock (NTP: timedatectl status); a daemon that runs moves what it planned with it\n"
    )


def test_rules_that_are_broken(desk: Path) -> None:
    """The file, the line, and the command that shows the others."""
    (desk / "rules" / "own.yaml").write_text("rules:\n  - id: one\n    level: high\n", encoding="utf-8")
    assert _troubles(desk) == (
        "NOT WELL: rules are broken: rules/own.yaml:2:5: `match` is missing [missing-key]\n"
        "          see all: monitor check\n"
    )


def test_a_database_that_is_damaged(desk: Path) -> None:
    """What a look beside the daemon has found stands first, with the way back."""
    store = changed(desk)
    with store.write() as tx:
        said = opening.complaint(desk / "monitor.db", "On tree page 6 cell 0: Extends off end of page")
        facts.put(tx, opening.DAMAGED, {"complaint": said}, clock.now())
    store.close()
    assert _troubles(desk) == (
        f"NOT WELL: {desk}/monitor.db is damaged (On tree page 6 cell 0: Extends off end of page)\n"
        "          put a backup in its place; or save what can be read with `monitor db export`, and import it into "
        "a new one. See docs/database.md\n"
    )


_WELL: dict[str, object] = {
    "damage": "",
    "disk_full_soon": "",
    "daemon": None,
    "last_poll_at": clock.now(),
    "last_answer_at": clock.now(),
    "network_down_since_at": None,
    "refused": [],
}


def _troubles(folder: Path) -> str:
    """Return what is not well, as people read it; the exit status is 1, and the page shows the same."""
    found = monitor("status", folder=folder)
    assert (found.status, found.err) == (1, "")
    said = found.out.partition("\n\n")[2]
    assert str(folder) in said or said in PAGE.read_text(encoding="utf-8")
    return said


def _set_feeds(folder: Path, **values: object) -> None:
    store = changed(folder)
    with store.write() as tx:
        tx.connection().execute(sa.update(tables.feeds).values(**values))
    store.close()
