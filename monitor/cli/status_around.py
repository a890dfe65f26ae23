"""What `monitor status` says of what the daemon stands on: database, disk, clock, network, channels. Shell."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from monitor import model, pace
from monitor.cli import healthcheck, output, session

if TYPE_CHECKING:
    from sqlmodel import Session

    from monitor import config as configuration

_CRON = timedelta(hours=1)
_LATE = timedelta(minutes=15)  # what a channel does not take for longer is told
_SILENT = timedelta(hours=2)  # no feed at all answered for so long


def gather(tx: "Session", settings: "configuration.Settings") -> dict[str, Any]:
    """Return what the store and the disk say, as scripts get it."""
    from monitor.store import facts, feeds, network, outbox, size

    file = session.database_file(settings)
    active = [feed for feed in feeds.list_feeds(tx) if feed.status is model.FeedStatus.ACTIVE and feed.last_polled_at]
    damaged = facts.find(tx, "damaged")
    return {
        "refused": [
            {"channel": name, "messages": one.count, "since_at": one.since_at, "error": one.error}
            for name, one in outbox.list_refused(tx).items()
        ],
        "last_answer_at": max((feed.last_ok_at for feed in active if feed.last_ok_at), default=None),
        "network_down_since_at": down.since_at if (down := network.find(tx)) else None,
        "disk_full_soon": size.short_of_space(file if file and file.parent.is_dir() else None),
        "damage": damaged[0].get("complaint", "") if damaged else "",
    }


def troubles(state: dict[str, Any], now: datetime) -> list[tuple[str, str]]:
    """Return what is not well, and what to do; the gravest first."""
    found = []
    if state["damage"]:
        what, _, do = state["damage"].partition("): ")
        found.append((f"{what})", do))
    if state["disk_full_soon"]:
        what, _, do = state["disk_full_soon"].partition(". ")
        found.append((f"the disk of the database is nearly full: {what}", do))
    found += _daemon(state, now)
    answered_at, polled_at, down_at = state["last_answer_at"], state["last_poll_at"], state["network_down_since_at"]
    if down_at and now - down_at > _LATE:
        what = f"no feed can be reached for {output.ago(down_at, now)}: the network is down, or the proxy of all feeds"
        found.append((what, "see whether this machine reaches the internet, its name server and [poll] proxy"))
    elif polled_at and answered_at and now - polled_at < _SILENT < now - answered_at:
        what = f"no feed has answered for {output.ago(answered_at, now)}, though all are asked"
        found.append((what, "see whether this machine reaches the internet and a name server: monitor feeds list"))
    for one in state["refused"]:
        if now - one["since_at"] > _LATE:
            waiting = output.count(one["messages"], "message waits", "messages wait")
            what = f"channel {one['channel']!r} took nothing for {output.ago(one['since_at'], now)}, {waiting}: "
            do = f"mend it, then: monitor notify test {one['channel']}; what waits is sent by itself"
            found.append((what + one["error"], do))
    return found


def _daemon(state: dict[str, Any], now: datetime) -> list[tuple[str, str]]:
    daemon, polled_at = state["daemon"], state["last_poll_at"]
    polled_lately = polled_at is not None and now - polled_at < _CRON  # `monitor poll` is a way to run it, too
    if daemon is None:
        return [] if polled_lately else [("the daemon has never run on this store", "start it: monitor run")]
    at = daemon["heartbeat_at"]
    if healthcheck.is_alive(at, now):
        return []
    if at > now:
        what = f"the daemon's last sign of life is {pace.words(at - now)} ahead of this machine's clock"
        return [(what, "set the clock (NTP: timedatectl status); a daemon that runs moves what it planned with it")]
    if polled_lately and polled_at > at + healthcheck.ALIVE:
        return []
    who = f"process {daemon.get('pid')} on {daemon.get('host')}"
    what = f"the daemon's last sign of life ({who}) is {output.ago(at, now)} old"
    return [(what, "start it: monitor run; why it ended: journalctl -u monitor, docker compose logs")]
