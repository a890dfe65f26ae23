"""Parsing in child processes: deadlines, memory, cancellation, and the end of things."""

import asyncio
import gc
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import errors, model, parse, sandbox
from monitor.sandbox import child_process, wire
from tests import servers
from tests.builders import NOON

URL = "http://news.example/feed"
GOOD = servers.rss("World", *(servers.item(f"Title {number}", guid=str(number)) for number in range(30)))
ENDLESS = b"<rss version='2.0'><channel><item><author>" + b"a" * 80_000 + b"</author><x/></item></channel></rss>"
ATTRIBUTES = b" ".join(b"a%d='x'" % number for number in range(20_000))
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows it")
HUNGRY = b"<rss version='2.0'><channel>" + b"<item><title>t</title></item>" * 15_000 + b"</channel></rss>"


async def read(box: sandbox.Sandbox, body: bytes = GOOD, *, suspect: bool = False) -> int:
    """Parse `body` and return how many entries it has."""
    feed = await box.parse(body, content_type=servers.RSS, url=URL, now=NOON, suspect=suspect)
    return len(feed.entries)


def run(use: Callable[[sandbox.Sandbox], Awaitable[object]], **options: object) -> None:
    """Run `use` with a sandbox, and see that no process is left over after its close."""

    async def whole() -> tuple[int, ...]:
        box = sandbox.Sandbox(**options)  # type: ignore[arg-type]
        try:
            await use(box)
            return box.processes
        finally:
            await box.close()
            assert box.processes == ()

    for pid in asyncio.run(whole()):
        assert not is_alive(pid)


async def until(condition: Callable[[], object]) -> None:
    """Wait until `condition` holds, and let the loop go on meanwhile."""
    await asyncio.to_thread(servers.until, condition)


def process_file(pid: int, name: str) -> Path:
    """Return where Linux shows something of a process."""
    return Path("/proc") / str(pid) / name


def is_alive(pid: int) -> bool:
    """Whether a process runs (one that nobody reaped yet does not)."""
    try:
        return process_file(pid, "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_document_is_parsed_as_parse_does() -> None:
    """What comes out of a child is what `parse` gives, field for field."""
    body = servers.rss(
        "World",
        servers.item("Envoy", guid="1", link="/a", summary="<p>x", published="Sat, 21 Nov 2026 10:00:00 GMT"),
        "<item/>",
        extra="<ttl>60</ttl><skipHours><hour>3</hour></skipHours><skipDays><day>Monday</day></skipDays>",
    )
    expected = parse.parse(body, content_type=servers.RSS, url=URL, now=NOON, outlet="Wire")

    async def use(box: sandbox.Sandbox) -> None:
        assert await box.parse(body, content_type=servers.RSS, url=URL, now=NOON, outlet="Wire") == expected

    run(use)


def test_a_document_that_is_no_feed_costs_no_child() -> None:
    """ParseError crosses the pipe with its words, and the same child serves the next document."""

    async def use(box: sandbox.Sandbox) -> None:
        await read(box)
        before = box.processes
        with pytest.raises(errors.ParseError, match="a web page, not a feed"):
            await read(box, b"<html><body>no")
        assert await read(box) == 30
        assert box.processes == before

    run(use)


@pytest.mark.parametrize(
    "hostile", [ENDLESS, b"<rss><channel><item " + ATTRIBUTES + b">"], ids=["author", "attributes"]
)
def test_a_quadratic_document_is_killed_on_time(hostile: bytes) -> None:
    """A document that would take minutes ends at the deadline, and the loop never stands still meanwhile."""

    async def use(box: sandbox.Sandbox) -> None:
        await read(box)
        longest, last, ended = 0.0, time.monotonic(), False

        async def tick() -> None:
            nonlocal longest, last
            while not ended:
                await asyncio.sleep(0.01)
                longest, last = max(longest, time.monotonic() - last), time.monotonic()

        ticking = asyncio.create_task(tick())
        began = time.monotonic()
        with pytest.raises(errors.ParseError, match=r"longer than 0\.5 s"):
            await read(box, hostile)
        took, ended = time.monotonic() - began, True
        await ticking
        assert took < 2.5
        assert longest < 0.5
        assert await read(box) == 30

    run(use, deadline=timedelta(seconds=0.5))


def test_good_documents_do_not_wait_for_hostile_ones() -> None:
    """While hostile documents run into their deadline, good ones pass them in the quick lane."""

    async def use(box: sandbox.Sandbox) -> None:
        await asyncio.gather(read(box), read(box))
        hostile = [asyncio.create_task(read(box, ENDLESS, suspect=True)) for _ in range(3)]
        await until(lambda: box.busy)
        began = time.monotonic()
        assert await read(box) == 30
        assert time.monotonic() - began < 1.5
        assert not any(task.done() for task in hostile)
        for task in hostile:
            task.cancel()
        await asyncio.gather(*hostile, return_exceptions=True)

    run(use, deadline=timedelta(seconds=5))


def test_a_document_that_is_only_slow_gets_its_full_time() -> None:
    """What does not fit into the quick lane's second is parsed in the slow lane."""
    slow = (
        b"<rss version='2.0'><channel><item><author>"
        + b"a" * 8_000
        + b"</author><x/><title>T</title></item></channel></rss>"
    )

    async def use(box: sandbox.Sandbox) -> None:
        assert await read(box, slow) == 1

    run(use, deadline=timedelta(seconds=20), quick=timedelta(seconds=0.05))


def test_a_document_that_eats_memory_is_stopped() -> None:
    """A document that takes more memory than it may is a ParseError, and the next one is parsed."""

    async def use(box: sandbox.Sandbox) -> None:
        with pytest.raises(errors.ParseError, match="memory"):
            await read(box, HUNGRY)
        assert await read(box) == 30

    run(use, memory=8 * 2**20)


def test_too_many_slow_documents_are_refused() -> None:
    """Documents that wait for the slow lane are held up to a total size; beyond, they wait for their next poll."""
    large = b"<rss version='2.0'>" + b" " * 6 * 2**20

    async def use(box: sandbox.Sandbox) -> None:
        found = await asyncio.gather(*(read(box, large) for _ in range(4)), return_exceptions=True)
        refused = [error for error in found if isinstance(error, errors.ParseError) and "too many" in str(error)]
        assert len(refused) == 2

    run(use)


def test_a_child_that_is_killed_costs_one_document() -> None:
    """A child that dies is replaced; only the document that it had is lost."""

    async def use(box: sandbox.Sandbox) -> None:
        await read(box)
        under_way = asyncio.create_task(read(box, ENDLESS))
        await until(lambda: box.busy)
        os.kill(box.processes[0], signal.SIGKILL)
        assert await read(box) == 30
        under_way.cancel()
        await asyncio.gather(under_way, return_exceptions=True)
        idle = box.processes[-1]
        os.kill(idle, signal.SIGKILL)
        assert await read(box) == 30

    run(use, deadline=timedelta(seconds=5))


def test_a_cancelled_parse_leaves_nothing_behind() -> None:
    """After a cancellation the next document gets its own answer, never that of the one before."""

    async def use(box: sandbox.Sandbox) -> None:
        for _ in range(5):
            task = asyncio.create_task(read(box, servers.rss("Other", servers.item("Other"))))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert await read(box) == 30

    run(use)


def test_an_idle_child_ends_and_another_takes_over() -> None:
    """A child without work ends by itself; the next document is parsed all the same."""

    async def use(box: sandbox.Sandbox) -> None:
        await read(box)
        first = box.processes
        await until(lambda: not box.processes)
        assert await read(box) == 30
        assert box.processes != first

    run(use, idle=0.2)


def test_nothing_is_parsed_after_the_close() -> None:
    """A closed sandbox refuses, and `close` ends what is under way."""

    async def whole() -> None:
        box = sandbox.Sandbox(deadline=timedelta(seconds=20))
        task = asyncio.create_task(read(box, ENDLESS))
        await until(lambda: box.busy)
        await box.close()
        with pytest.raises(errors.ParseError):
            await task
        with pytest.raises(errors.ParseError, match="closed"):
            await read(box)
        assert box.processes == ()

    asyncio.run(whole())


@LINUX
def test_children_die_with_their_parent() -> None:
    """A parent that is killed leaves no child behind, not even one in the middle of a document."""
    program = """
        import asyncio
        from datetime import timedelta
        from tests import test_sandbox
        from monitor import sandbox
        async def main():
            box = sandbox.Sandbox(deadline=timedelta(seconds=60))
            await test_sandbox.read(box)
            asyncio.create_task(test_sandbox.read(box, test_sandbox.ENDLESS, suspect=True))
            await test_sandbox.until(lambda: box.busy)
            print(*box.processes, flush=True)
            await asyncio.sleep(60)
        asyncio.run(main())
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        children = [int(pid) for pid in parent.stdout.readline().split()]
        assert children
        assert all(is_alive(pid) for pid in children)
        parent.kill()
    servers.until(lambda: not any(is_alive(pid) for pid in children))


@LINUX
def test_a_child_whose_parent_went_while_it_started_says_nothing() -> None:
    """It ends by itself, without a traceback in a log that is no longer ours."""
    ours, its = socket.socketpair()
    ours.close()
    with its:
        words = [sys.executable, "-c", "from monitor.sandbox import child; child.main()", "5"]
        ended = subprocess.run(words, stdin=its.fileno(), capture_output=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_a_child_gets_none_of_our_secrets() -> None:
    """The environment of a child has no settings of the program in it."""
    os.environ["MONITOR_TEST_SECRET"] = "s3cret"
    try:

        async def use(box: sandbox.Sandbox) -> None:
            await read(box)
            for pid in box.processes:
                assert b"s3cret" not in process_file(pid, "environ").read_bytes()

        run(use)
    finally:
        del os.environ["MONITOR_TEST_SECRET"]


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"kind": "feed", "message": ""}', b"\xff", b"[" * 100_000])
def test_an_answer_that_is_none_is_a_parse_error(content: bytes) -> None:
    """A child that answers nonsense cannot make its parent raise anything but ParseError."""
    with pytest.raises(errors.ParseError):
        wire.read_answer(content)


_ENTRIES = st.builds(
    model.ParsedEntry,
    key=st.text(min_size=1),
    title=st.text(),
    summary=st.text(),
    body=st.text(),
    url=st.text(),
    outlet=st.none() | st.text(),
    language=st.none() | st.text(),
    published_at=st.none() | st.datetimes(timezones=st.just(UTC)),
)


@given(
    st.builds(
        model.ParsedFeed,
        title=st.text(),
        entries=st.lists(_ENTRIES, max_size=3).map(tuple),
        ttl=st.none() | st.timedeltas(timedelta(), timedelta(days=7)),
        skip_hours=st.frozensets(st.integers(0, 23)),
        dropped=st.lists(st.text(), max_size=2).map(tuple),
    )
)
def test_a_feed_crosses_the_pipe_unchanged(feed: model.ParsedFeed) -> None:
    """What is written as an answer is read as the same feed."""
    assert wire.read_answer(wire.answer(wire.Answer(wire.Kind.FEED, feed))).feed == feed


@LINUX
def test_a_pair_of_sockets_is_all_that_a_child_inherits() -> None:
    """Descriptors of the daemon (its database, its connections) are not open in a child."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        os.set_inheritable(listener.fileno(), True)

        async def use(box: sandbox.Sandbox) -> None:
            await read(box)
            for pid in box.processes:
                inodes = [descriptor.readlink() for descriptor in process_file(pid, "fd").iterdir()]
                assert process_file(os.getpid(), f"fd/{listener.fileno()}").readlink() not in inodes

        run(use)


@LINUX
def test_a_killed_child_that_takes_its_time_is_reaped_all_the_same() -> None:
    """Whoever ends a child waits a moment for it; where that is too short, no process and no warning is left over."""
    child = child_process.Child(60)
    pid = child.pid
    child.end(patience=0)
    del child
    gc.collect()  # what is dropped unreaped warns here, and warnings are errors
    servers.until(lambda: not Path(f"/proc/{pid}").exists())
