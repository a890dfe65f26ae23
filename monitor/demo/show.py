"""The demo from its first line to its last: stage, releases, what is seen, summary, exit status. Shell."""

import asyncio
import contextlib
import signal
import socket
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from urllib.parse import unquote

from monitor import clock, errors, model
from monitor.demo import follow, mail, news, screen, server, stage, verdict
from monitor.store import engine

_LOOK = 0.25  # seconds between two looks at the store
_START = 30.0  # seconds for the daemon to poll every feed once
_SETTLE = 90.0  # seconds after the last entry; what a first poll brings goes out as a digest after a minute
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(
    *,
    keep: bool,
    seconds: float,
    view: screen.Screen | None = None,
    outlets: Sequence[news.Outlet] | None = None,
) -> int:
    """Run the demo and return its exit status; 130 when it was interrupted before its end.

    keep, seconds: as in `demo.run`. view: where it is shown, standard output if not given. outlets: whose news, the
    demo's own if not given.
    """
    view = view or screen.Screen()
    try:
        return asyncio.run(_run(view, outlets or news.load(), keep=keep, seconds=seconds))
    except errors.MonitorError as error:
        view.say(f"FAILED: {error}", "bold red")
        return 1


async def _run(view: screen.Screen, outlets: Sequence[news.Outlet], *, keep: bool, seconds: float) -> int:
    page = f"127.0.0.1:{_free_port()}" if keep else "off"
    async with (
        server.NewsServer(outlets, started_at=clock.now()) as web,
        mail.MailServer() as postbox,
        stage.Stage(web, postbox, page=page) as theatre,
    ):
        show = _Show(view, outlets, web, postbox, theatre)
        try:
            return await show.run(seconds, page if keep else "")
        finally:
            show.close()


class _Show:
    """One run of the demo on a stage that is set."""

    def __init__(
        self,
        view: screen.Screen,
        outlets: Sequence[news.Outlet],
        web: server.NewsServer,
        postbox: mail.MailServer,
        theatre: stage.Stage,
    ) -> None:
        self._view, self._outlets = view, outlets
        self._web, self._postbox, self._stage = web, postbox, theatre
        self._stopped = asyncio.Event()
        self._began = time.monotonic()
        self._released_at: dict[str, datetime] = {}
        self._follower: follow.Follower | None = None
        self._waiting = 1
        self._mails = self._hooks = self._old = 0

    async def run(self, seconds: float, page: str) -> int:
        """Play, and return the exit status. page: where the status page is, when it is to go on until Ctrl-C."""
        with _signals(self._stopped):
            self._introduce(seconds)
            await self._play(seconds)
            if page and not self._stopped.is_set():
                await self._linger(page)
            elif self._stopped.is_set():
                self._view.say("stopped before the end", "bold red")
                return 130
        await self._stage.stop()
        return self._conclude()

    def close(self) -> None:
        """Let go of the daemon's store."""
        if self._follower is not None:
            self._follower.store.close()

    # --- the play -----------------------------------------------------------------------------------------------

    def _introduce(self, seconds: float) -> None:
        count = sum(len(outlet.items) for outlet in self._outlets)
        live = len(news.releases(self._outlets))
        self._view.say(
            f"{len(self._outlets)} feeds of invented news: {count - live} entries of the last two weeks are there "
            f"already, {live} come out within {seconds:.0f} s.\n"
            "The daemon polls them every second and sends to a mailbox and a webhook. Folder: "
            f"{self._stage.folder}\n"
        )

    async def _play(self, seconds: float) -> None:
        """Let the news come out, show what becomes of it, and wait until all of it is settled."""
        if not await self._until(self._is_ready, _START):
            if not self._stopped.is_set():
                said = self._stage.log_tail()
                raise errors.MonitorError(f"the daemon did not poll every feed within {_START:.0f} s:\n{said}")
            return
        releasing = asyncio.create_task(self._release(seconds))
        try:
            await self._until(lambda: releasing.done() and self._is_settled(), seconds + _SETTLE)
        finally:
            releasing.cancel()

    async def _release(self, seconds: float) -> None:
        releases = news.releases(self._outlets)
        for release in releases:
            await asyncio.sleep(seconds / len(releases))
            self._web.release(release)
            self._released_at[release.telling.title] = clock.now()

    async def _linger(self, page: str) -> None:
        config = self._stage.config
        self._view.say(
            f"\nThe daemon goes on; Ctrl-C ends it. Status page: http://{page}/\n"
            f"In another terminal: monitor status --config {config}\n"
            f"                     monitor alerts list --config {config}"
        )
        await self._until(self._stopped.is_set, float("inf"))

    async def _until(self, is_reached: Callable[[], bool], patience: float) -> bool:
        """Show what happens until `is_reached`; False when `patience` seconds went by or a signal came before."""
        deadline = time.monotonic() + patience
        while not is_reached():
            if self._stopped.is_set() or time.monotonic() > deadline:
                return False
            self._stage.check()
            await self._look()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), _LOOK)
        return True

    def _is_ready(self) -> bool:
        return len(self._web.seen) == len(self._outlets)

    def _is_settled(self) -> bool:
        """Whether every entry is processed and every message sent and here."""
        if self._follower is None or self._follower.entries < self._count():
            return False
        return self._waiting == 0 and all(not lost for lost in self._lost().values())

    # --- what is seen -------------------------------------------------------------------------------------------

    async def _look(self) -> None:
        if self._follower is None:
            if not (self._stage.folder / "monitor.db").exists():
                return
            self._follower = follow.Follower(engine.open_store(self._stage.store_url))
        try:
            seen = await asyncio.to_thread(self._follower.look)
        except errors.StoreError:  # its tables are still being made
            return
        self._waiting = seen.waiting
        self._show_entries(seen)
        self._show_messages()

    def _show_entries(self, seen: follow.Look) -> None:
        elapsed = time.monotonic() - self._began
        for decided in seen.decided:
            self._view.decided(elapsed, decided)
        old = [entry for entry in seen.unmatched if entry.first_poll and entry.revision == 1]
        if old:
            self._view.event(elapsed, "no rule", f"{len(old)} entries that were there already", style="dim")
        for entry in seen.unmatched:
            if entry not in old:
                self._view.event(elapsed, "no rule", f"{entry.title} ({entry.outlet})", style="dim")

    def _show_messages(self) -> None:
        elapsed = time.monotonic() - self._began
        for arrived in self._postbox.mails[self._mails :]:
            self._view.event(elapsed, "MAIL", arrived.subject)
        for hook in self._web.hooks[self._hooks :]:
            self._view.event(elapsed, "WEBHOOK", str(hook.data.get("title", "")))
        self._mails, self._hooks = len(self._postbox.mails), len(self._web.hooks)

    # --- the end ------------------------------------------------------------------------------------------------

    def _conclude(self) -> int:
        """Show the summary, and return the exit status."""
        assert self._follower is not None
        arrived = self._arrived()
        told = {channel: self._follower.told(keys) for channel, keys in arrived.items()}
        outcome = verdict.Outcome(
            processed=self._follower.entries,
            entries=self._count(),
            sent=self._sent(),
            arrived=arrived,
            told=told,
            unsettled=self._follower.unsettled,
            status=self._stage.status or 0,
        )
        self._view.say()
        self._view.table(self._rows(told))
        for title in verdict.surprises(self._outlets, told[stage.CHANNELS[0]]):
            self._view.say(f"a near miss that was alerted all the same: {title}", "yellow")
        complaints = verdict.judge(self._outlets, outcome)
        for complaint in complaints:
            self._view.say(f"FAILED: {complaint}", "bold red")
        if not complaints:
            self._view.say("\nEvery alert that was expected arrived, by mail and by webhook.", "bold green")
        return 1 if complaints else 0

    def _rows(self, told: dict[str, tuple[model.Alert, ...]]) -> list[tuple[str, str, str]]:
        assert self._follower is not None
        records = [decided.record for decided in self._follower.decided]
        known = [r for r in records if r.assignment.known and r.assignment.kind is model.Kind.DUPLICATE]
        kinds = [record.assignment.kind for record in records if record not in known]
        polls = self._web.polls
        return [
            ("entries", str(self._count()), f"of {len(self._outlets)} feeds"),
            ("matched", str(len(records)), "by at least one rule"),
            ("stories", str(kinds.count(model.Kind.NEW)), "happenings that were new"),
            ("duplicates", str(kinds.count(model.Kind.DUPLICATE)), "told before, by another outlet or in other words"),
            ("updates", str(kinds.count(model.Kind.UPDATE)), "something new in a story"),
            ("held back", str(len(known)), "by the known stories in seeds/"),
            ("alerts", str(len(told[stage.CHANNELS[0]])), "that were sent, alone or in a digest"),
            ("mails", str(len(self._postbox.mails)), ""),
            ("webhook messages", str(len(self._web.hooks)), ""),
            ("polls", str(polls.total()), f"{polls[304]} of them answered 304 Not Modified"),
            ("from feed to mailbox", self._delay(), "median, for an alert that goes at once"),
        ]

    def _delay(self) -> str:
        """Return the median time from an entry's release to its mail."""
        assert self._follower is not None
        keys = {key: arrived.received_at for key, arrived in zip(self._mail_keys(), self._postbox.mails, strict=True)}
        found = []
        for note in self._follower.notifications:
            for alert in self._follower.told({note.key}) if note.kind is model.NotificationKind.ALERT else ():
                released_at, arrived_at = self._released_at.get(alert.entry.title), keys.get(note.key)
                if released_at and arrived_at and not note.batch:
                    found.append((arrived_at - released_at).total_seconds())
        return f"{statistics.median(found):.1f} s" if found else "-"

    def _count(self) -> int:
        return sum(len(outlet.items) for outlet in self._outlets)

    def _sent(self) -> dict[str, set[str]]:
        notes = self._follower.notifications if self._follower else ()
        sent = [note for note in notes if note.state is model.NotificationState.SENT]
        return {channel: {note.key for note in sent if note.channel == channel} for channel in stage.CHANNELS}

    def _arrived(self) -> dict[str, set[str]]:
        hooks = {unquote(hook.headers.get("x-alert-id", "")) for hook in self._web.hooks}
        return dict(zip(stage.CHANNELS, (set(self._mail_keys()), hooks), strict=True))

    def _mail_keys(self) -> list[str]:
        return [str(arrived.message["X-Alert-Id"] or "") for arrived in self._postbox.mails]

    def _lost(self) -> dict[str, set[str]]:
        arrived = self._arrived()
        return {channel: keys - arrived[channel] for channel, keys in self._sent().items()}


@contextlib.contextmanager
def _signals(stopped: asyncio.Event) -> Iterator[None]:
    """Set `stopped` on Ctrl-C, SIGTERM and a closed terminal, so that nothing is left behind."""
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, stopped.set)
    try:
        yield
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


def _free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])
