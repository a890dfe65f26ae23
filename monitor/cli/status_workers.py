"""What `monitor status` says of the workers that share the database. Shell: reads the store."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from monitor import pace
from monitor.cli import output

if TYPE_CHECKING:
    from sqlmodel import Session

_CLOCK_OFF = 10.0  # seconds


def gather(tx: "Session", now: datetime) -> dict[str, Any]:
    """Return the workers and in what they differ, as scripts get it. now: by the database's clock."""
    from monitor.store import hosts, workers

    known = workers.list_workers(tx, now)
    return {
        "workers": [
            {
                "name": one.name,
                "id": one.id[:12],
                "host": one.host,
                "pid": one.pid,
                "version": one.version,
                "tables": one.revision,
                "files": dict(one.files),
                "clock_ahead_seconds": round(one.clock_ahead.total_seconds(), 1),
                "started_at": one.started_at,
                "seen_at": one.seen_at,
                "gone": one.is_gone,
            }
            for one in known
        ],
        "workers_differ": workers.differences(known),
        "resting_hosts": hosts.list_rests(tx, now),
    }


def troubles(state: dict[str, Any], now: datetime) -> list[tuple[str, str]]:
    """Return what is not well with the workers, and what to do; nothing where none lives: that is told otherwise."""
    alive = [one for one in state["workers"] if not one["gone"]]
    if not alive:
        return []
    found = [
        (
            f"{one['name']} was last seen {output.ago(one['seen_at'], now)} ago; the others have taken over its work",
            "start it again there; a worker that does not come back is forgotten after a day",
        )
        for one in state["workers"]
        if one["gone"]
    ]
    for about, values in state["workers_differ"].items():
        who = "; ".join(f"{', '.join(names)}: {value or 'none'}" for value, names in values.items())
        found.append((f"workers differ in their {about} ({who})", _MEND.get(about, _MEND["files"])))
    for one in alive:
        ahead = one["clock_ahead_seconds"]
        if abs(ahead) > _CLOCK_OFF:
            which = "ahead of" if ahead > 0 else "behind"
            what = f"the clock of {one['name']} is {pace.words(timedelta(seconds=abs(ahead)))} {which} the database's"
            found.append((what, "mend its time service (NTP); its work goes by the database's clock meanwhile"))
    return found


def tell(state: dict[str, Any], now: datetime) -> None:
    """Print a line for each worker, where there are several, and the hosts that rest."""
    for one in state["workers"] if len(state["workers"]) > 1 else ():
        seen = f"last seen {output.ago(one['seen_at'], now)} ago" + (": GONE" if one["gone"] else "")
        rules = one["files"].get("rules", "none")
        output.say(f"{'worker':<16} {one['name']}, version {one['version']}, rules {rules}, {seen}")
    for host, until in state["resting_hosts"].items():
        output.say(f"{'resting':<16} {host} asks to be left alone for {pace.words(until - now)}")


_MEND = {
    "version": "install the same version everywhere",
    "tables": "install the newer version everywhere: the older one ends by itself",
    "feeds": "give every worker the same feeds; until then what any of them names is polled",
    "files": "give every worker the same files; a change is taken over at once, or with SIGHUP",
}
