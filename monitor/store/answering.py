"""A connection to PostgreSQL that does not wait for ever: for a server that is frozen while its network is not. Shell.

Keepalives notice a host that is gone; only a clock of our own notices one that takes our words and never answers.
"""

from collections.abc import Generator
from time import monotonic
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen

_T = TypeVar("_T")

KEEPALIVE = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,  # milliseconds
}
"""A host that does not even acknowledge what we send is given up after half a minute."""


class Answering(psycopg.Connection[Any]):
    """within: seconds that one answer may take, None for ever; a connection that takes longer is closed."""

    within: float | None = None

    def wait(self, gen: PQGen[_T], *how: float | None, **named: float | None) -> _T:
        """Wait for the server as psycopg does, but not for longer than that."""
        asked: Any = (how, named)  # whatever this psycopg knows
        if self.within is None:
            return super().wait(gen, *asked[0], **asked[1])
        try:
            return super().wait(_bounded(gen, monotonic() + self.within), *asked[0], **asked[1])
        except _NoAnswerError:
            self.close()
            raise psycopg.OperationalError(f"connection timeout: no answer within {self.within:g} s") from None


class _NoAnswerError(Exception):
    """The time is over."""


def _bounded(gen: PQGen[_T], ends_at: float) -> Generator[Any, Any, _T]:
    """Pass on what psycopg's generator waits for, and how it was found, until the time is over."""
    try:
        state = next(gen)
        while True:
            ready = yield state
            if not ready and monotonic() > ends_at:
                raise _NoAnswerError
            state = gen.send(ready)
    except StopIteration as end:
        found: _T = end.value
        return found
