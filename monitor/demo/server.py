"""A loopback web server: the outlets' feeds, and a receiver for JSON webhooks. Shell.

It listens on 127.0.0.1 at a free port. The feeds answer conditional requests (RFC 9110 13.1) and change only when
`release` is called, so that whoever uses it sets the pace.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from monitor import clock
from monitor.demo import formats, news


@dataclass(frozen=True, slots=True)
class Hook:
    """One webhook message as it arrived. headers: names in lower case. data: its JSON."""

    received_at: datetime
    headers: dict[str, str]
    data: dict[str, Any]


class NewsServer:
    """Serves `outlets` at `feed_url(slug)` and takes webhooks at `hook_url`; an async context manager.

    hooks: what arrived, in order. polls: answered requests for feeds, by status. seen: slugs that were asked for.
    refuse_hooks: how many webhooks are still to be answered with 503 before they are taken.
    """

    def __init__(self, outlets: Sequence[news.Outlet], *, started_at: datetime, refuse_hooks: int = 0) -> None:
        self.outlets = {outlet.slug: outlet for outlet in outlets}
        self.hooks: list[Hook] = []
        self.polls: Counter[int] = Counter()
        self.seen: set[str] = set()
        self.refuse_hooks = refuse_hooks
        self._started_at = started_at
        self._released: dict[str, int] = {}
        self._port = 0
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/feeds/{slug}", self._feed)
        app.router.add_post("/hook", self._hook)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self._port = runner.addresses[0][1]
        self._runner = runner
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def hook_url(self) -> str:
        """Where webhooks are taken."""
        return f"http://127.0.0.1:{self._port}/hook"

    def feed_url(self, slug: str) -> str:
        """Return where the feed of an outlet lies."""
        return f"http://127.0.0.1:{self._port}/feeds/{slug}"

    def release(self, release: news.Release) -> None:
        """Let an entry or an edit come out: the next answer of its feed holds it."""
        self._released[release.item.key] = release.index

    async def _feed(self, request: web.Request) -> web.Response:
        outlet = self.outlets.get(request.match_info["slug"])
        if outlet is None:
            return web.Response(status=404, text="no such feed\n")
        body = formats.document(outlet, news.shown(outlet, self._released), self._started_at)
        etag = '"' + hashlib.sha256(body).hexdigest()[:16] + '"'
        self.seen.add(outlet.slug)
        if request.headers.get("If-None-Match") == etag:
            self.polls[304] += 1
            return web.Response(status=304, headers={"ETag": etag})
        self.polls[200] += 1
        content_type = formats.CONTENT_TYPES[outlet.format]
        return web.Response(body=body, headers={"ETag": etag, "Content-Type": content_type})

    async def _hook(self, request: web.Request) -> web.Response:
        if self.refuse_hooks > 0:
            self.refuse_hooks -= 1
            return web.Response(status=503, text="not now\n")
        try:
            data = await request.json()
        except json.JSONDecodeError:
            return web.Response(status=400, text="not JSON\n")
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.hooks.append(Hook(clock.now(), headers, data))
        return web.Response(text="taken\n")
