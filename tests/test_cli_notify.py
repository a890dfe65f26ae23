"""`monitor notify preview`: what a channel would get, and nothing sent."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from monitor import clock
from tests.commands import SMALL_CONFIG, came_in, monitor, set_up

WARNED = "US warns Pyongyang and Moscow of new sanctions"
CHANNELS = """
[[channels]]
name = "mail"
url = "mailto://127.0.0.1:9/?from=monitor@desk.example&to=analyst@desk.example"
[[channels]]
name = "hook"
url = "json://127.0.0.1:9/secret-hook"
[[channels]]
name = "slack"
url = "slack+http://127.0.0.1:9/services/T1/B2/secret3"
[[channels]]
name = "chat"
url = "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js"
[[channels]]
name = "paper"
url = "stdout://"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder with channels of each form and one alert."""
    path = set_up(tmp_path, config=SMALL_CONFIG + CHANNELS)
    came_in(path, WARNED, at=clock.now() - timedelta(minutes=5))
    return tmp_path


def preview(folder: Path, *arguments: str) -> str:
    """Return what `monitor notify preview` prints."""
    found = monitor("notify", "preview", *arguments, folder=folder)
    assert (found.status, found.err) == (0, "")
    return found.out


def test_a_mail_is_shown_with_its_headers(folder: Path) -> None:
    """A mail channel's preview is the headers that matter and the text."""
    head, _, text = preview(folder, "A-1", "--channel", "mail").partition("\n\n")
    assert f"Subject: [HIGH] Sanctions threat: {WARNED} (Reuters)" in head
    assert "X-Alert-Id: alert:1:mail" in head
    assert head.count("Message-ID: ") == 1
    assert "monitor explain A-1" in text


def test_a_mails_html_is_written(folder: Path) -> None:
    """With --html, the HTML part goes to a file."""
    monitor("notify", "preview", "A-1", "--channel", "mail", "--html", "alert.html", folder=folder)
    assert (folder / "alert.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_a_webhook_and_slack_are_shown_as_json(folder: Path) -> None:
    """What is posted is shown as it is posted, without the address."""
    hook = preview(folder, "A-1", "--channel", "hook")
    assert json.loads(hook)["key"] == "alert:1:hook"
    assert "secret" not in hook
    assert json.loads(preview(folder, "A-1", "--channel", "slack"))["blocks"][0]["type"] == "section"


@pytest.mark.parametrize("channel", ["chat", "paper"])
def test_other_channels_are_shown_as_text(folder: Path, channel: str) -> None:
    """A service's preview is title and text."""
    assert WARNED in preview(folder, "A-1", "--channel", channel)


def test_without_an_alert_a_lifelike_one_is_shown(folder: Path) -> None:
    """No alert is needed to see what a channel's messages look like; the first channel is taken."""
    assert "Subject: [HIGH] Sanctions threat: TEST: US warns" in preview(folder)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("A-9", "--channel", "mail"), "no alert has the number 9; see `monitor alerts list`\n"),
        (("--channel", "hook", "--html", "x.html"), "channel 'hook' takes no HTML; leave out --html, or name a mail "),
        (("--channel", "mial"), "no channel is called 'mial' (did you mean 'mail'?); known: mail, hook, "),
        (("--html", "no/such/folder.html"), "no/such/folder.html: cannot be written: No such file"),
    ],
)
def test_mistakes_are_told(folder: Path, arguments: tuple[str, ...], said: str) -> None:
    """An alert, a channel or a file that cannot be used is one line that says what to do."""
    found = monitor("notify", "preview", *arguments, folder=folder)
    assert found.status == 2
    assert found.err.startswith(said)
