"""The program as people and service managers run it: poll once, run until told to stop, one instance."""

import email.utils
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from monitor import clock
from tests import servers
from tests.commands import monitor, set_up

WARNED = "US warns Pyongyang and Moscow of new sanctions"
CONFIG = """
[poll]
interval = "1s"
first = "alert"
allow_networks = ["127.0.0.1/32"]
[[feeds]]
name = "Wire"
url = "{feed}"
[[channels]]
name = "desk"
url = "{hook}"
[rules]
paths = ["rules"]
[web]
listen = "off"
"""


def published(server: servers.FeedServer, *titles: str) -> None:
    """Publish entries on the server's feed."""
    items = [
        servers.item(title, link=f"https://wire.example/{number}", published=email.utils.format_datetime(clock.now()))
        for number, title in enumerate(titles)
    ]
    server.put("/rss", servers.rss("Wire", *items))


def config(feeds: servers.FeedServer, hook: servers.WebhookReceiver) -> str:
    """Return a configuration that polls and sends on loopback."""
    return CONFIG.format(feed=feeds.url("/rss"), hook=hook.url("/hook").replace("http://", "json://"))


def once(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one command as a process of its own: what sets up logging must not outlive the test."""
    command = [sys.executable, "-m", "monitor", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)


def start(folder: Path) -> subprocess.Popen[str]:
    """Start the daemon."""
    return subprocess.Popen(
        [sys.executable, "-m", "monitor", "run"],
        cwd=folder,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_one_pass_polls_decides_and_delivers(tmp_path: Path) -> None:
    """`monitor poll` brings a published entry to its channel, and says what the pass came to."""
    with servers.FeedServer() as feeds, servers.WebhookReceiver() as hook:
        published(feeds, WARNED, "Cup tie postponed")
        set_up(tmp_path, config=config(feeds, hook))
        row = json.loads(once(tmp_path, "poll", "--json").stdout)
        assert (row["polls"], row["entries"], row["matched"], row["alerts"]) == ({"new": 1}, 2, 1, 1)
        assert WARNED in json.dumps(hook.messages[0].json)
        told = once(tmp_path, "poll", "--all")
        assert told.returncode == 0
        assert "polled 1 feed: " in told.stderr
        assert "0 new entries, 0 matched, 0 alerts" in told.stderr
        assert len(hook.messages) == 1


@pytest.mark.slow
def test_a_pass_in_which_every_poll_failed_is_failed(tmp_path: Path) -> None:
    """When no feed could be polled, `monitor poll` ends with status 1."""
    with servers.FeedServer() as feeds, servers.WebhookReceiver() as hook:
        feeds.script("/rss", servers.Answer(status=500))
        set_up(tmp_path, config=config(feeds, hook))
        assert once(tmp_path, "poll").returncode == 1


@pytest.mark.slow
def test_the_daemon_runs_until_it_is_told_to_stop(tmp_path: Path) -> None:
    """`monitor run` delivers, is alive to `healthcheck`, is alone on its database, and ends cleanly on SIGTERM."""
    with servers.FeedServer() as feeds, servers.WebhookReceiver() as hook:
        published(feeds, WARNED)
        set_up(tmp_path, config=config(feeds, hook))
        running = start(tmp_path)
        try:
            servers.until(lambda: hook.messages or running.poll() is not None, 30)
            assert running.poll() is None
            servers.until(lambda: monitor("healthcheck", folder=tmp_path).status == 0, 30)
            second = once(tmp_path, "run")
            assert second.returncode == 1
            assert f"process {running.pid}" in second.stderr
            assert second.stderr.count("\n") == 1
            assert monitor("status", folder=tmp_path).status == 0
        finally:
            running.send_signal(signal.SIGTERM)
            out, err = running.communicate(timeout=20)
        assert running.returncode == 0
        assert "Traceback" not in out + err
