"""Since when nothing at all can be reached: our own network is down, or the proxy that feeds share. Shell.

Polls note it, whoever tells the operator reads it. It is kept in the store, so that it outlives a restart.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlmodel import Session

from monitor import model
from monitor.store import facts

FRESH = timedelta(minutes=10)
"""Everything is tried again every half minute: after so long without a try nobody knows how it is."""

_FACT = "network_down"


@dataclass(frozen=True, slots=True)
class Down:
    """Nothing could be reached. tried_at: the last time. error: of the first poll. told: whether the operator was."""

    since_at: datetime
    tried_at: datetime
    error: str
    told: bool = False


def find(tx: Session) -> Down | None:
    """Return since when nothing can be reached, None when something was, or when nobody has noted otherwise."""
    found = facts.find(tx, _FACT)
    if found is None:
        return None
    value, tried_at = found
    return Down(datetime.fromisoformat(value["since"]), tried_at, value["error"], value["told"])


def note(tx: Session, records: Sequence[model.PollRecord]) -> None:
    """Note the polls among `records` that reached nothing because nothing can be reached."""
    down = [record for record in records if record.polled is model.Polled.OFFLINE]
    if not down:
        return
    first, last = min(record.at for record in down), max(record.at for record in down)
    known = find(tx)
    if known is None or (not known.told and first - known.tried_at > FRESH):
        known = Down(first, last, down[0].error or "")
    put(tx, replace(known, tried_at=last))


def put(tx: Session, down: Down) -> None:
    """Remember it."""
    value = {"since": down.since_at.isoformat(), "error": down.error, "told": down.told}
    facts.put(tx, _FACT, value, down.tried_at)


def forget(tx: Session) -> None:
    """Forget it: something was reached."""
    facts.remove(tx, _FACT)
