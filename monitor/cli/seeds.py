"""`monitor seeds`: the stories that the desk knows already, and never hears of. Shell."""

import asyncio
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor import clock, errors, model
from monitor.cli import options, output, session
from monitor.cli.config import mask_url

if TYPE_CHECKING:
    from monitor import config as configuration

app = typer.Typer(no_args_is_help=True, help="Known stories: what retells them is never alerted.")

_MOST_NAME = 60


@app.command("list", epilog=options.examples("monitor seeds list", "monitor seeds list --json"))
def list_(config: options.Config = None, *, as_json: options.Json = False) -> None:
    """List the known stories.

    These are the files of the seeds folders, each with the story that it tells.
    """
    from monitor.store import stories

    settings = session.settings(config)
    files = read_all(settings.seed_paths)
    with session.look(settings) as tx:
        stored = {seed.name: (seed, story_id) for seed, story_id in stories.list_seeds(tx)}
    rows = []
    for seed in files:
        known, story_id = stored.get(seed.name, (seed, None))
        rows.append(
            {
                "name": seed.name,
                "title": seed.title,
                "published_at": seed.published_at or known.published_at,
                "story": story_id,
                "source": seed.source,
                "url": seed.url,
                "tags": list(seed.tags),
            }
        )
    columns = (
        output.Column("name", "FILE", style="bold"),
        output.Column("published_at", "DATE (UTC)"),
        output.Column("story", "STORY", lambda story_id: "not loaded yet" if story_id is None else str(story_id)),
        output.Column("title", "TITLE", wraps=True),
    )
    folders = ", ".join(str(path) for path in settings.seed_paths)
    output.show(rows, columns, as_json=as_json, empty=f"no known stories in {folders}")


@app.command(
    "add",
    epilog=options.examples(
        "monitor seeds add article.txt",
        "monitor seeds add https://wire.example/putin-to-visit-pyongyang",
        'monitor seeds add --title "Putin to visit Pyongyang" --date 2026-11-20 --text "Lead of the story."',
    ),
)
def add(
    file: Annotated[
        str | None,
        typer.Argument(metavar="FILE|URL", show_default=False, help="A text, title on its first line; or a page."),
    ] = None,
    title: Annotated[str | None, typer.Option(metavar="TEXT", help="Instead of a file.", show_default=False)] = None,
    text: Annotated[str, typer.Option(metavar="TEXT", help="With --title: the lead.", show_default=False)] = "",
    date: Annotated[
        str | None, typer.Option(metavar="TEXT", help="With --title: when it was told.", show_default=False)
    ] = None,
    config: options.Config = None,
) -> None:
    """Put a known story into the seeds folder.

    Of a page, its headline, lead, outlet and date are kept; it is asked for once, as a feed is. A running daemon takes
    the story up by itself.
    """
    from monitor import seeds as reading

    if (file is None) == (title is None):
        msg = "give either a FILE or URL, or a --title (with --text)"
        raise errors.ConfigError(msg)
    settings = session.settings(config)
    if file is not None and file.startswith(("http://", "https://")):
        name, body = _from_page(file, settings)
    elif file is not None:
        reading.read_file(Path(file))
        name, body = Path(file).name, Path(file).read_bytes()
    else:
        front = {"date": f"{options.instant(date, clock.now()):%Y-%m-%d}"} if date else {}
        name, body = _written(str(title), text, front)
    place = settings.seed_paths[0] / name if settings.seed_paths else settings.folder / "seeds" / name
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("xb") as out:
            out.write(body)
    except FileExistsError as error:
        msg = f"{place}: is there already; rename the file, or edit that one"
        raise errors.ConfigError(msg) from error
    except OSError as error:
        msg = f"{place}: cannot be written: {error.strerror}"
        raise errors.ConfigError(msg) from error
    try:
        seed = reading.read_file(place)
        reading.read_folder(place.parent)
    except errors.ConfigError as error:
        if str(place) in str(error):  # not a complaint about a file that was there
            place.unlink()
            raise
    output.say(f"wrote {place}: what retells {seed.title!r} is not alerted from now on")


def _from_page(url: str, settings: "configuration.Settings") -> tuple[str, bytes]:
    """Return name and text of the file for a page. Raises FeedError when it cannot be had."""
    from monitor.cli import feeds_try
    from monitor.parse import headline

    page = asyncio.run(feeds_try.fetch(feeds_try.spec_of(url, settings), settings, clock.now()))
    found = headline.read(page.body)
    date = f"{found.published_at:%Y-%m-%dT%H:%MZ}" if found.published_at else ""
    front = {"date": date, "url": mask_url(page.url), "source": found.outlet}
    return _written(found.title, found.lead, {key: value for key, value in front.items() if value})


def _written(title: str, text: str, front: Mapping[str, str]) -> tuple[str, bytes]:
    """Return name and text of a file with this front matter, whose values are quoted as YAML takes JSON."""
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in front.items()]
    head = "\n".join(["---", *lines, "---", ""]) if lines else ""
    name = re.sub(r"[^\w]+", "-", title.lower()).strip("-")[:_MOST_NAME].strip("-") + ".md"
    return name, f"{head}{title}\n\n{text}\n".encode()


def read_all(folders: tuple[Path, ...]) -> tuple[model.Seed, ...]:
    """Return the known stories of all folders that are there. Raises ConfigError."""
    from monitor import seeds as reading

    return tuple(seed for folder in folders if folder.is_dir() for seed in reading.read_folder(folder))
