"""Killed between any two steps, started again: every alert is delivered, and a repeat carries the key of the first."""

import signal
from collections import Counter
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import pytest

from tests import servers
from tests.e2e.daemon import Daemon

# In the order of the pipe. `return` of what writes is before its commit; the next `call` is after it.
STEPS = [
    "monitor.store.feeds:claim_due:return",
    "monitor.poll:fetch:call",
    "monitor.sandbox:Sandbox.parse:call",
    "monitor.store.feeds:save_polls:call",
    "monitor.store.feeds:save_polls:return",
    "monitor.pipeline.polling:_tell:call",
    "monitor.store.entries:claim_pending:return",
    "monitor.match:match:call",
    "monitor.store.entries:mark_unmatched:return",
    "monitor.store.entries:mark_processed:return",
    "monitor.dedupe.index:Index.assign:return",
    "monitor.alert:decide:return",
    "monitor.store.decisions:save_decision:return",
    "monitor.store.outbox:add:return",
    "monitor.dedupe.index:Index.add:call",
    "monitor.store.outbox:claim_next:return",
    "monitor.store.outbox:store_message:return",
    "monitor.send:AppriseSender.send:call",
    "monitor.send:AppriseSender.send:return",
    "monitor.store.outbox:settle_sent:call",
    "monitor.store.outbox:settle_sent:return",
]
HEADLINES = ["Ministry threatens sanctions over grain", "Council warns miners of uranium sanctions", "Weather is fine"]


@pytest.fixture
def feeds() -> Iterator[servers.FeedServer]:
    """Return a feed server."""
    with servers.FeedServer() as server:
        yield server


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_every_alert_arrives(step: str, tmp_path: Path, feeds: servers.FeedServer) -> None:
    """Each matching entry reaches each channel at least once, at most twice, and twice only under one key."""
    items = [servers.item(title, guid=title, published=formatdate()) for title in HEADLINES]
    feeds.put("/world.xml", servers.rss("World", *items), etag='"1"')
    with servers.WebhookReceiver() as hooks, servers.MailReceiver() as mail:
        channels = [hooks.url("/hook").replace("http", "json", 1), _mail_url(mail)]
        daemon = Daemon(tmp_path, [feeds.url("/world.xml")], channels)
        try:
            daemon.start(crash_at=step)
            assert daemon.wait_for_death() == -signal.SIGKILL, daemon.text
            daemon.start()
            servers.until(lambda: _told(hooks, mail) == {2: 2} or "Traceback" in daemon.text, 20)
            assert daemon.stop() == 0, daemon.text
        finally:
            daemon.close()
        keys = Counter(request.headers["idempotency-key"] for request in hooks.messages)
        assert len(keys) == 2
        assert max(keys.values()) <= 2
        ids = Counter(message.message["Message-ID"] for message in mail.messages)
        assert len(ids) == 2
        assert max(ids.values()) <= 2
        assert sum(keys.values()) + sum(ids.values()) <= 5, "one kill repeats at most one message of one channel"


def _told(hooks: servers.WebhookReceiver, mail: servers.MailReceiver) -> dict[int, int]:
    """Return how many different alerts each of the two channels has been told, counted."""
    keys = {request.headers["idempotency-key"] for request in hooks.messages}
    ids = {message.message["Message-ID"] for message in mail.messages}
    return dict(Counter([len(keys), len(ids)]))


def _mail_url(mail: servers.MailReceiver) -> str:
    return f"mailto://127.0.0.1:{mail.port}?from=monitor@example.org&to=desk@example.org&mode=insecure"
