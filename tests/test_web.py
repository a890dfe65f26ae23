"""The page and the end points, asked for real over loopback."""

import asyncio
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from monitor import clock, config, web
from monitor.config import schema
from monitor.store import engine, facts, migrate, workers
from tests import builders


def test_healthz_is_well_while_the_heartbeat_is_young(store: engine.Store) -> None:
    """A young heartbeat answers 200, an old one 503, none 503."""
    assert _ask(store, "/healthz").status_code == 503
    _beat(store, timedelta(0))
    assert _ask(store, "/healthz").json()["ok"] is True
    _beat(store, timedelta(minutes=5))
    assert _ask(store, "/healthz").status_code == 503


def test_healthz_is_this_workers_own(store: engine.Store) -> None:
    """Another worker's sign of life does not make ours a living one."""
    other = workers.Worker("b" * 32, "south", 9, "1", migrate.HEAD, {}, timedelta(), clock.now(), clock.now())
    ours = replace(other, id=store.worker, seen_at=clock.now())
    with store.write() as tx:
        workers.beat(tx, ours, clock.now() - timedelta(minutes=5))
        workers.beat(tx, other, clock.now())
    _beat(store, timedelta(0))
    assert _ask(store, "/healthz").status_code == 503
    with store.write() as tx:
        workers.beat(tx, ours, clock.now())
    assert _ask(store, "/readyz").json()["ok"] is True


def test_metrics_name_what_waits(store: engine.Store) -> None:
    """A scrape gives the families, in Prometheus's text format."""
    answer = _ask(store, "/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert "monitor_entries_pending 0.0" in answer.text


def test_the_page_allows_no_script_and_no_strange_host(store: engine.Store) -> None:
    """The page has a strict policy, and a name that was rebound to loopback gets nothing."""
    answer = _ask(store, "/")
    assert answer.status_code == 200
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "<script" not in answer.text
    assert _ask(store, "/", host="rebound.example").status_code == 400


def test_the_page_shows_what_a_feed_wrote_as_text() -> None:
    """Markup in a headline is escaped."""
    from monitor.web import page

    alert = builders.an_alert(entry=builders.an_entry(title="<script>alert(1)</script>"))
    shown = page.render(page.Shown(builders.NOON, (), (alert,), {}, 0, {}))
    assert "&lt;script&gt;" in shown
    assert "<script>" not in shown


def test_a_port_that_is_taken_does_not_stop_the_daemon(store: engine.Store) -> None:
    """`serve` returns, so that the daemon goes on without a page."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = _settings(taken.getsockname()[1])
        asyncio.run(asyncio.wait_for(web.serve(store, settings, asyncio.Event()), 10))


def _ask(store: engine.Store, path: str, host: str = "127.0.0.1") -> httpx.Response:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]

    async def ask() -> httpx.Response:
        stop = asyncio.Event()
        serving = asyncio.create_task(web.serve(store, _settings(port), stop))
        async with httpx.AsyncClient(trust_env=False) as client:
            try:
                for _ in range(500):
                    try:
                        return await client.get(f"http://127.0.0.1:{port}{path}", headers={"Host": host})
                    except httpx.ConnectError:
                        await asyncio.sleep(0.01)
                raise AssertionError("the page did not come up")
            finally:
                stop.set()
                await serving

    return asyncio.run(ask())


def _settings(port: int) -> config.Settings:
    return config.Settings(web=schema.WebTable(listen=f"127.0.0.1:{port}"))


@pytest.fixture(name="store")
def _store(tmp_path: Path) -> Iterator[engine.Store]:
    store = engine.open_store(f"sqlite:///{tmp_path}/monitor.db")
    store.upgrade()
    yield store
    store.close()


def _beat(store: engine.Store, age: timedelta) -> None:
    with store.write() as tx:
        facts.put(tx, "heartbeat", {"pid": 1}, clock.now() - age)
