"""`monitor replay`: what would rules and dedupe make of these entries? Shell."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, TypeVar

import typer

from monitor import clock, errors, model
from monitor.cli import options, output, replay_alert, seeds, session

if TYPE_CHECKING:
    from monitor import config as configuration
    from monitor import replay as replaying

EXAMPLES = options.examples(
    "monitor replay entries.jsonl",
    "monitor replay --since 30d --rules ./rules-new",
    "monitor replay --since 30d --diff builtin --diff ./rules-new",
    "monitor replay --since 7d --alert",
    "zcat entries.jsonl.gz | monitor replay - --every-entry",
)
_MOST_ENTRIES = 1_000_000
_T = TypeVar("_T")
_STEP = 20  # lines or entries between two steps of the progress bar


def command(
    file: Annotated[
        str | None,
        typer.Argument(metavar="FILE.jsonl", show_default=False, help="One entry a line; - reads standard input."),
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", show_default=False, help="Stored entries instead: 30d or a date.")
    ] = None,
    rules: Annotated[
        list[str] | None, typer.Option(metavar="DIR", help="These rules instead of the configuration's; repeatable.")
    ] = None,
    diff: Annotated[
        list[str] | None,
        typer.Option(metavar="DIR", help="Print only what these rules alert otherwise; repeatable."),
    ] = None,
    config: options.Config = None,
    *,
    every_entry: Annotated[bool, typer.Option("--every-entry", help="Deduplicate what matched no rule, too.")] = False,
    alert: Annotated[
        bool, typer.Option("--alert", help="Really alert what the stored past holds for the rules of today.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="With --alert: do not ask.")] = False,
    as_json: options.Json = False,
) -> None:
    """Try rules and dedupe on entries; --alert sends.

    A line of the file is an object with "title" and, if you have them, "id", "summary", "published_at" (a date with or
    without a time), "source" and "url". For every line, in order, one JSON line comes out: "id", "rules", "decision"
    (new, duplicate, update or unmatched), "story", "score" and "because". It starts from the known stories alone; its
    clock is published_at. Without a configuration, the shipped rules and known stories are used.

    The rules of --rules and --diff take the place of all others, the shipped ones too, which "builtin" names; where
    yours need these (a list, an override), they come along by themselves.

    --alert is for new rules, which never alert on the past by themselves: what was stored since then, matched no rule
    when it came in and matches one now is shown, and after a yes alerted, as one digest for each channel. What was
    decided once is never alerted again.
    """
    from monitor import replay

    if (file is None) == (since is None):
        msg = "name a FILE.jsonl (or -), or say --since 30d for stored entries"
        raise errors.ConfigError(msg)
    if alert:
        if since is None or rules or diff or every_entry:
            msg = "--alert goes with --since alone: it takes stored entries and the configuration's rules"
            raise errors.ConfigError(msg)
        now = clock.now()
        replay_alert.run(session.settings(config), options.instant(since, now), now, yes=yes, as_json=as_json)
        return
    settings = session.settings_or_shipped(config)
    before = _begin(settings, rules, every_entry=every_entry)
    with _items(file, since, settings) as items:
        if diff:
            after = _begin(settings, diff, every_entry=every_entry)
            _print_differences(replay.differences(before, after, items), as_json=as_json)
        else:
            _print_outcomes(before, items, as_json=as_json or file is not None)


def _begin(settings: "configuration.Settings", paths: list[str] | None, *, every_entry: bool) -> "replaying.Replay":
    from monitor import encoders, replay
    from monitor import rules as ruling

    ruleset = ruling.load(
        session.rule_paths(paths) if paths else settings.rules.paths, base=Path() if paths else settings.folder
    )
    return replay.Replay(
        ruleset,
        seeds.read_all(settings.seed_paths),
        window=settings.stories.window,
        sensitivity=settings.stories.sensitivity,
        every_entry=every_entry,
        encoder=encoders.find(settings.stories.encoder, settings.folder),
    )


def _print_outcomes(begun: "replaying.Replay", items: "Iterable[replaying.Item]", *, as_json: bool) -> None:
    for item in items:
        outcome = begun.decide(item)
        if as_json:
            output.print_json(outcome.row())
        elif outcome.decision != "unmatched":
            story = f"S{outcome.story}"
            output.say(f"{output.when(item.at)}  {outcome.decision:<9}  {story:<6} {', '.join(outcome.rules)}")
            output.say(f"    {item.entry.title}")
            output.say(f"    {outcome.because}")
        sys.stdout.flush()


def _print_differences(
    found: "Iterable[tuple[replaying.Item, replaying.Outcome, replaying.Outcome]]", *, as_json: bool
) -> None:
    count, by_rule = 0, dict[str, dict[str, int]]()
    for item, old, new in found:
        count += 1
        for rule in new.rules if new.alerts else old.rules:
            by_rule.setdefault(rule, {"+": 0, "-": 0})["+" if new.alerts else "-"] += 1
        if as_json:
            output.print_json({"id": item.key, "title": item.entry.title, "before": old.row(), "after": new.row()})
        else:
            sign, rules = ("+", new.rules) if new.alerts else ("-", old.rules)
            why = new.because if new.alerts else f"now {new.decision}{f': {new.because}' if new.because else ''}"
            output.say(f"{sign} {output.clean(item.key)}  {item.entry.title}")
            output.say(f"    {', '.join(rules)}; {why}")
        sys.stdout.flush()
    if as_json:
        return
    for rule, signs in sorted(by_rule.items()):
        output.say(f"{rule}: +{signs['+']} -{signs['-']}")
    differ = output.count(count, "alert differs", "alerts differ")
    output.say(f"{differ} (+ only the new rules alert it, - only the old ones do)")


@contextmanager
def _items(
    file: str | None, since: str | None, settings: "configuration.Settings"
) -> "Iterator[Iterator[replaying.Item]]":
    """Open the entries, with a progress bar where somebody watches and the output goes elsewhere."""
    from monitor import replay

    if file is None:
        stored = _stored(str(since), settings)
        with _watched(stored, len(stored), lambda _: 1) as counted:
            yield replay.from_entries(counted)
        return
    with _opened(file) as lines:
        total = None if file == "-" else Path(file).stat().st_size
        with _watched(replay.bounded(lines), total, len) as read:
            yield replay.read_lines(read, "standard input" if file == "-" else file)


@contextmanager
def _opened(file: str) -> Iterator[IO[bytes]]:
    if file == "-":
        yield sys.stdin.buffer
        return
    try:
        lines = Path(file).open("rb")  # noqa: SIM115  closed below
        lines.peek(1)  # a folder complains here
    except OSError as error:
        msg = f"{file}: cannot be read: {error.strerror}"
        raise errors.ConfigError(msg) from error
    with lines:
        yield lines


@contextmanager
def _watched(things: Iterable[_T], total: int | None, size: Callable[[_T], int]) -> Iterator[Iterable[_T]]:
    """Show how far it is, where somebody watches and the output goes elsewhere. total: of all sizes, if known."""
    if not sys.stderr.isatty() or sys.stdout.isatty():
        yield things
        return
    from rich.progress import Progress

    shown = output.console(stderr=True)
    # rich would send standard output to the bar's console
    with Progress(console=shown, transient=True, redirect_stdout=False, redirect_stderr=False) as progress:
        task = progress.add_task("replay", total=total)

        def counted() -> Iterator[_T]:
            done = 0
            for number, thing in enumerate(things):
                done += size(thing)
                if number % _STEP == 0:
                    progress.update(task, completed=done)
                yield thing

        yield counted()


def _stored(since: str, settings: "configuration.Settings") -> list[model.Entry]:
    """Return the stored entries since then, in the order in which they came."""
    from monitor.store import entries

    start = options.instant(since, clock.now())
    with session.look(settings) as tx:
        found = entries.search(tx, "", since=start, limit=_MOST_ENTRIES)
    return [record.entry for record in reversed(found)]
