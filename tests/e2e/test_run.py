"""The daemon as people run it: a feed server on one side, mail and webhook on the other, nothing replaced."""

from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import pytest

from monitor.store import outbox
from tests import servers
from tests.e2e.daemon import RULES, Daemon


@pytest.fixture
def feeds() -> Iterator[servers.FeedServer]:
    """Return a feed server with one feed that holds old news."""
    with servers.FeedServer() as server:
        server.put("/world.xml", _world("Weather is fine"), etag='"1"')
        yield server


@pytest.fixture
def hooks() -> Iterator[servers.WebhookReceiver]:
    """Return a webhook receiver."""
    with servers.WebhookReceiver() as server:
        yield server


@pytest.fixture
def mail() -> Iterator[servers.MailReceiver]:
    """Return a mail receiver."""
    with servers.MailReceiver() as server:
        yield server


@pytest.fixture
def daemon(
    tmp_path: Path, feeds: servers.FeedServer, hooks: servers.WebhookReceiver, mail: servers.MailReceiver
) -> Iterator[Daemon]:
    """Return a daemon that polls the feed every second and tells both channels."""
    channels = [
        hooks.url("/hook").replace("http", "json", 1),
        f"mailto://127.0.0.1:{mail.port}?from=monitor@example.org&to=desk@example.org&mode=insecure",
    ]
    daemon = Daemon(tmp_path, [feeds.url("/world.xml")], channels)
    yield daemon
    daemon.close()


@pytest.mark.slow
def test_an_entry_becomes_one_mail_and_one_message(
    daemon: Daemon, feeds: servers.FeedServer, hooks: servers.WebhookReceiver, mail: servers.MailReceiver
) -> None:
    """Both name the rule, the words that matched and why it is news; told again by the feed, nothing follows."""
    daemon.start()
    daemon.until_logged("polled")
    feeds.put("/world.xml", _world("Ministry threatens sanctions over grain", "Weather is fine"), etag='"2"')
    servers.until(lambda: hooks.messages and mail.messages, 20)
    asked = feeds.count("/world.xml")
    servers.until(lambda: feeds.count("/world.xml") >= asked + 2)
    assert daemon.stop() == 0
    assert len(hooks.messages) == len(mail.messages) == 1
    [letter] = mail.messages
    assert letter.subject.startswith("[HIGH] Sanctions threat: Ministry threatens sanctions over grain")
    for text in (letter.text(), letter.text("html")):
        assert "sanctions" in text
        assert "threatens" in text
        assert "new story" in text
        assert "monitor explain A-1" in text
    assert len(letter.message.get_all("Message-ID") or []) == 1
    assert hooks.messages[0].headers["idempotency-key"]
    assert "Ministry threatens sanctions over grain" in hooks.messages[0].body.decode()


@pytest.mark.slow
def test_a_mail_server_that_refuses_for_a_while_loses_nothing(
    daemon: Daemon, feeds: servers.FeedServer, hooks: servers.WebhookReceiver, mail: servers.MailReceiver
) -> None:
    """The webhook is told at once; the mail arrives when the server takes mail again, over a restart too."""
    feeds.put("/world.xml", _world("Ministry threatens sanctions over grain"), etag='"2"')
    mail.stop()
    daemon.start()
    servers.until(lambda: hooks.messages, 20)
    daemon.until_logged("channel1")
    assert daemon.stop() == 0
    mail.start()
    daemon.start()
    servers.until(lambda: mail.messages, 40)
    assert daemon.stop() == 0
    assert len(hooks.messages) == len(mail.messages) == 1


@pytest.mark.slow
def test_broken_rules_keep_the_good_ones_and_are_told_once(
    daemon: Daemon, feeds: servers.FeedServer, hooks: servers.WebhookReceiver
) -> None:
    """A rule file that breaks under the running daemon is complained of with its line, and mended by an edit."""
    daemon.start()
    daemon.until_logged("polled")
    (daemon.folder / "rules" / "own.yaml").write_text(RULES.replace("match:", "mach:", 1), encoding="utf-8")
    daemon.until_logged("files_refused")
    feeds.put("/world.xml", _world("Ministry threatens sanctions over grain"), etag='"2"')
    servers.until(lambda: any("threatens" in m.body.decode() for m in hooks.messages), 20)
    assert any("own.yaml:" in m.body.decode() for m in hooks.messages), "the operator is told the file and line"
    (daemon.folder / "rules" / "own.yaml").write_text(RULES, encoding="utf-8")
    daemon.until_logged("reloaded")
    assert daemon.stop() == 0
    assert sum("own.yaml:" in m.body.decode() for m in hooks.messages) == 1


@pytest.mark.slow
def test_a_second_daemon_says_who_runs(daemon: Daemon) -> None:
    """A second start on the same database ends with status 1 and names the first one's process."""
    daemon.start()
    daemon.until_logged("started")
    import subprocess
    import sys

    second = subprocess.run(
        [sys.executable, "-m", "monitor", "run", "--config", str(daemon.config)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert second.returncode == 1
    assert "already running: process " in second.stderr
    assert daemon.stop() == 0


@pytest.mark.slow
def test_a_stop_leaves_a_sound_database_and_an_empty_outbox(daemon: Daemon, feeds: servers.FeedServer) -> None:
    """SIGTERM ends it with status 0; nothing is half sent, and SQLite finds nothing wrong."""
    feeds.put("/world.xml", _world("Ministry threatens sanctions over grain"), etag='"2"')
    daemon.start()
    daemon.until_logged("polled")
    assert daemon.stop(10) == 0
    store = daemon.store()
    with store.read() as tx:
        assert tx.connection().exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        assert all(row.lease == "" for row in outbox.list_notifications(tx, limit=10))
    store.close()


def _world(*titles: str) -> bytes:
    return servers.rss("World", *[servers.item(title, guid=title, published=formatdate()) for title in titles])


@pytest.mark.slow
def test_a_channel_with_a_typo_stops_no_other(
    tmp_path: Path, feeds: servers.FeedServer, hooks: servers.WebhookReceiver
) -> None:
    """It is named to the operator with file and line; the others go on, and what it is owed waits for the mend."""
    feeds.put("/world.xml", _world("Ministry threatens sanctions over grain"), etag='"2"')
    good = hooks.url("/hook").replace("http", "json", 1)
    daemon = Daemon(tmp_path, [feeds.url("/world.xml")], [good, "nonsense://desk"])
    try:
        daemon.start()
        servers.until(lambda: len(hooks.messages) == 2, 20)
        told = " ".join(message.body.decode() for message in hooks.messages)
        assert "Ministry threatens sanctions over grain" in told
        assert "config.toml:" in told
        assert "channel1" in told
        text = daemon.config.read_text(encoding="utf-8")
        daemon.config.write_text(text.replace("nonsense://desk", good.replace("/hook", "/other")), encoding="utf-8")
        servers.until(lambda: any(message.path == "/other" for message in hooks.messages), 20)
        assert daemon.stop() == 0
    finally:
        daemon.close()


@pytest.mark.slow
def test_a_database_that_was_upgraded_under_it_stops_the_daemon(daemon: Daemon) -> None:
    """Another program's newer tables are not written to: it says so and ends with status 1."""
    daemon.start()
    daemon.until_logged("started")
    store = daemon.store()
    with store.write() as tx:
        tx.connection().exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    store.close()
    assert daemon.wait_for_death(30) == 1
    assert "was upgraded to revision 9999" in daemon.text
