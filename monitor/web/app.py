"""The routes. Each answer is one look at the store; nothing here writes. Shell."""

from datetime import datetime, timedelta

from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from sqlmodel import Session
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from monitor import clock, errors
from monitor.store import engine, entries, facts, feeds, outbox, stories, workers
from monitor.web import metrics, page

_ALIVE = timedelta(seconds=90)
_DAY = timedelta(days=1)
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def build(store: engine.Store, *, with_page: bool) -> Starlette:
    """Return the application. with_page: also the status page, which shows what feeds wrote."""

    def healthz(_: Request) -> Response:
        """200 while this daemon's ticks are alive, else 503."""
        try:
            with store.read() as tx:
                age = _since_heartbeat(tx, store, clock.now())
        except errors.StoreError as error:
            return JSONResponse({"ok": False, "why": str(error)}, 503, _HEADERS)
        alive = age is not None and age < _ALIVE
        told = {"ok": alive, "heartbeat_age_seconds": None if age is None else age.total_seconds()}
        return JSONResponse(told, 200 if alive else 503, _HEADERS)

    def measured(_: Request) -> Response:
        return Response(metrics.scrape(store, clock.now()), 200, _HEADERS, media_type=CONTENT_TYPE_PLAIN_0_0_4)

    def status(_: Request) -> Response:
        with store.read() as tx:
            shown = page.Shown(
                at=clock.now(),
                feeds=feeds.list_feeds(tx),
                alerts=stories.list_alerts(tx, limit=20),
                decisions={str(kind): count for kind, count in stories.count_by_kind(tx, clock.now() - _DAY).items()},
                waiting=entries.count_pending(tx),
                outbox={(channel, str(state)): count for (channel, state), count in outbox.counts(tx).items()},
            )
        return HTMLResponse(page.render(shown), 200, _HEADERS)

    def style(_: Request) -> Response:
        return Response(page.STYLE, 200, _HEADERS, media_type="text/css")

    routes = [Route("/healthz", healthz), Route("/readyz", healthz), Route("/metrics", measured)]
    if not with_page:
        return Starlette(routes=routes)
    routes += [Route("/", status), Route("/style.css", style)]
    local = Middleware(TrustedHostMiddleware, allowed_hosts=["localhost", "127.0.0.1", "[::1]"])  # no DNS rebinding
    return Starlette(routes=routes, middleware=[local])


def _since_heartbeat(tx: Session, store: engine.Store, now: datetime) -> timedelta | None:
    """Return how long ago this process said that it lives; any other's word where it is no worker, None without one."""
    ours = [one.unseen for one in workers.list_workers(tx, now) if one.id == store.worker]
    beat = facts.find(tx, "heartbeat")
    return ours[0] if ours else now - beat[1] if beat else None
