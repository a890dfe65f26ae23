"""YAML text to a tree that knows where each part stands, and keeps every scalar as it was typed. Pure.

`NO`, `on`, `1.0` and `yes` stay text (Norway is a state). Limits hold before anything is built: size, depth, and the
number of nodes after aliases are followed, so that neither a huge file nor an alias bomb costs more than one line.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.error import MarkedYAMLError, YAMLError
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from monitor.rules.nodes import Complaint, Fix, Place

LARGEST = 1 << 20  # characters of a file
DEEPEST = 40
LONGEST = 1000  # characters of a line in which a mend is sought
_LONE = re.compile("[\ud800-\udfff]")  # half a character, which no file can hold: "\\ud800"
MOST = 100_000  # nodes of a file, aliases followed
_FAST = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml: ten times as fast


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value as typed. style: empty for plain, else the quote, `|` or `>`."""

    place: Place
    text: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list. flow: written with brackets."""

    place: Place
    items: tuple["Tree", ...]
    flow: bool = False


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys and values, in the order of the file."""

    place: Place
    items: tuple[tuple[Scalar, "Tree"], ...]
    flow: bool = False

    def get(self, key: str) -> "Tree | None":
        """Return the value of `key`, or None."""
        return next((value for name, value in self.items if name.text == key), None)

    def keys(self) -> tuple[str, ...]:
        """Return the keys in order."""
        return tuple(name.text for name, _ in self.items)


Tree = Scalar | Sequence | Mapping


class SourceError(Exception):
    """A file that is no YAML that we take; carries the complaint."""

    def __init__(self, complaint: Complaint) -> None:
        super().__init__(str(complaint))
        self.complaint = complaint


def read(name: str, text: str) -> Tree | None:
    """Return the tree of a file's text, None when it is empty; raise SourceError.

    name: what complaints call the file.
    """
    if len(text) > LARGEST:
        size = f"{len(text) / (1 << 20):.1f} MiB"
        raise _error(
            Place(name, 1, 1), "file-too-large", f"{size} of rules in one file; at most 1 MiB is read", "split it"
        )
    try:
        return _tree(name, text, _FAST)
    except YAMLError:
        pass  # Python's parser says it in better words
    try:
        return _tree(name, text, yaml.SafeLoader)
    except MarkedYAMLError as error:
        raise _yaml_error(name, text, error) from error
    except (YAMLError, ValueError, RecursionError) as error:
        raise _error(Place(name, 1, 1), "yaml", f"not YAML: {' '.join(str(error).split())[:200]}", "") from error


def plain(tree: Tree) -> Any:  # noqa: ANN401 - what the YAML holds: text, lists and mappings, nested
    """Return `tree` as text, lists and dicts."""
    match tree:
        case Scalar():
            return tree.text
        case Sequence():
            return [plain(item) for item in tree.items]
        case Mapping():
            return {key.text: plain(value) for key, value in tree.items}


def lines_of(block: Scalar, *, comments: bool = True) -> Iterator[Scalar]:
    """Yield the non-empty lines of a block as scalars of their own. comments: leave out what follows a `#`."""
    first = block.place.line + (1 if block.style in {"|", ">"} else 0)
    for number, line in enumerate(block.text.splitlines()):
        kept = re.split(r"(?:^|\s)#", line, maxsplit=1)[0].strip() if comments else line.strip()
        if kept:
            yield Scalar(Place(block.place.file, first + number, 1), kept, block.style)


# --- building ---------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Open:
    place: Place
    is_mapping: bool
    flow: bool
    anchor: str | None
    items: list[Any]
    key: Scalar | None = None
    size: int = 1


def _tree(name: str, text: str, loader: Any) -> Tree | None:  # noqa: ANN401 - yaml's loaders are untyped
    reader = _Reader(name, text.splitlines())
    for event in yaml.parse(text.removeprefix("\ufeff"), Loader=loader):
        reader.take(event)
    return reader.root


class _Reader:
    """Builds the tree from YAML events without recursion."""

    def __init__(self, name: str, lines: list[str]) -> None:
        self.name = name
        self.lines = lines
        self.root: Tree | None = None
        self.stack: list[_Open] = []
        self.anchors: dict[str, tuple[Tree, int]] = {}
        self.documents = 0

    def take(self, event: object) -> None:
        """Take the next event of the document."""
        tag = getattr(event, "tag", None)
        if tag is not None and str(tag) != "!":
            raise _error(
                self._place(event), "yaml", f"the tag `{tag}`: tags are not taken", "leave it out, or quote the text"
            )
        match event:
            case DocumentStartEvent():
                self.documents += 1
                if self.documents > 1:
                    raise _error(
                        self._place(event), "yaml", "a second document (`---`) in one file", "one file for each"
                    )
            case MappingStartEvent() | SequenceStartEvent():
                self._open(event)
            case MappingEndEvent() | SequenceEndEvent():
                self._close()
            case ScalarEvent():
                place = self._place(event)
                style = "" if event.style is None else str(event.style)
                text = _LONE.sub("\ufffd", str(event.value))
                self._add(Scalar(place, text, style), 1, event.anchor)
            case AliasEvent():
                self._alias(event)
            case _:
                pass

    def _place(self, event: Any) -> Place:  # noqa: ANN401 - yaml's events are untyped
        return Place(self.name, event.start_mark.line + 1, event.start_mark.column + 1)

    def _open(self, event: MappingStartEvent | SequenceStartEvent) -> None:
        place = self._place(event)
        if len(self.stack) >= DEEPEST:
            raise _error(place, "too-deep", f"nested more than {DEEPEST} levels deep", "name the inner parts as rules")
        is_mapping = isinstance(event, MappingStartEvent)
        self.stack.append(_Open(place, is_mapping, bool(event.flow_style), event.anchor, []))

    def _close(self) -> None:
        done = self.stack.pop()
        tree: Tree
        if done.is_mapping:
            tree = Mapping(done.place, tuple(done.items), done.flow)
        else:
            tree = Sequence(done.place, tuple(done.items), done.flow)
        self._add(tree, done.size, done.anchor)

    def _alias(self, event: AliasEvent) -> None:
        if event.anchor not in self.anchors:
            raise _error(self._place(event), "yaml", f"*{event.anchor} names no &{event.anchor} before it", _STAR)
        tree, size = self.anchors[event.anchor]
        self._add(tree, size, None)

    def _add(self, tree: Tree, size: int, anchor: str | None) -> None:
        if anchor:
            self.anchors[anchor] = (tree, size)
        if not self.stack:
            self.root = tree
            return
        top = self.stack[-1]
        top.size += size
        if top.size > MOST:
            raise _error(
                tree.place, "too-many-nodes", f"more than {MOST} values, aliases counted", "use `lists:` instead"
            )
        if not top.is_mapping:
            top.items.append(tree)
        elif top.key is None:
            top.key = self._key(tree, top)
        else:
            top.items.append((top.key, tree))
            top.key = None

    def _key(self, tree: Tree, top: _Open) -> Scalar:
        if not isinstance(tree, Scalar):
            raise _error(tree.place, "yaml", "a key must be a single word", "quote text that holds [ ] { } or a colon")
        if any(key.text == tree.text for key, _ in top.items):
            raise _error(tree.place, "duplicate-key", f"`{tree.text}` stands twice in one mapping", "keep one of them")
        return tree


def _error(place: Place, lint: str, message: str, mend: str, fix: Fix | None = None) -> SourceError:
    return SourceError(Complaint(place, lint, message, mend, fix=fix))


def _yaml_error(name: str, text: str, error: MarkedYAMLError) -> SourceError:
    """Say the parser's complaint in one line, with the mend of the commonest slips."""
    unclosed = _unclosed(error)
    mark = error.context_mark if unclosed else error.problem_mark or error.context_mark
    place = Place(name, mark.line + 1, mark.column + 1) if mark else Place(name, 1, 1)
    line = text.splitlines()[place.line - 1] if 0 < place.line <= len(text.splitlines()) else ""
    bare = next((found for found in _REGEX.finditer(line[:LONGEST]) if _BRACKETS.search(found["regex"])), None)
    if bare is not None:
        quoted = "'" + bare["regex"].replace("'", "''") + "'"
        place = Place(name, place.line, bare.start("regex") + 1)
        said = f"`{bare['regex']}` must be quoted, because YAML reads its brackets"
        return _error(place, "bare-regex", said, f"write {quoted}", Fix(place.line, bare["regex"], quoted))
    problem = unclosed or " ".join(str(error.problem or error).split())
    return _error(place, "yaml", f"not YAML: {problem}", _mend(line, problem))


def _unclosed(error: MarkedYAMLError) -> str:
    """Say what is opened and never closed, empty when it is something else; the parser complains at the file's end."""
    at_end = "end of stream" in str(error.problem) or "stream end" in str(error.problem)
    if error.context_mark is None or not at_end:
        return ""
    return f"a {'quotation mark' if 'quoted' in str(error.context) else 'bracket'} is opened here and never closed"


# a regular expression in no quotes: behind a bracket, comma, colon or dash, up to a slash before the same or the end
_REGEX = re.compile(r"(?:[\[{,:-]\s*|^\s*)(?P<regex>/(?:\\.|\[(?:\\.|[^]\\])+\]|[^[/\\])+/)(?=\s*(?:[\]},#]|$))")
_BRACKETS = re.compile(r"[\[\]{}]")


_STAR = "a `*` stands at the end of a word, `oil*`; quote text that begins with one"


def _mend(line: str, problem: str) -> str:
    if "bracket is opened" in problem:
        return "quote text that holds ` #`: from there on it is a comment" if " #" in line else "close it"
    if "expected <block end>" in problem:
        return "begin this line below the first letter of the line that it belongs to"
    if "\t" in line[: len(line) - len(line.lstrip())] or "'\\t'" in problem:
        return "indent with spaces, not tabs"
    if "/" in line and ("[" in line or "{" in line):
        return "quote a regular expression that holds brackets: '/.../'"
    if "mapping values are not allowed" in problem:
        return "quote text that holds a colon, or give it a `|` block"
    if line.lstrip().startswith(("*", "- *")) or "alias" in problem:
        return _STAR
    if "'%'" in problem or "'@'" in problem or "'`'" in problem:
        return "quote text that begins with %, @ or `"
    return ""
