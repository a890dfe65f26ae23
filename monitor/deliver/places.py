"""Where a service put the first message of a story, kept so that updates find its thread after a restart. Shell."""

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session

from monitor import model
from monitor.store import facts, outbox

PREFIX = "place:"


def settle_sent(
    tx: Session,
    notification_id: int,
    lease: str,
    *,
    message: model.Message,
    places: Mapping[str, str] | None,
    now: datetime,
) -> bool:
    """Note that a message was sent, and where it stands if a thread begins with it; False when the lease was lost.

    places: what the sender returned; None when the service has no threads.
    """
    if not outbox.settle_sent(tx, notification_id, lease, now):
        return False
    if places and not message.thread:
        facts.put(tx, PREFIX + message.key, places, now)
    return True


def find(tx: Session, thread: str) -> Mapping[str, str]:
    """Return where the first message of a thread stands, by the service's channels; empty when nobody knows."""
    found = facts.find(tx, PREFIX + thread) if thread else None
    return {str(name): str(place) for name, place in found[0].items()} if found else {}
