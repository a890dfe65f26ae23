"""Six outlets tell two happenings: what a desk hears of them, from a real daemon with the shipped rules."""

import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from email.utils import formatdate
from pathlib import Path

import pytest

from tests import servers
from tests.e2e.daemon import Daemon

TANKS: Mapping[int, tuple[str, str]] = {
    0: (
        "Norway orders 54 Leopard 2 tanks from Germany",
        "Oslo signed a contract with the German maker on Monday for 54 Leopard 2A7 battle tanks.",
    ),
    1: (
        "Germany to sell Norway 54 Leopard battle tanks",
        "The Norwegian government signed the order for 54 Leopard 2A7 tanks in Oslo on Monday.",
    ),
    2: (
        "Norway buys 54 German Leopard 2 tanks in army renewal",
        "Norway has signed a deal to buy 54 Leopard 2A7 tanks from Germany, its defence minister said on Monday.",
    ),
    3: (
        "Oslo signs deal for 54 German Leopard 2 tanks",
        "Norway's defence ministry said it had signed for 54 Leopard 2A7 tanks built in Germany.",
    ),
}
VISIT: Mapping[int, tuple[str, str]] = {
    2: (
        "Erdogan arrives in Baghdad for talks with Iraq's prime minister",
        "The Turkish president landed in Baghdad on Monday for his first visit to Iraq in years.",
    ),
    3: (
        "Turkey's Erdogan lands in Baghdad on first visit to Iraq in years",
        "President Recep Tayyip Erdogan arrived in the Iraqi capital on Monday to meet the prime minister.",
    ),
    4: (
        "Erdogan in Baghdad for first Iraq visit in years",
        "Turkish President Erdogan arrived in Baghdad on Monday for talks with the Iraqi prime minister.",
    ),
    5: (
        "Turkish president Erdogan arrives in Iraq's capital Baghdad",
        "Erdogan was received at Baghdad airport on Monday by the Iraqi prime minister.",
    ),
}  # what each of six outlets tells, by its number
HALTED = (
    "Norway halts its order for 54 German Leopard 2 tanks",
    "Oslo suspended the contract for 54 Leopard 2A7 tanks from Germany, citing its cost.",
)
OUTLETS = 6


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[tuple[Daemon, servers.FeedServer, servers.WebhookReceiver]]:
    """Return a daemon with the shipped rules that polls six outlets, their server, and where its messages arrive."""
    with servers.FeedServer() as feeds, servers.WebhookReceiver() as hooks:
        urls = [feeds.url(f"/{number}.xml") for number in range(OUTLETS)]
        daemon = Daemon(tmp_path, urls, [hooks.url("/hook").replace("http", "json", 1)], rules="builtin")
        yield daemon, feeds, hooks
        daemon.close()


@pytest.mark.slow
def test_six_outlets_two_happenings_two_alerts_one_update(
    desk: tuple[Daemon, servers.FeedServer, servers.WebhookReceiver],
) -> None:
    """However many tell it in whatever order, each happening is told once, and what is new in one as its update."""
    daemon, feeds, hooks = desk
    for number in range(OUTLETS):
        feeds.put(f"/{number}.xml", _feed(*_told(number)), etag='"1"')
    daemon.start()
    servers.until(lambda: len(hooks.messages) >= 2 and _decided(daemon) == len(TANKS) + len(VISIT), 30)
    feeds.put("/4.xml", _feed(HALTED, *_told(4)), etag='"2"')
    servers.until(lambda: len(hooks.messages) >= 3, 30)
    assert daemon.stop() == 0
    messages = [str(message.json["message"]) for message in hooks.messages]
    assert [re.findall(r"Story: (new story|update to A-\d+)", text) for text in messages[:2]] == [["new story"]] * 2
    assert len(messages) == 3
    tanks = next(number for number, text in enumerate(messages[:2], start=1) if "Leopard" in text)
    assert "Erdogan" in messages[2 - tanks]
    assert f"Story: update to A-{tanks}: next step: called off or halted" in messages[2]
    assert _others(messages[2]) == {f"feed{number}" for number in TANKS}
    assert _others(messages[tanks - 1]) < {f"feed{number}" for number in TANKS}
    assert _others(messages[2 - tanks]) < {f"feed{number}" for number in VISIT}


def _decided(daemon: Daemon) -> int:
    """Return how many entries the daemon has decided."""
    with sqlite3.connect(f"file:{daemon.folder}/monitor.db?mode=ro", uri=True) as look:
        count: int = look.execute("SELECT count(*) FROM decisions").fetchone()[0]
    look.close()
    return count


def _told(number: int) -> Sequence[tuple[str, str]]:
    """Return what an outlet tells, the visit first in half of them."""
    told = [happening[number] for happening in (TANKS, VISIT) if number in happening]
    return told if number % 2 else told[::-1]


def _others(text: str) -> set[str]:
    """Return the outlets that a message names beside its own."""
    return {name for line in re.findall(r"also reported by (.*)", text) for name in line.split(", ")}


def _feed(*told: tuple[str, str]) -> bytes:
    items = (servers.item(title, summary=summary, published=formatdate()) for title, summary in told)
    return servers.rss("News", *items)
