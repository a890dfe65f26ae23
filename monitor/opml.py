"""Feed lists of other readers: OPML in both directions. Pure. Source: http://opml.org/spec2.opml.

Folders and categories become tags, and the first tag becomes a folder again. Entities are not expanded: a list of
feeds has no use for declaring any, and a few nested ones can fill the memory.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

from monitor import errors, model

LARGEST = 20 * 2**20

_DEEPEST = 50
_LONGEST_NAME = 100
_UNPRINTABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff\ufffe\uffff]+"
)


@dataclass(frozen=True, slots=True)
class Outlines:
    """What a list holds. skipped: why lines were left out, one text each."""

    specs: tuple[model.FeedSpec, ...]
    skipped: tuple[str, ...] = ()


@dataclass(slots=True)
class _Reader:
    """Gathers feeds while the document goes by. folders: of the place in the document, outermost first."""

    folders: list[str | None] = field(default_factory=list)
    specs: dict[str, model.FeedSpec] = field(default_factory=dict)  # by URL
    names: set[str] = field(default_factory=set)
    numbers: dict[str, int] = field(default_factory=dict)  # the last one given, by the name that was wanted
    skipped: list[str] = field(default_factory=list)
    is_opml: bool = False

    def start(self, element: str, attributes: Mapping[str, str]) -> None:
        name = element.rpartition(":")[2].lower()
        if name == "opml":
            self.is_opml = True
        if name != "outline":
            return
        found = {key.lower(): value for key, value in attributes.items()}
        url = found.get("xmlurl", "").strip()
        if url:
            self._feed(url, found)
        self.folders.append(None if url else _tidy(found.get("text") or found.get("title") or "") or None)
        if len(self.folders) > _DEEPEST:
            raise errors.ConfigError(f"the OPML list nests folders more than {_DEEPEST} deep")

    def end(self, element: str) -> None:
        if element.rpartition(":")[2].lower() == "outline":
            self.folders.pop()

    def _feed(self, url: str, found: Mapping[str, str]) -> None:
        host = _host(url)
        if not host:
            self.skipped.append(f"{_tidy(url)}: not an http or https URL")
            return
        tags = (*(folder for folder in self.folders if folder), *_categories(found.get("category", "")))
        known = self.specs.get(url)
        if known is not None:
            self.skipped.append(f"{known.name}: stands in the list twice")
            self.specs[url] = _tagged(known, tags)
            return
        name = self._free_name(_tidy(found.get("text") or found.get("title") or "") or host)
        self.specs[url] = _tagged(model.FeedSpec(name, url), tags)

    def _free_name(self, wanted: str) -> str:
        """Return `wanted`, or with the first number that makes it different from those before."""
        number = self.numbers.get(wanted.casefold(), 0) + 1
        name = wanted if number == 1 else f"{wanted} {number}"
        while name.casefold() in self.names:
            number += 1
            name = f"{wanted} {number}"
        self.numbers[wanted.casefold()] = number
        self.names.add(name.casefold())
        return name


def read(text: bytes) -> tuple[model.FeedSpec, ...]:
    """Return the feeds of an OPML list in its order, each URL once. Raises ConfigError when it is none or broken."""
    return read_all(text).specs


def read_all(text: bytes) -> Outlines:
    """Return the feeds of an OPML list, and what was left out and why. Raises ConfigError when it is none or broken."""
    if len(text) > LARGEST:
        raise errors.ConfigError(f"the OPML list is larger than {LARGEST // 2**20} MiB: split it")
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.EntityDeclHandler = _refuse_entities
    try:
        parser.Parse(text.lstrip(), True)  # noqa: FBT003  expat takes no keywords
    except expat.ExpatError as error:
        message = f"the OPML list is broken at line {error.lineno}: {expat.ErrorString(error.code)}"
        raise errors.ConfigError(message) from None
    except (ValueError, LookupError):
        raise errors.ConfigError("the OPML list is in an encoding that is not known: save it as UTF-8") from None
    if not reader.is_opml:
        raise errors.ConfigError("this is XML, but no OPML list (it has no <opml> element)")
    return Outlines(tuple(reader.specs.values()), tuple(reader.skipped))


def write(specs: Sequence[model.FeedSpec]) -> str:
    """Return an OPML 2.0 list of `specs`, in folders by their first tag; all tags stand in the category."""
    folders: dict[str, list[model.FeedSpec]] = {}
    for spec in specs:
        folders.setdefault(spec.tags[0] if spec.tags else "", []).append(spec)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<opml version="2.0">',
        "  <head><title>monitor</title></head>",
        "  <body>",
    ]
    for folder, members in folders.items():
        indent = "    " if not folder else "      "
        lines += [f"    <outline text={_quoted(folder)}>"] if folder else []
        lines += [f"{indent}{_outline(spec)}" for spec in members]
        lines += ["    </outline>"] if folder else []
    return "\n".join([*lines, "  </body>", "</opml>", ""])


def _outline(spec: model.FeedSpec) -> str:
    category = f" category={_quoted(','.join(spec.tags))}" if spec.tags else ""
    name = _quoted(spec.name)
    return f'<outline type="rss" text={name} title={name} xmlUrl={_quoted(spec.url)}{category}/>'


def _quoted(value: str) -> str:
    return quoteattr(_UNPRINTABLE.sub("", value))


def _tagged(spec: model.FeedSpec, tags: Sequence[str]) -> model.FeedSpec:
    return model.FeedSpec(spec.name, spec.url, tags=tuple(dict.fromkeys((*spec.tags, *tags))))


def _categories(text: str) -> list[str]:
    """Return the tags in a category: separated by commas, each a path (`/world/asia`)."""
    tidied = (_tidy(part) for path in text.split(",") for part in path.split("/"))
    return [part for part in tidied if part]


def _tidy(text: str) -> str:
    return " ".join(_UNPRINTABLE.sub(" ", text).split())[:_LONGEST_NAME]


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return parts.hostname or "" if parts.scheme in ("http", "https") else ""


def _refuse_entities(*_: object) -> None:
    raise errors.ConfigError("the OPML list declares entities, which no list of feeds needs: refused")
