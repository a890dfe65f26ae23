"""The heartbeat that goes out: a URL asked while all is well."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor import config, errors
from monitor.config import schema
from monitor.daemon import pinger
from tests import servers
from tests.commands import environment, monitor
from tests.e2e.daemon import Daemon

LOOPBACK = schema.PollTable(allow_networks=("127.0.0.1/32",))


@pytest.fixture
def checks() -> Iterator[servers.HttpServer]:
    """Return a server that is asked."""
    with servers.HttpServer(default=servers.Answer(body=b"OK")) as server:
        yield server


def settings(url: str, poll: schema.PollTable = LOOPBACK) -> config.Settings:
    """Return settings with a heartbeat."""
    return config.Settings(heartbeat=schema.HeartbeatTable(url=url), poll=poll)


def ping(chosen: config.Settings, *, well: bool = True) -> None:
    """Ask once."""
    asyncio.run(pinger.Pinger().ping(chosen, well=well))


def test_the_url_is_asked_while_all_is_well(checks: servers.HttpServer) -> None:
    """A GET says that all is well, one with /fail that it is not."""
    ping(settings(checks.url("/uuid")))
    assert (checks.count("/uuid"), checks.count("/uuid/fail")) == (1, 0)
    ping(settings(checks.url("/uuid")), well=False)
    assert (checks.count("/uuid"), checks.count("/uuid/fail")) == (1, 1)


def test_a_query_stays_where_it_is() -> None:
    """/fail ends the path, not the query."""
    assert pinger.failing("https://hc.example/uuid/?rid=1") == "https://hc.example/uuid/fail?rid=1"


@pytest.mark.parametrize("status", [204, 404, 500])
def test_an_answer_or_none_disturbs_nobody(checks: servers.HttpServer, status: int) -> None:
    """Whatever the service answers, the daemon goes on."""
    checks.set("/uuid", servers.Answer(status=status))
    ping(settings(checks.url("/uuid")))
    ping(settings("http://127.0.0.1:9/uuid"))
    assert checks.count("/uuid") == 1


def test_a_private_address_is_asked_only_when_it_may_be(checks: servers.HttpServer) -> None:
    """The checks of polls hold for the heartbeat, too."""
    ping(settings(checks.url("/uuid"), schema.PollTable()))
    assert checks.count("/uuid") == 0


def test_without_a_url_nobody_is_asked() -> None:
    """The default asks nobody."""
    ping(config.Settings())


def test_the_url_may_be_a_secret(tmp_path: Path) -> None:
    """The URL may stand in the environment; what is no URL is told."""
    path = tmp_path / "config.toml"
    path.write_text('[heartbeat]\nurl_env = "BEAT"\n', encoding="utf-8")
    with environment(BEAT="https://hc.example/uuid"):
        assert config.load(path).heartbeat.url == "https://hc.example/uuid"
    with environment(BEAT="hc.example"), pytest.raises(errors.ConfigError, match="url: not an address that can be"):
        config.load(path)


def test_the_url_is_masked_where_settings_are_shown(tmp_path: Path) -> None:
    """`monitor config show` does not tell it."""
    (tmp_path / "config.toml").write_text('[heartbeat]\nurl = "https://hc.example/s3cret"\n', encoding="utf-8")
    shown = monitor("config", "show", folder=tmp_path).out
    assert 'url = "https://***"' in shown
    assert "s3cret" not in shown


@pytest.mark.slow
def test_the_daemon_pings(tmp_path: Path, checks: servers.HttpServer) -> None:
    """A running daemon asks, again and again."""
    daemon = Daemon(tmp_path, [checks.url("/feed")], [])
    file = tmp_path / "config.toml"
    more = f'\n[heartbeat]\nurl = "{checks.url("/uuid")}"\nevery = "1s"\n'
    file.write_text(file.read_text(encoding="utf-8") + more, encoding="utf-8")
    try:
        daemon.start()
        servers.until(lambda: checks.count("/uuid") >= 2, 20)
    finally:
        daemon.close()
