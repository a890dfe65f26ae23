"""The store's own thread: whoever writes goes through it, one after the other. Shell.

Not asyncio's default executor: that one has few threads for everybody, and a few hung sends would stall the store.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")


class StoreThread:
    """Runs functions one at a time, in the order in which they were asked for, but urgent ones first."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._urgent: deque[tuple[Future[Any], Callable[[], Any]]] = deque()

    async def call(self, function: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Run `function` on the thread and return what it returns. A cancelled caller leaves it running to its end."""
        job = partial(function, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._in_turn, job)

    async def call_first(self, function: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Run `function` before all that was asked for with `call` and has not begun. A cancelled caller ends nothing.

        For what must be written soon: until a message is marked as sent, a crash repeats it.
        """
        outcome: Future[_T] = Future()
        self._urgent.append((outcome, partial(function, *args, **kwargs)))
        self._pool.submit(self._hurry)
        return await asyncio.wrap_future(outcome)

    def close(self) -> None:
        """Wait for what was asked for, and end the thread."""
        self._pool.shutdown(wait=True)

    def _in_turn(self, job: Callable[[], _T]) -> _T:
        self._hurry()
        return job()

    def _hurry(self) -> None:
        """Run what is urgent; whose caller was cancelled, too."""
        while self._urgent:
            outcome, job = self._urgent.popleft()
            try:
                result = job()
            except BaseException as error:  # noqa: BLE001  handed to whoever waits
                with suppress(InvalidStateError):
                    outcome.set_exception(error)
            else:
                with suppress(InvalidStateError):
                    outcome.set_result(result)
