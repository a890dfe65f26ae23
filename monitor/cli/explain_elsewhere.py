"""`monitor explain` of what no feed carried: what is stored instead, and which feeds were down meanwhile. Shell."""

from typing import TYPE_CHECKING

from monitor.cli import output

if TYPE_CHECKING:
    from monitor import explain as explaining
    from monitor.store import entries

_MOST_DOWN = 10


def show_address(address: str, other: "explaining.Elsewhere | None", *, as_json: bool) -> None:
    """Say that no stored entry has an address. other: None where there is no store yet."""
    if as_json:
        output.print_json({"entry": None, "url": address.strip()} | row(other))
        return
    output.say(f"No feed carried {output.clean(address)}.")
    output.say('What the rules make of its headline: monitor explain "HEADLINE"')
    if other is not None:
        _show(other)


def show(other: "explaining.Elsewhere") -> None:
    """Say that no stored entry has a headline, and what there is instead."""
    output.say()
    output.say("No feed carried this headline.")
    _show(other)


def row(other: "explaining.Elsewhere | None") -> dict[str, object]:
    """Return it for scripts: nothing for an entry that is stored."""
    if other is None:
        return {}
    return {
        "nearest": [
            {"entry": record.entry.id, "title": record.entry.title, "url": record.entry.url, "became": _became(record)}
            for record in other.nearest
        ],
        "down": other.down,
    }


def _show(other: "explaining.Elsewhere") -> None:
    if other.nearest:
        output.say("Stored entries that are most like it:")
    for record in other.nearest:
        entry = record.entry
        output.say(f"  {entry.id}  {output.clean(entry.title)}")
        output.say(f"      {entry.outlet or entry.feed}, {output.when(entry.first_seen_at)} UTC: {_became(record)}")
    if other.down:
        output.say("Feeds that were down meanwhile, and may have carried it:")
    for outage in other.down[:_MOST_DOWN]:
        until = output.when(outage.ended_at) if outage.ended_at else "now"
        output.say(f"  {outage.feed}: {output.when(outage.began_at)} to {until}: {outage.error}")
    if len(other.down) > _MOST_DOWN:
        output.say(f"  and {len(other.down) - _MOST_DOWN} more outages: monitor entries search --since 48h")


def _became(record: "entries.Record") -> str:
    if record.kind is not None:
        return f"{record.kind} of S-{record.story_id}"
    return "matched no rule" if record.status == "processed" else record.status.value
