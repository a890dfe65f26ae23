"""An hour at full pace: `nice python bench/soak.py [--minutes 60] [--feeds 1000] [--interval 10s] [--json]`.

Runs `monitor run` with the shipped rules over generated feeds that are polled every `interval`; every half minute a
tenth of them has two new entries, of which one in a hundred matches. A receiver on loopback takes the alerts. Each
minute it prints what the daemon and its children take, and in the end whether the memory grew.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests import newsstand, processes, servers
from tests.e2e.daemon import Daemon

_EVERY = 30.0  # seconds between new entries
_SHIPPED = '[stories]\nseeds = ["builtin"]\n[log]\nlevel = "warning"'


@dataclass(frozen=True, slots=True)
class Minute:
    """What was taken and done by the end of a minute. memory: MB of all processes; own: of the daemon's.

    cpu: seconds so far. polls, unchanged, connections: as the server counted. database: MB with its log.
    """

    minute: float
    memory: float
    own: float
    processes: int
    cpu: float
    polls: int
    unchanged: int
    connections: int
    messages: int
    database: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print each minute, and say whether the memory grew; 1 when the daemon ended."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--feeds", type=int, default=1000)
    parser.add_argument("--items", type=int, default=30)
    parser.add_argument("--interval", default="10s")
    parser.add_argument("--report", type=float, default=60, help="seconds between two lines")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(arguments)
    plan = newsstand.Plan(args.feeds, args.items)
    with (
        tempfile.TemporaryDirectory() as folder,
        newsstand.serving(plan) as stand,
        servers.WebhookReceiver() as inbox,
    ):
        daemon = start(Path(folder), stand, inbox, args)
        try:
            minutes = watch(daemon, stand, inbox, args)
        finally:
            daemon.close()
    return judged(minutes, daemon)


def start(folder: Path, stand: newsstand.Stand, inbox: servers.WebhookReceiver, args: argparse.Namespace) -> Daemon:
    """Start a daemon on all feeds of the stand."""
    channel = inbox.url("/").replace("http:", "json:")
    daemon = Daemon(folder, [stand.url(number) for number in range(args.feeds)], [channel], _SHIPPED)
    text = daemon.config.read_text(encoding="utf-8")
    text = text.replace('interval = "1s"', f'interval = "{args.interval}"').replace('["rules"]', '["builtin"]')
    daemon.config.write_text(text.replace('timeout = "5s"', 'timeout = "30s"'), encoding="utf-8")
    daemon.start()
    return daemon


def watch(
    daemon: Daemon, stand: newsstand.Stand, inbox: servers.WebhookReceiver, args: argparse.Namespace
) -> list[Minute]:
    """Let time pass and news come in; returns what each minute took. The first one begins with the first poll."""
    servers.until(lambda: stand.count().requests or not daemon.is_running, 120)
    began, found = time.monotonic(), list[Minute]()
    news, report = began + _EVERY, began + args.report
    while time.monotonic() < began + args.minutes * 60 + 1 and daemon.is_running:
        time.sleep(1)
        if time.monotonic() >= news:
            stand.advance()
            news += _EVERY
        if time.monotonic() >= report:
            report += args.report
            found.append(look(daemon, stand, inbox, (time.monotonic() - began) / 60))
            tell(found[-1], first=len(found) == 1, as_json=args.json)
    return found


def look(daemon: Daemon, stand: newsstand.Stand, inbox: servers.WebhookReceiver, minute: float) -> Minute:
    """Return what was taken and done so far."""
    now, counts = processes.taken(daemon.pid), stand.count()
    size = sum(path.stat().st_size for path in daemon.folder.glob("monitor.db*"))
    return Minute(
        round(minute, 2),
        round(now.memory, 1),
        round(now.own, 1),
        now.processes,
        round(now.cpu, 1),
        counts.requests,
        counts.unchanged,
        counts.connections,
        len(inbox.messages),
        round(size / 1e6, 1),
    )


def tell(minute: Minute, *, first: bool, as_json: bool) -> None:
    """Print one line."""
    values = asdict(minute)
    if as_json:
        print(json.dumps(values), flush=True)
        return
    if first:
        print(" | ".join(f"{name:>11}" for name in values))
    print(" | ".join(f"{value:>11}" for value in values.values()), flush=True)


def judged(minutes: Sequence[Minute], daemon: Daemon) -> int:
    """Say how the memory went, leaving out the first tenth, in which everything is stored and started."""
    if len(minutes) < 2 or daemon.text.count("Traceback"):
        print(f"the daemon did not live long enough, or raised:\n{daemon.text[-3000:]}", file=sys.stderr)
        return 1
    settled = minutes[len(minutes) // 10 :]
    half = len(settled) // 2
    early, late = (sum(each.memory for each in part) / len(part) for part in (settled[:half], settled[half:]))
    rate = (minutes[-1].polls - minutes[0].polls) / ((minutes[-1].minute - minutes[0].minute) * 60)
    cost = (minutes[-1].cpu - minutes[0].cpu) / max(minutes[-1].polls - minutes[0].polls, 1) * 1000
    print(f"polls a second {rate:.1f}, CPU ms a poll {cost:.2f}", file=sys.stderr)
    print(
        f"MB at the start {settled[0].memory}, at the end {settled[-1].memory}; "
        f"means of the halves {early:.1f} and {late:.1f}; most {max(each.memory for each in minutes)}",
        file=sys.stderr,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
