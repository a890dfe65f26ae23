"""A channel that asked to be left alone is left alone by every worker of the database. Shell.

On SQLite there is one worker, which remembers it itself (`lane`) and moves it with a clock that is set.
"""

import hashlib
from datetime import datetime, timedelta

from sqlmodel import Session

from monitor import model
from monitor.store import engine, facts

_LONGEST = timedelta(days=2)


def note(store: engine.Store, channel: model.Channel, until: datetime, now: datetime) -> None:
    """Let nobody claim for `channel` before `until`."""
    if store.dialect == "postgresql":
        with store.write() as tx:
            facts.put(tx, _name(channel), {"until": until.isoformat()}, now)


def is_resting(tx: Session, channel: model.Channel, now: datetime) -> bool:
    """Whether some worker was asked to leave `channel` alone for longer than `now`."""
    if tx.connection().dialect.name == "sqlite":
        return False
    found = facts.find(tx, _name(channel))
    return found is not None and now < datetime.fromisoformat(found[0]["until"]) <= now + _LONGEST


def _name(channel: model.Channel) -> str:
    """Return the fact's name: a channel whose URL was changed is tried at once."""
    return f"rest:{channel.name}:{hashlib.blake2b(channel.url.encode(), digest_size=4).hexdigest()}"
