"""The page for machines and people: /healthz, /readyz, /metrics, and a status page at /. Shell; reads the store only.

Loopback by default. On any other address the status page is not served, because it has no password: /healthz and
/metrics say nothing that a feed wrote.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Generator
from contextlib import contextmanager

import structlog
import uvicorn

from monitor import config
from monitor.store import engine
from monitor.web import app

log = structlog.get_logger()


async def serve(store: engine.Store, settings: config.Settings, stop: asyncio.Event) -> None:
    """Serve until `stop` is set. An address that is taken is logged, and the daemon goes on without the page."""
    if settings.web.listen == "off":
        return
    host, _, port = settings.web.listen.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, int(port)), family=family)
    except OSError as error:
        mend = "stop what listens there, or set web.listen to another port or to off"
        log.warning("page_not_served", listen=settings.web.listen, error=error.strerror, mend=mend)
        return
    served = app.build(store, with_page=_is_loopback(host))
    server = _Server(uvicorn.Config(served, log_config=None, access_log=False, lifespan="off", server_header=False))
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="serve the page")
    log.info("page_served", address=f"http://{settings.web.listen}/")
    try:
        await stop.wait()
    finally:
        server.should_exit = server.force_exit = True
        await asyncio.gather(serving, return_exceptions=True)
        listener.close()


class _Server(uvicorn.Server):
    """uvicorn's server without its signal handlers: signals are the daemon's."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
