"""Tells the operator of feeds that are gone, fail for a day or have fallen silent: one message a day at most. Shell.

What was told is remembered: a message goes out when something came up since, and names what still lasts below it.
When nothing at all can be reached, no feed ails: that is told once by itself, and once when it is over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from monitor import deliver, model, pace
from monitor.store import arrivals, engine, facts, feeds, network

_FACT = "feeds_told"
_WEEKS = timedelta(weeks=4)


def tell(store: engine.Store, channels: Sequence[model.Channel], now: datetime) -> bool:
    """Look at every feed and tell what came up. Returns whether there is a message. Runs on the store's thread."""
    with store.read() as tx:
        said, at = facts.find(tx, _FACT) or ({}, None)
    if said.get("sent") and at and at.date() == now.date():
        return False
    found = ailments(store, now)
    told: dict[str, str] = said.get("told", {})
    new = [name for name, ailment in found.items() if told.get(name) != ailment.kind]
    current = {name: ailment.kind for name, ailment in found.items()}
    if not new and current == told:
        return False
    with store.write() as tx:
        facts.put(tx, _FACT, {"told": current, "sent": bool(new)}, now)
        if new:
            subject, text = message(found, new)
            deliver.tell_operator(tx, channels, topic=f"feeds:{now:%Y-%m-%d}", subject=subject, text=text, now=now)
    return bool(new)


def tell_of_network(store: engine.Store, channels: Sequence[model.Channel], now: datetime) -> bool:
    """Tell when nothing could be reached for an hour, and when that is over. Returns whether there is a message.

    Over is it when any feed was polled since, by any worker. Runs on the store's thread.
    """
    with store.read() as tx:
        down = network.find(tx)
        if down is None:
            return False
        polled = max((feed.last_polled_at for feed in feeds.list_feeds(tx) if feed.last_polled_at), default=None)
    over = polled is not None and polled > down.since_at
    lasts = (polled if over and polled else now) - down.since_at
    if not over and (down.told or lasts < pace.OUTAGE or now - down.tried_at > network.FRESH):
        return False
    with store.write() as tx:
        if over:
            network.forget(tx)
        else:
            network.put(tx, replace(down, told=True))
        if over and not down.told:
            return False
        subject, text = _reached(down, lasts) if over else _unreached(down, lasts)
        topic = f"network-{'up' if over else 'down'}:{down.since_at:%Y-%m-%dT%H:%M:%S}"
        deliver.tell_operator(tx, channels, topic=topic, subject=subject, text=text, now=now)
    return True


def ailments(store: engine.Store, now: datetime) -> dict[str, pace.Ailment]:
    """Return what ails feeds, by name."""
    with store.read() as tx:
        known = feeds.list_feeds(tx)
        quiet = [feed.id for feed in known if feed.last_new_at and now - feed.last_new_at >= pace.SHORTEST_SILENCE]
        seen = arrivals.list_arrivals(tx, quiet, now - _WEEKS)
    judged = {feed.name: pace.ailment(feed, seen.get(feed.id, ()), now=now) for feed in known}
    return {name: ailment for name, ailment in judged.items() if ailment}


def message(found: Mapping[str, pace.Ailment], new: Sequence[str]) -> tuple[str, str]:
    """Return subject and text. new: names that are told for the first time."""
    subject = f"{new[0]} is {found[new[0]].kind}" if len(new) == 1 else f"{len(new)} feeds are gone, failing or silent"
    lines = [f"{name}: {found[name].why}" for name in new]
    lasting = [f"{name}: {ailment.why}" for name, ailment in found.items() if name not in new]
    if lasting:
        lines += ["", "Told before, and still so:", *lasting]
    return subject, "\n".join([*lines, "", "See `monitor feeds list`."])


def _unreached(down: network.Down, lasts: timedelta) -> tuple[str, str]:
    return "No feed can be reached", (
        f"Since {down.since_at:%Y-%m-%d %H:%M} UTC ({pace.words(lasts)}) no host of any feed could be connected to: "
        f"{down.error}\n\n"
        "No feed is blamed for it. See whether this machine reaches the internet, its name server, and the proxy of "
        "[poll], if it has one. All feeds are tried again every half minute, and you are told when it is over."
    )


def _reached(down: network.Down, lasts: timedelta) -> tuple[str, str]:
    return "Feeds can be reached again", (
        f"No feed could be reached from {down.since_at:%Y-%m-%d %H:%M} UTC on, for {pace.words(lasts)}. What feeds "
        "still hold of that time comes now; what has left them meanwhile was not seen."
    )
