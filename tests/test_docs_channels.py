"""docs/channels.md shows what is really sent."""

import json
import re
from dataclasses import replace
from pathlib import Path

from monitor import render
from tests.rendering import SLACK
from tools import take_pictures

DOCS = Path(__file__).parent.parent / "docs"


def test_the_slack_payload_is_what_is_rendered() -> None:
    """The payload on the page is the one that the pictures' alert has, within Slack's limits."""
    page = (DOCS / "channels.md").read_text(encoding="utf-8")
    shown = next(json.loads(text) for text in re.findall(r"```json\n(.*?)```", page, re.DOTALL) if '"blocks"' in text)
    rendered = render.alert(take_pictures.first_alert(), replace(SLACK, zone="Europe/Berlin"), key="alert:7:desk")
    assert shown == rendered.data
    assert len(shown["blocks"]) <= 50
    assert all(len(block["text"]["text"]) <= 3_000 for block in shown["blocks"] if block["type"] == "section")


def test_the_pictures_are_small_and_there() -> None:
    """Every picture that the page shows is there, below 150 kB, and none is there that it does not show."""
    page = (DOCS / "channels.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"\(pictures/([\w-]+\.png)\)", page))
    assert shown == {path.name for path in (DOCS / "pictures").iterdir()}
    assert all(path.stat().st_size < 150_000 for path in (DOCS / "pictures").iterdir())
