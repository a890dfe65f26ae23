"""`monitor check --stats`: what each rule matched in 30 days, from the store. Shell."""

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING

from monitor import clock
from monitor.cli import output, session

if TYPE_CHECKING:
    from monitor import config as configuration

_DAYS = 30
_HEADLINES = 5
_MOST = 1_000_000


def show(settings: "configuration.Settings", *, as_json: bool) -> None:
    """Print one line for each rule in force: matches, a day's average, what became of them, the newest headlines."""
    from monitor import rules
    from monitor.store import stories

    since = clock.now() - timedelta(days=_DAYS)
    with session.look(settings) as tx:
        records = stories.list_decisions(tx, since=since, limit=_MOST)
    titles: dict[str, list[str]] = defaultdict(list)
    kinds: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for record in records:
        for matched in record.matches:
            titles[matched.rule.id].append(record.entry.title)
            kinds[matched.rule.id][record.assignment.kind.value] += 1
    for rule in rules.load(settings.rules.paths, base=settings.folder).rules:
        found = titles[rule.id]
        row = {
            "rule": rule.id,
            "days": _DAYS,
            "matches": len(found),
            "a_day": round(len(found) / _DAYS, 2),
            "decisions": dict(kinds[rule.id]),
            "headlines": found[:_HEADLINES],
        }
        if as_json:
            output.print_json(row)
            continue
        became = ", ".join(f"{count} {kind}" for kind, count in kinds[rule.id].items())
        output.say(
            f"{rule.id}: {len(found)} in {_DAYS} days, {row['a_day']} a day" + (f" ({became})" if became else "")
        )
        for title in found[:_HEADLINES]:
            output.say(f"    {title}")
