"""One channel's own thread and its back-off. Shell.

No send runs on asyncio's default executor: it has few threads for everybody, and a few hung sends would stall the rest.
A thread that does not come back in time is left behind and replaced, so that a library that hangs costs one thread; a
channel that has left `MOST_HUNG` of them behind sends nothing until one comes back.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from queue import SimpleQueue
from typing import Any, TypeVar

from monitor import errors

MOST_HUNG = 3
LONGEST_PAUSE = timedelta(minutes=15)  # a channel that is down is tried at least so often, unless it asks otherwise

_Job = tuple[Callable[[], object], "Future[Any]"]
_T = TypeVar("_T")


@dataclass(slots=True)
class Health:
    """How a channel fares.

    failures: sends in a row that failed for the channel's own reasons, since `failing_since_at`. resume_at: nothing is
    sent before.
    """

    failures: int = 0
    failing_since_at: datetime | None = None
    resume_at: datetime | None = None
    last_error: str = ""
    last_ok_at: datetime | None = None
    sent: int = 0

    def is_resting(self, now: datetime) -> bool:
        """Whether the channel is left alone at `now`; a pause further ahead than it can be is over (clocks jump)."""
        return self.resume_at is not None and now < self.resume_at <= now + timedelta(days=2)

    def succeeded(self, now: datetime) -> None:
        """Note a message that arrived."""
        self.failures, self.failing_since_at, self.resume_at, self.last_ok_at = 0, None, None, now
        self.sent += 1

    def failed(self, error: str, now: datetime, resume_at: datetime) -> None:
        """Note a failure that is the channel's, and leave it alone until `resume_at`."""
        self.failures += 1
        self.failing_since_at = self.failing_since_at or now
        self.last_error, self.resume_at = error, resume_at

    def clock_was_set(self, jump: timedelta) -> None:
        """Move the rest and what it counts from with a wall clock that was set by `jump`."""
        self.resume_at = self.resume_at and self.resume_at + jump
        self.failing_since_at = self.failing_since_at and self.failing_since_at + jump


class Lane:
    """One channel's thread."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.health = Health()
        self.unsettled: Callable[[], bool] | None = None  # an outcome that the store has not taken yet
        self._worker: _Worker | None = None
        self._hung: list[_Worker] = []

    async def run(self, job: Callable[[], _T], *, within: timedelta) -> _T:
        """Run a blocking job on the channel's thread and return what it returns.

        Raises what it raises, and DeliveryError when it takes too long.

        What is left behind may still arrive: its repeat carries the same key.
        """
        self._hung = [worker for worker in self._hung if worker.is_busy]
        if len(self._hung) >= MOST_HUNG:
            raise errors.DeliveryError(f"{len(self._hung)} earlier sends have not come back yet")
        self._worker = self._worker or _Worker(self.name)
        outcome = asyncio.wrap_future(self._worker.begin(job))
        done, _ = await asyncio.wait([outcome], timeout=within.total_seconds())
        if not done:
            outcome.add_done_callback(_forget)
            self._leave_behind()
            raise errors.DeliveryError(f"no outcome within {within.total_seconds():g} s")
        return outcome.result()

    def close(self) -> None:
        """Let the thread end; one that hangs ends with the process."""
        if self._worker:
            self._worker.end()
            self._worker = None

    def _leave_behind(self) -> None:
        if self._worker:
            self._worker.end()
            self._hung.append(self._worker)
            self._worker = None


class _Worker:
    """A daemon thread that runs one job after the other."""

    def __init__(self, name: str) -> None:
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name=f"channel {name}", daemon=True)
        self._thread.start()

    @property
    def is_busy(self) -> bool:
        """Whether the thread still lives."""
        return self._thread.is_alive()

    def begin(self, job: Callable[[], _T]) -> "Future[_T]":
        """Queue a job; its future tells how it ended."""
        future: Future[_T] = Future()
        self._jobs.put((job, future))
        return future

    def end(self) -> None:
        """Let the thread end after what it is doing."""
        self._jobs.put(None)

    def _serve(self) -> None:
        while (item := self._jobs.get()) is not None:
            job, future = item
            if not future.set_running_or_notify_cancel():
                continue
            try:
                result = job()
            except BaseException as error:  # noqa: BLE001 # handed to whoever waits
                future.set_exception(error)
            else:
                future.set_result(result)


def _forget(outcome: "asyncio.Future[Any]") -> None:
    """Look at an outcome that nobody waits for, so that asyncio does not complain that none did."""
    if not outcome.cancelled():
        outcome.exception()
