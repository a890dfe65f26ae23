"""Take the pictures of mails in docs/pictures: an alert, an update and a digest, narrow and wide, light and dark.

usage: python -m tools.take_pictures [CHROMIUM]

Renders made-up alerts through `monitor.render` as they leave, and photographs them with a headless Chromium over its
DevTools protocol (https://chromedevtools.github.io/devtools-protocol/); pngquant makes the files small.
Debian: apt-get install chromium fonts-noto-core pngquant.
"""

import asyncio
import base64
import html
import itertools
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp

from monitor import model, render

FOLDER = Path(__file__).parent.parent / "docs" / "pictures"
WIDTHS = {"narrow": 320, "wide": 760}
_WIDE = 500
_HIGHEST = 1_300  # of a long mail, the beginning
_AT = datetime(2026, 11, 21, 12, 4, tzinfo=UTC)
_CHANNEL = model.Channel("desk", "mailto://desk@example.org", zone="Europe/Berlin")
_FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-port=0")


def first_alert() -> model.Alert:
    """Return the alert of the pictures."""
    return _alert(
        7,
        _rules()[0],
        "US 'will not hesitate' to impose sanctions on Pyongyang and Moscow",
        "Washington will not hesitate to impose further sanctions if the two capitals go ahead with an arms deal, a "
        "spokesperson said on Saturday after reports of talks in the far east of Russia.",
        ("will not hesitate", "impose sanctions", "sanctions"),
        outlets=("Reuters", "Yonhap", "BBC"),
    )


def mails() -> dict[str, str]:
    """Return the HTML of each mail that is photographed, by name."""
    threat, visit, deal = _rules()
    first = first_alert()
    update = _alert(
        9,
        threat,
        "US imposes sanctions on five over North Korea arms deal after warning",
        "The Treasury named five people and two shipping companies; the sanctions come two days after Washington "
        "warned Pyongyang and Moscow.",
        ("sanctions", "warning", "warned"),
        outlets=("AP", "Yonhap"),
        kind=model.Kind.UPDATE,
        story=first.entry.title,
        news="a next step: imposes",
        because="the same actors and the same matter (0.71), a next step: warned, then imposed",
    )
    others = [
        _alert(
            10, deal, "Seoul and Warsaw sign contract for 180 more tanks", "", ("contract", "tanks"), ("Defense News",)
        ),
        _alert(11, visit, "Kim to travel to Vladivostok by train, Kremlin says", "", ("travel", "Kremlin"), ("TASS",)),
        _alert(12, visit, "Le président polonais attendu à Kyïv lundi", "", ("attendu",), ("France 24",)),
    ]
    digest = [first, *others, update]
    return {
        "alert": render.alert(first, _CHANNEL, key="alert:7:desk").html,
        "update": render.alert(update, _CHANNEL, key="alert:9:desk", thread="alert:7:desk").html,
        "digest": render.digest(digest, _CHANNEL, key="digest:desk:1", title="Quiet hours are over", silenced=2).html,
        "text": _as_a_reader_of_text_shows(render.alert(first, _CHANNEL, key="alert:7:desk").text),
    }


def _as_a_reader_of_text_shows(text: str) -> str:
    """Return the text part as a mail program shows it that shows no HTML."""
    head = '<meta charset="utf-8"><meta name="color-scheme" content="light dark">'
    style = "white-space:pre-wrap;overflow-wrap:anywhere;font:14px/1.5 monospace;margin:16px"
    return f'<!doctype html>{head}<pre style="{style}">{html.escape(text)}</pre>'


def _rules() -> tuple[model.Rule, model.Rule, model.Rule]:
    return (
        model.Rule("sanctions-threat", "Sanctions threat", model.Level.HIGH),
        model.Rule("state-visit", "State visit", model.Level.LOW),
        model.Rule("arms-deal", "Arms deal", model.Level.MEDIUM),
    )


def _alert(
    number: int,
    rule: model.Rule,
    title: str,
    summary: str,
    matched: tuple[str, ...],
    outlets: tuple[str, ...],
    kind: model.Kind = model.Kind.NEW,
    story: str = "",
    news: str = "",
    because: str = "nothing like it was told within 7 days (nearest 0.18)",
) -> model.Alert:
    evidence = tuple(
        model.Evidence(field, text.index(words), text.index(words) + len(words), words, words)
        for field, text in ((model.Field.TITLE, title), (model.Field.SUMMARY, summary))
        for words in matched
        if words in text
    )
    at = _AT + timedelta(minutes=number)
    entry = model.Entry(
        id=number,
        feed="Wire",
        key=str(number),
        title=title,
        summary=summary,
        url="https://www.example.org/world/2026/nov/21/a-long-address-of-the-article-that-has-to-wrap",
        outlet=outlets[0],
        language="en",
        first_seen_at=at,
        published_at=at - timedelta(minutes=4),
    )
    about = model.Story(7 if story else number, story or title, rule.level, at, at, outlets=outlets)
    return model.Alert(
        id=number,
        kind=kind,
        level=rule.level,
        sequence=1,
        created_at=at,
        entry=entry,
        matches=(model.Match(rule, evidence),),
        assignment=model.Assignment(kind, number, 0.2, because, news=news),
        story=about,
        reported_by=outlets[1:],
    )


async def main(chromium: str) -> None:
    """Take every picture."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as profile:
        process = await asyncio.create_subprocess_exec(
            chromium, *_FLAGS, f"--user-data-dir={profile}", "about:blank", stderr=asyncio.subprocess.PIPE
        )
        try:
            port = await _port(process)
            for name, page in mails().items():
                for (width, pixels), scheme in itertools.product(WIDTHS.items(), ("light", "dark")):
                    picture = await _photograph(port, page, pixels, scheme)
                    (FOLDER / f"{name}-{width}-{scheme}.png").write_bytes(await _smaller(picture))
        finally:
            process.terminate()
            await process.wait()


async def _smaller(picture: bytes) -> bytes:
    """Return a PNG with 64 colours."""
    pngquant = await asyncio.create_subprocess_exec(
        "pngquant", "--speed=1", "64", "-", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    return (await pngquant.communicate(picture))[0]


async def _port(process: asyncio.subprocess.Process) -> int:
    """Return the port of the browser's DevTools, which it names on standard error."""
    assert process.stderr is not None
    async for line in process.stderr:
        if b"DevTools listening on ws://" in line:
            return int(line.decode().split("127.0.0.1:")[1].split("/")[0])
    msg = "the browser ended before it listened"
    raise SystemExit(msg)


class _Page:
    """One page of the browser, spoken to over its socket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)

    async def ask(self, method: str, **parameters: object) -> dict[str, Any]:
        """Return what the browser answers."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        while (said := await self._socket.receive_json(timeout=20)).get("id") != number:
            pass
        return dict(said["result"])


async def _photograph(port: int, html: str, width: int, scheme: str) -> bytes:
    async with aiohttp.ClientSession() as session:
        async with session.put(f"http://127.0.0.1:{port}/json/new?about:blank") as answer:
            opened = await answer.json()
        async with session.ws_connect(opened["webSocketDebuggerUrl"], max_msg_size=0) as socket:
            page = _Page(socket)
            scale = 2 if width < _WIDE else 1
            metrics = {"width": width, "height": 100, "deviceScaleFactor": scale, "mobile": False}
            await page.ask("Emulation.setDeviceMetricsOverride", **metrics)
            await page.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
            frame = (await page.ask("Page.getFrameTree"))["frameTree"]["frame"]["id"]
            await page.ask("Page.setDocumentContent", frameId=frame, html=html)
            size = (await page.ask("Page.getLayoutMetrics"))["cssContentSize"]
            if size["width"] > width:
                sys.stderr.write(f"wider than {width}: {size['width']}\n")
            clip = {"x": 0, "y": 0, "width": width, "height": min(size["height"], _HIGHEST), "scale": 1}
            taken = await page.ask("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)
            return base64.b64decode(taken["data"])


def _arguments() -> Iterator[str]:
    yield from sys.argv[1:]
    yield "chromium"


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main(next(_arguments())))
