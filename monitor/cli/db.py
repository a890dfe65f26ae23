"""`monitor db`: the database. Shell."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from monitor import clock, errors
from monitor.cli import options, output, progress, session

if TYPE_CHECKING:
    from monitor.store import engine

app = typer.Typer(no_args_is_help=True, help="The database: copy, move, check.")

_STANDARD = "-"


@app.command("upgrade", epilog=options.examples("monitor db upgrade"))
def upgrade(
    config: options.Config = None,
    *,
    no_backup: Annotated[
        bool, typer.Option("--no-backup", help="Do not keep a SQLite database as it was before.")
    ] = False,
) -> None:
    """Make the tables, or bring them up to date.

    The daemon does it by itself at each start. A SQLite database that holds something is first copied beside itself,
    as monitor.db.backup-REVISION-TIME; the newest three copies stay. Of PostgreSQL no copy is made: use pg_dump.
    """
    with session.store(session.settings(config), backup=not no_backup) as store:
        output.say(f"{store.name}: the tables are up to date")


@app.command("backup", epilog=options.examples("monitor db backup", "monitor db backup /mnt/backup/monday.db"))
def backup(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", show_default=False, help="A new file; else one beside the database."),
    ] = None,
    config: options.Config = None,
) -> None:
    """Copy a SQLite database while the daemon runs.

    The copy is one moment of it, is checked, can be read by its owner alone, and replaces no file. To go back to it:
    stop the daemon, move monitor.db, monitor.db-wal and monitor.db-shm away, and copy the backup to monitor.db.
    """
    from monitor.store import backup as backups

    with session.store(session.settings(config)) as store:
        if store.path is None:
            msg = f"{store.name} is backed up by PostgreSQL's own pg_dump, or as text by `monitor db export FILE`"
            raise errors.ConfigError(msg)
        target = file or store.path.with_name(f"{store.path.stem}-{clock.now():%Y%m%dT%H%M%SZ}.db")
        with progress.bar("backup") as step:
            size = backups.copy(store.path, target, progress=step)
    output.say(f"{target}: {_size(size)}, checked")


@app.command(
    "export",
    epilog=options.examples(
        "monitor db export monitor.jsonl",
        "monitor db export | gzip > monitor.jsonl.gz",
        "monitor --config old.toml db export | monitor --config new.toml db import",
    ),
)
def export(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A new file; - writes to standard output.")] = _STANDARD,
    config: options.Config = None,
) -> None:
    """Write the whole database as text for another one, of either kind.

    One JSON value a line, one moment of the database; the daemon may run. The end holds a sum of all lines, by which
    `monitor db import` knows that everything came. It holds all that the database holds, so keep it as safe.
    """
    from monitor.store import portable

    if file == _STANDARD and sys.stdout.isatty():
        msg = "name a FILE, or send the output somewhere: monitor db export | gzip > monitor.jsonl.gz"
        raise errors.ConfigError(msg)
    with session.store(session.settings(config)) as store, _written(file) as out, progress.bar("export") as step:
        for line in portable.dump(store, clock.now(), step):
            out.write(line)
    if file != _STANDARD:
        output.say(f"{file}: {_size(Path(file).stat().st_size)}")


@app.command("import", epilog=options.examples("monitor db import monitor.jsonl", "zcat old.gz | monitor db import"))
def import_(
    file: Annotated[str, typer.Argument(metavar="FILE", help="An export; - reads standard input.")] = _STANDARD,
    config: options.Config = None,
) -> None:
    """Take in what `monitor db export` wrote, all of it or nothing.

    The database of the configuration must be empty; it may be of another kind than the one that was exported. What an
    older program exported is brought up to date on the way. Start the daemon afterwards.
    """
    from monitor.store import engine, portable

    if file == _STANDARD and sys.stdin.isatty():
        msg = "name a FILE, or send one here: zcat monitor.jsonl.gz | monitor db import"
        raise errors.ConfigError(msg)
    with session.store(session.settings(config)) as store, engine.hold_instance(store):
        with _opened(file) as lines, progress.bar("import") as step:
            contents = portable.load(store, lines, step)
        output.say(f"{store.name}: {output.count(contents.total, 'row')} of {contents.exported_at:%Y-%m-%d %H:%M} UTC")


@app.command("prune", epilog=options.examples("monitor db prune --dry-run", "monitor db prune --before 90d --vacuum"))
def prune(
    before: Annotated[
        str | None,
        typer.Option(metavar="TIME", show_default=False, help="Older than this, 90d or a date; else [keep] entries."),
    ] = None,
    config: options.Config = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, and change nothing.")] = False,
    vacuum: Annotated[
        bool, typer.Option("--vacuum", help="Give the room back to the disk; the daemon must not run.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Let go of old texts now, as the daemon does every hour.

    Entries lose their text and keep their key, so that they do not alert when they come again; old decisions, their
    alerts and what was sent of them go. What waits to be sent stays, however old.
    """
    from monitor.store import engine, upkeep

    settings, now = session.settings(config), clock.now()
    limit = now - settings.keep.entries if before is None else options.instant(before, now)
    with session.store(settings) as store, engine.hold_instance(store) if vacuum and not dry_run else nullcontext():
        with store.read() as tx:
            old = upkeep.count_old(tx, limit)
        freed = None if dry_run else _prune(store, limit, vacuum=vacuum)
    if as_json:
        output.print_json({"before": limit, "pruned": not dry_run, **old, "bytes_freed": freed})
        return
    one = {"entries": "entry", "decisions": "decision", "outages": "outage"}
    what = ", ".join(output.count(count, one[name], name) for name, count in old.items())
    output.say(f"{'would let go' if dry_run else 'let go'} of what is older than {limit:%Y-%m-%d}: {what}")
    if freed is not None and vacuum:
        output.say(f"given back to the disk: {_size(freed)}")


@app.command("check", epilog=options.examples("monitor db check"))
def check(config: options.Config = None, *, as_json: options.Json = False) -> None:
    """Look at every page and row for damage; the daemon may run.

    SQLite: its integrity_check, and whether every reference leads somewhere. Both kinds: whether every alert has its
    messages, and what cannot be true. Exit 3 if something is found; see docs/database.md for what to do then.
    """
    from monitor.store import soundness

    settings = session.settings(config)
    name, path = settings.store_url, session.database_file(settings)
    complaints = soundness.inspect_file(path) if path and path.is_file() else ()
    if not complaints:  # else it may be too damaged to be opened
        with session.store(settings) as store, store.snapshot() as tx:
            name, complaints = store.name, soundness.list_complaints(tx)
    output.show(
        [{"complaint": complaint} for complaint in complaints],
        [output.Column("complaint", str(path or name), wraps=True)],
        as_json=as_json,
        empty=f"{name}: all is well",
    )
    raise typer.Exit(3 if complaints else 0)


@app.command("info", epilog=options.examples("monitor db info", "monitor db info --json | jq .bytes"))
def info(config: options.Config = None, *, as_json: options.Json = False) -> None:
    """Show how large the database is, and what is in it."""
    from monitor.store import size

    with session.store(session.settings(config)) as store:
        name, found = store.name, size.measure(store)
    if as_json:
        output.print_json({"database": name, **{key: getattr(found, key) for key in found.__slots__}})
        return
    output.say(f"{name}: {_size(found.bytes)}, revision {found.revision}")
    if found.free_bytes:
        output.say(f"{_size(found.free_bytes)} of it are free: `monitor db prune --vacuum` gives them back")
    for backup_file in found.backups:
        output.say(f"kept before an upgrade: {backup_file}")
    rows = [{"table": table, "rows": count} for table, count in found.rows.items()]
    output.show(rows, [output.Column("table", "table"), output.Column("rows", "rows")], as_json=False)


def _prune(store: "engine.Store", before: datetime, *, vacuum: bool) -> int:
    """Let go of everything that is older, and return the bytes that the disk has back."""
    from monitor.store import size, upkeep

    had = size.bytes_of(store)
    left = None
    while True:
        with store.write() as tx:
            upkeep.prune(tx, before)
            after = upkeep.count_old(tx, before)
        if after == left or not any(after.values()):
            break
        left = after
    if vacuum:
        store.vacuum()
    return max(0, had - size.bytes_of(store))


@contextmanager
def _written(file: str) -> Iterator[IO[bytes]]:
    from monitor.store import backup as backups

    if file == _STANDARD:
        yield sys.stdout.buffer
        return
    with backups.new_file(Path(file)) as part, part.open("wb") as out:
        yield out


@contextmanager
def _opened(file: str) -> Iterator[IO[bytes]]:
    if file == _STANDARD:
        yield sys.stdin.buffer
        return
    with ExitStack() as stack:
        try:
            lines = stack.enter_context(Path(file).open("rb"))
        except OSError as error:
            msg = f"{file}: cannot be read: {error.strerror}"
            raise errors.ConfigError(msg) from error
        yield lines


def _size(number: int) -> str:
    for unit, name in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if number >= unit:
            return f"{number / unit:.1f} {name}"
    return f"{number} bytes"
