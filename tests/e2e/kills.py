"""Kill the daemon again and again while entries come in, and count what arrived.

Anyone can run it:

    python -m tests.e2e.kills --entries 500 --kills 50 --faults

A loopback feed brings new stories all the while; three channels (Slack's form, a JSON webhook, mail) are the real
senders and loopback receivers. With `--faults` the receivers refuse, hang up, and answer 429 and 500 in between; with
`--gently` it is ended with SIGTERM.
Prints what was lost, what came twice, and whether each repeat had the key and the text of the first.
"""

import argparse
import json
import random
import sqlite3
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass
from email.utils import formatdate
from pathlib import Path

from tests import servers
from tests.e2e.daemon import Daemon
from tests.servers import Answer

_SYLLABLES = [
    "bar",
    "den",
    "fol",
    "gim",
    "hul",
    "jor",
    "kep",
    "lun",
    "mav",
    "nor",
    "pil",
    "quo",
    "ros",
    "tav",
    "wex",
    "zin",
]


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of a run.

    lost: alerts that a channel never got. repeats: messages that came once more. changed: repeats whose text is not
    the first one's. per_kill: repeats for each kill and channel. intact: what SQLite says of the database.
    """

    entries: int
    kills: int
    lost: int
    repeats: int
    changed: int
    per_kill: float
    worst: int
    seconds: float
    intact: str


class Inbox:
    """Three receivers, and what each has got: by key, the texts in order."""

    def __init__(self) -> None:
        self.slack, self.json, self.mail = servers.WebhookReceiver(), servers.WebhookReceiver(), servers.MailReceiver()

    def start(self) -> None:
        """Listen."""
        for receiver in (self.slack, self.json, self.mail):
            receiver.start()

    def stop(self) -> None:
        """Listen no more."""
        for receiver in (self.slack, self.json, self.mail):
            receiver.stop()

    def toml(self) -> str:
        """Return the channels' part of a configuration."""
        urls = {
            "slack": f"slack+http://127.0.0.1:{self.slack.port}/services/T1/B1/x",
            "json": f"json://127.0.0.1:{self.json.port}/hook",
            "mail": f"mailto://127.0.0.1:{self.mail.port}?from=monitor@example.org&to=desk@example.org&mode=insecure",
        }
        return "".join(f'[[channels]]\nname = "{n}"\nurl = "{url}"\nlimit = "off"\n' for n, url in urls.items())

    def got(self) -> dict[str, list[tuple[str, str]]]:
        """Return key and text of each message by channel, operator's messages left out."""
        found = {
            "slack": [(r.headers["x-alert-id"], json.dumps(r.json["blocks"])) for r in self.slack.messages],
            "json": [(r.headers["x-alert-id"], r.json["message"]) for r in self.json.messages],
            "mail": [(str(m.message["X-Alert-Id"]), m.text()) for m in self.mail.messages],
        }
        return {name: [one for one in got if not one[0].startswith("operator:")] for name, got in found.items()}

    def trouble(self, chance: random.Random) -> None:
        """Let the next message of one receiver fail in one of many ways."""
        web = [Answer(500), Answer(429, headers={"Retry-After": "1"}), Answer(drop=True), Answer(wait=1.0, drop=True)]
        which = chance.randrange(3)
        if which == 0:
            self.mail.refuse(1, chance.choice(["451 later", "421 going away"]))
        else:
            (self.slack if which == 1 else self.json).script(chance.choice(web))


def run(
    folder: Path,
    *,
    entries: int,
    kills: int,
    faults: bool = False,
    gently: bool = False,
    seed: int = 1,
    patience: float = 180,
) -> Figures:
    """Publish `entries` stories while the daemon is killed `kills` times, and wait for the rest to arrive.

    faults: receivers fail in between. gently: end it with SIGTERM instead, which must leave no repeat.
    """
    chance = random.Random(seed)
    titles = [_headline(chance) for _ in range(entries)]
    inbox = Inbox()
    inbox.start()
    begun = time.monotonic()
    with servers.FeedServer() as feeds:
        feeds.put("/world.xml", servers.rss("World"))
        more = inbox.toml() + '[stories]\nupdate_every = "1s"\nsensitivity = 1.0\n'
        daemon = Daemon(folder, [feeds.url("/world.xml")], [], more)
        try:
            for kill in range(kills):
                daemon.start()
                _until_started(daemon, kill + 1)
                shown = titles[: entries * (kill + 1) // kills]
                items = [servers.item(title, guid=title, published=formatdate()) for title in shown[-200:]]
                feeds.put("/world.xml", servers.rss("World", *reversed(items)))
                if faults:
                    inbox.trouble(chance)
                time.sleep(chance.uniform(0.0, 3.0))
                if gently:
                    assert daemon.stop() == 0, daemon.text
                else:
                    daemon.kill()
            daemon.start()
            _wait(inbox, titles, patience)
            daemon.stop()
        finally:
            daemon.close()
            inbox.stop()
    return _count(inbox, titles, kills, folder / "monitor.db", time.monotonic() - begun)


def _until_started(daemon: Daemon, times: int) -> None:
    try:
        servers.until(lambda: daemon.text.count(" started ") >= times, 60)
    except AssertionError:
        raise AssertionError(f"it did not start:\n{daemon.text}") from None


def _wait(inbox: Inbox, titles: list[str], patience: float) -> None:
    """Wait until every channel has every headline, or patience ends."""
    end = time.monotonic() + patience
    while time.monotonic() < end and _lost(inbox, titles):
        time.sleep(0.5)


def _lost(inbox: Inbox, titles: list[str]) -> int:
    together = {name: "\n".join(text for _, text in got) for name, got in inbox.got().items()}
    return sum(title not in text for text in together.values() for title in titles)


def _count(inbox: Inbox, titles: list[str], kills: int, database: Path, seconds: float) -> Figures:
    repeats = changed = worst = 0
    for got in inbox.got().values():
        texts: dict[str, set[str]] = {}
        for key, text in got:
            texts.setdefault(key, set()).add(text)
        counts = Counter(key for key, _ in got)
        again = sum(count - 1 for count in counts.values())
        repeats, worst = repeats + again, max(worst, again)
        changed += sum(len(different) - 1 for different in texts.values())
    with sqlite3.connect(database) as connection:
        intact = str(connection.execute("PRAGMA integrity_check").fetchone()[0])
    per_kill = round(repeats / max(kills, 1) / 3, 3)
    return Figures(
        len(titles), kills, _lost(inbox, titles), repeats, changed, per_kill, worst, round(seconds, 1), intact
    )


def _headline(chance: random.Random) -> str:
    """Return a headline that matches the rule and is like no other."""

    def name() -> str:
        return "".join(chance.choices(_SYLLABLES, k=3)).capitalize()

    return f"{name()} warns {name()} of sanctions over {name().lower()} {name().lower()}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Kill the daemon again and again, and count what arrived.")
    parser.add_argument("--entries", type=int, default=500)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--faults", action="store_true")
    parser.add_argument("--gently", action="store_true", help="with SIGTERM instead of SIGKILL")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        figures = run(
            Path(temporary),
            entries=asked.entries,
            kills=asked.kills,
            faults=asked.faults,
            gently=asked.gently,
            seed=asked.seed,
        )
        print(asdict(figures))
