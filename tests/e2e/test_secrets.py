"""A daemon with secrets in every place, much of which fails, and everything that it says."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests import commands, servers
from tests.e2e.daemon import Daemon

_WORD = "hunter"  # what every secret here begins with, and nothing else
_COMMANDS = (
    ("check",),
    ("config", "show"),
    ("config", "show", "--json"),
    ("status",),
    ("status", "--json"),
    ("healthcheck",),
    ("feeds", "list"),
    ("feeds", "list", "--json"),
    ("feeds", "check", "feed0"),
    ("feeds", "check", "proxied"),
    ("outbox", "list"),
    ("outbox", "list", "--json"),
    ("alerts", "list", "--json"),
    ("notify", "test", "closed"),
    ("notify", "test", "refusing"),
    ("entries", "search", "sanctions", "--json"),
    ("explain", "Ministry threatens sanctions over grain"),
)


@pytest.fixture
def feeds() -> Iterator[servers.FeedServer]:
    """Return a feed server: one feed is well, the others are not there."""
    with servers.FeedServer() as server:
        server.put("/well.xml", servers.rss("World", servers.item("Weather is fine", guid="1")), etag='"1"')
        yield server


@pytest.mark.slow
def test_no_secret_is_told_by_anything(feeds: servers.FeedServer, tmp_path: Path) -> None:
    """Log, pages, metrics, listings, complaints, operator's messages and process titles: none of them has one."""
    with servers.WebhookReceiver() as hooks:
        port, closed = servers.free_port("127.0.0.1"), servers.free_port("127.0.0.1")
        daemon = Daemon(tmp_path, [_secretly(feeds.url("/well.xml"))], [], _more(feeds, hooks, closed))
        text = daemon.config.read_text(encoding="utf-8").replace('"off"', f'"127.0.0.1:{port}"')
        daemon.config.write_text(text, encoding="utf-8")
        (tmp_path / "hook-url").write_text(f"json://127.0.0.1:{closed}/{_WORD}-in-file", encoding="utf-8")
        with commands.environment(HEARTBEAT_URL=feeds.url(f"/{_WORD}-heartbeat"), HOOK_URL=_hook(hooks)):
            daemon.start()
            try:
                told = _listen(daemon, feeds, hooks, port)
                told |= _ask(tmp_path)
            finally:
                daemon.stop()
                daemon.close()
    told["log"] = daemon.text
    assert {place for place, words in told.items() if _WORD in words} == set()
    assert all(event in told["log"] for event in ("poll_failed", "put_off", "heartbeat_not_taken", "channel_unusable"))


def _more(feeds: servers.FeedServer, hooks: servers.WebhookReceiver, closed: int) -> str:
    gone = _secretly(feeds.url("/gone.xml"))
    return f"""
[[feeds]]
name = "gone"
url = "{gone}"
headers = {{Authorization = "Bearer {_WORD}-bearer", X-Key = "{_WORD}-key"}}
[[feeds]]
name = "proxied"
url = "http://news.example/{_WORD}0123456789abcdef0123456789/feed?token={_WORD}-token"
proxy = "http://user:{_WORD}-proxy@127.0.0.1:{closed}"
[[channels]]
name = "closed"
url_file = "hook-url"
[[channels]]
name = "refusing"
url_env = "HOOK_URL"
[[channels]]
name = "unknown"
url = "nosuch://user:{_WORD}-unknown@{_WORD}.example/{_WORD}"
[[channels]]
name = "listening"
operator = true
url = "{hooks.url("/operator").replace("http", "json", 1)}"
[heartbeat]
url_env = "HEARTBEAT_URL"
every = "1s"
[log]
level = "debug"
format = "json"
"""


def _listen(daemon: Daemon, feeds: servers.FeedServer, hooks: servers.WebhookReceiver, port: int) -> dict[str, str]:
    """Let a message come about and fail, and return what everything says, by place."""
    hooks.set("/refusing", servers.Answer(500, b"no"))
    daemon.until_logged("polled")
    news = servers.item("Ministry threatens sanctions over grain", guid="2")
    feeds.put("/well.xml", servers.rss("World", news), etag='"2"')
    for event in ("put_off", "poll_failed", "heartbeat_not_taken"):
        daemon.until_logged(event)
    servers.until(lambda: hooks.asked("/operator"), 20)
    told = {path: httpx.get(f"http://127.0.0.1:{port}{path}", trust_env=False).text for path in ("/", "/metrics")}
    told["titles"] = _titles(daemon.pid)
    told["to the operator"] = "".join(request.body.decode() for request in hooks.messages)
    files = (path for path in daemon.folder.glob("*.lock"))
    told["lock"] = "".join(path.read_text(encoding="utf-8") for path in files)
    return told


def _ask(folder: Path) -> dict[str, str]:
    """Return what commands say, by command."""
    ran = {arguments: commands.monitor(*arguments, folder=folder) for arguments in _COMMANDS}
    return {" ".join(arguments): one.out + one.err for arguments, one in ran.items()}


def _titles(pid: int) -> str:
    """Return command lines and thread names of a process and its children."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
            if pid in (parent, int(folder.name)):
                found += [(folder / "cmdline").read_text(), *(path.read_text() for path in folder.glob("task/*/comm"))]
        except OSError:
            continue  # it ended meanwhile
    assert found
    return "\n".join(found)


def _secretly(url: str) -> str:
    """Return `url` with a user, a password and a token."""
    return url.replace("//", f"//user:{_WORD}-password@") + f"?key={_WORD}-query"


def _hook(hooks: servers.WebhookReceiver) -> str:
    return f"json://user:{_WORD}-webhook@127.0.0.1:{hooks.port}/refusing?+X-Token={_WORD}-header"
