"""The store's own thread: whoever writes goes through it, one after the other. Shell.

Not asyncio's default executor: that one has few threads for everybody, and a few hung sends would stall the store.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")


class StoreThread:
    """Runs functions one at a time, in the order in which they were asked for."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")

    async def call(self, function: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Run `function` on the thread and return what it returns. A cancelled caller leaves it running to its end."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, partial(function, *args, **kwargs))

    def close(self) -> None:
        """Wait for what was asked for, and end the thread."""
        self._pool.shutdown(wait=True)
