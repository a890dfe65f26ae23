"""Loopback servers for tests: a feed server, a webhook receiver and a mail receiver, each on a thread of its own.

```python
with servers.FeedServer() as feeds, servers.WebhookReceiver() as hooks, servers.MailReceiver() as mail:
    feeds.put("/world.xml", servers.rss("World", servers.item("Envoy arrives", guid="1")), etag='"1"')
    feeds.script("/busy.xml", servers.Answer(503, headers={"Retry-After": "60"}), servers.Answer(body=b"..."))
    hooks.script(servers.Answer(429, headers={"Retry-After": "1"}))     # the first POST; all others are taken
    mail.refuse(3)                                                      # the next three messages get a 451
    ...                                                                 # run what polls feeds.url("/world.xml")
    servers.until(lambda: len(mail.messages) == 1)
    assert feeds.count("/world.xml") == 2
```

All record what they were asked, in order, and can be asked about it at any time. `stop` and `start` take one away and
bring it back on the same port.
"""

import asyncio
import contextlib
import email
import email.policy
import gzip
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

RSS = "application/rss+xml; charset=utf-8"


def until(condition: Callable[[], object], deadline: float = 10.0) -> None:
    """Wait until `condition` holds, at most `deadline` seconds; AssertionError when it does not by then."""
    end = time.monotonic() + deadline
    while not condition():
        assert time.monotonic() < end, "the condition did not come true in time"
        time.sleep(0.01)


def item(
    title: str, *, guid: str = "", link: str = "", summary: str = "", published: str = "", source: str = ""
) -> str:
    """Return one RSS item; parts that are empty are left out. summary: HTML. published: as RFC 822 writes dates."""
    parts = [f"<title>{escape(title)}</title>"]
    parts += [f'<guid isPermaLink="false">{escape(guid)}</guid>'] if guid else []
    parts += [f"<link>{escape(link)}</link>"] if link else []
    parts += [f"<description>{escape(summary)}</description>"] if summary else []
    parts += [f"<pubDate>{published}</pubDate>"] if published else []
    parts += [f'<source url="http://{escape(source)}.example/">{escape(source)}</source>'] if source else []
    return f"<item>{''.join(parts)}</item>"


def rss(title: str, *items: str, language: str = "en", extra: str = "") -> bytes:
    """Return an RSS 2.0 document of `items`, the newest first. extra: more elements of the channel."""
    channel = f"<title>{escape(title)}</title><link>http://news.example/</link><language>{language}</language>{extra}"
    document = (
        f'<?xml version="1.0" encoding="utf-8"?>\n<rss version="2.0"><channel>{channel}{"".join(items)}</channel>'
    )
    return f"{document}</rss>\n".encode()


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of an HTTP server.

    conditional: answer 304 when the request brings this answer's ETag or Last-Modified. gzip: compress for clients
    that accept it. chunk, pause: send the body in pieces of so many bytes, so many seconds apart. wait: seconds before
    anything is sent. drop: close the connection instead. length: what Content-Length says, when that is to be a lie.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    conditional: bool = False
    gzip: bool = False
    chunk: int = 0
    pause: float = 0.0
    wait: float = 0.0
    drop: bool = False
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asked. headers: by lower-case name. at: by the monotonic clock."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


class HttpServer:
    """An HTTP server on loopback whose answers are scripted per path; `script` and `put` may be called at any time.

    A path answers with its script, one answer a request, the last one for ever; without one with `default`.
    """

    def __init__(
        self, host: str = "127.0.0.1", default: Answer | None = None, *, tls: ssl.SSLContext | None = None
    ) -> None:
        """tls: speak https with it."""
        self.host = host
        self.tls = tls
        self.port = 0
        self.requests: list[Request] = []
        self._default = default or Answer(404, b"no such page", {"Content-Type": "text/plain"})
        self._scripts: dict[str, list[Answer]] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen, on the same port as before if it was stopped."""
        self._stopping.clear()
        self._server = _Server((self.host, self.port), self)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="http", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening and break off what is under way; further connections are refused."""
        if self._server is None or self._thread is None:
            return
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._server = None

    def url(self, path: str = "/") -> str:
        """Return the address of `path` at this server."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http{'s' if self.tls else ''}://{host}:{self.port}{path}"

    def set(self, path: str, *answers: Answer) -> None:
        """Answer requests for `path` with these in turn, the last one for ever."""
        with self._lock:
            self._scripts[path] = list(answers)

    def asked(self, path: str) -> list[Request]:
        """Return the requests for `path`, the query left aside, in order."""
        return [request for request in list(self.requests) if request.path.partition("?")[0] == path]

    def count(self, path: str) -> int:
        """Return how often `path` was asked for."""
        return len(self.asked(path))

    def answer(self, request: Request) -> Answer:
        """Record `request` and return what it gets."""
        with self._lock:
            self.requests.append(request)
            script = self._scripts.get(request.path) or self._scripts.get(request.path.partition("?")[0])
            if not script:
                return self._default
            return script.pop(0) if len(script) > 1 else script[0]

    def pause(self, seconds: float) -> bool:
        """Wait, and return whether the server still runs."""
        return not self._stopping.wait(seconds)


class FeedServer(HttpServer):
    """Serves feeds."""

    def put(
        self,
        path: str,
        body: bytes,
        *,
        etag: str | None = None,
        last_modified: str | None = None,
        content_type: str = RSS,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Publish `body` at `path` from now on, with the validators given; a request that brings them gets a 304."""
        found = {"Content-Type": content_type, **(headers or {})}
        found |= {"ETag": etag} if etag else {}
        found |= {"Last-Modified": last_modified} if last_modified else {}
        self.set(path, Answer(body=body, headers=found, conditional=True))

    def script(self, path: str, *answers: Answer) -> None:
        """Answer requests for `path` with these in turn, the last one for ever."""
        self.set(path, *answers)

    def redirect(self, path: str, to: str, status: int = 302) -> None:
        """Send who asks for `path` to `to`."""
        self.set(path, Answer(status, headers={"Location": to}))


class WebhookReceiver(HttpServer):
    """Takes POSTs with a 200 and records them; `script` makes it refuse, hang or answer 429 and 500."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        super().__init__(host, Answer(200, b"ok", {"Content-Type": "text/plain"}))
        self._next: list[Answer] = []
        self._taken: list[Request] = []

    @property
    def messages(self) -> list[Request]:
        """What was taken with a 2xx, in order; `.json` reads a body."""
        return list(self._taken)

    def script(self, *answers: Answer) -> None:
        """Answer the next POSTs, whatever their path, with these; all after them are taken."""
        with self._lock:
            self._next = list(answers)

    def refuse(self, times: int, status: int = 500, retry_after: str | None = None) -> None:
        """Answer the next `times` POSTs with `status`."""
        headers = {"Retry-After": retry_after} if retry_after else {}
        self.script(*[Answer(status, headers=headers)] * times)

    def answer(self, request: Request) -> Answer:
        """Record `request` and return what it gets."""
        with self._lock:
            given = self._next.pop(0) if self._next else None
        answer = super().answer(request) if given is None else given
        if given is not None:
            self.requests.append(request)
        if 200 <= answer.status < 300 and not answer.drop:
            self._taken.append(request)
        return answer


@dataclass(frozen=True, slots=True)
class Mail:
    """A message as it was taken: from whom, to whom, and itself."""

    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage
    raw: bytes

    @property
    def subject(self) -> str:
        """The decoded subject."""
        return str(self.message["subject"])

    def text(self, kind: str = "plain") -> str:
        """Return the part of type text/`kind`, or an empty string."""
        part = self.message.get_body((kind,))
        return str(part.get_content()) if isinstance(part, EmailMessage) else ""


class MailReceiver:
    """An SMTP server on loopback that records messages; told to, it refuses or hangs."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.host = host
        self.port = 0
        self.messages: list[Mail] = []
        self.attempts = 0
        self._refusals: list[str] = []
        self._hang = 0.0
        self._controller: Controller | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen, on the same port as before if it was stopped."""
        self.port = self.port or free_port(self.host)
        self._controller = Controller(self, hostname=self.host, port=self.port, data_size_limit=None)
        self._controller.start()

    def stop(self) -> None:
        """Stop listening; further connections are refused."""
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def refuse(self, times: int, reply: str = "451 try again later") -> None:
        """Answer the next `times` messages with `reply`."""
        self._refusals = [reply] * times

    def hang(self, seconds: float) -> None:
        """Wait so long before every answer to a message; 0 ends it."""
        self._hang = seconds

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  its name
        """Take or refuse one message; called by aiosmtpd on its own thread."""
        self.attempts += 1
        if self._hang:
            await asyncio.sleep(self._hang)
        if self._refusals:
            return self._refusals.pop(0)
        raw = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
        message = email.message_from_bytes(raw, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append(Mail(str(envelope.mail_from), tuple(map(str, envelope.rcpt_tos)), message, raw))
        return "250 taken"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], owner: HttpServer) -> None:
        self.owner = owner
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        # The parent looks up the host's name here, which may hang for seconds.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serve one connection, on its own thread; a hand-shake that fails ends it."""
        if self.owner.tls is None:
            super().finish_request(request, client_address)
            return
        with self.owner.tls.wrap_socket(request, server_side=True, do_handshake_on_connect=True) as pipe:
            super().finish_request(pipe, client_address)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients of these tests break off on purpose."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Record the request and send its answer, whatever the method."""
        size = int(self.headers.get("Content-Length") or 0)
        asked = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(size)
        if len(body) < size:  # the client was killed in the middle: that is no request
            self.close_connection = True
            return
        request = Request(self.command, self.path, asked, body, time.monotonic())
        answer = self.server.owner.answer(request)
        with contextlib.suppress(OSError):
            if (answer.wait and not self.server.owner.pause(answer.wait)) or answer.drop:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
            else:
                self._send(answer, asked)

    do_POST = do_PUT = do_HEAD = do_CONNECT = do_GET  # noqa: N815  the names that the library calls

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _send(self, answer: Answer, asked: Mapping[str, str]) -> None:
        status, body, headers = answer.status, answer.body, dict(answer.headers)
        if answer.conditional and _is_known(headers, asked):
            status, body = 304, b""
        if answer.gzip and body and "gzip" in asked.get("accept-encoding", ""):
            body = gzip.compress(body)
            headers["Content-Encoding"] = "gzip"
        if status not in (204, 304):
            headers["Content-Length"] = str(len(body) if answer.length is None else answer.length)
        self.close_connection = self.close_connection or answer.length is not None
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self._send_body(body, answer)

    def _send_body(self, body: bytes, answer: Answer) -> None:
        for piece in _pieces(body, answer.chunk):
            self.wfile.write(piece)
            self.wfile.flush()
            if answer.pause and not self.server.owner.pause(answer.pause):
                self.close_connection = True
                return


def _is_known(headers: Mapping[str, str], asked: Mapping[str, str]) -> bool:
    """Whether the client has this version: If-None-Match wins over If-Modified-Since (RFC 9110 13.2.2)."""
    if "if-none-match" in asked:
        return headers.get("ETag") is not None and headers["ETag"] == asked["if-none-match"]
    modified = headers.get("Last-Modified")
    return modified is not None and modified == asked.get("if-modified-since")


def _pieces(body: bytes, size: int) -> Sequence[bytes]:
    return [body[at : at + size] for at in range(0, len(body), size)] if size else [body]


def free_port(host: str) -> int:
    """Return a port that nobody listens on."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
