"""Read known stories from files: a title on the first line, then the text. Shell: knows nothing of the store.

Optional YAML front matter between two lines `---` says `date`, `url`, `source` and `tags`.
"""

import hashlib
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from monitor import errors, model

ENDINGS = (".txt", ".md")
BYTES_AT_MOST = 256 * 1024
_KEYS = ("date", "source", "tags", "url")
_TITLE_CHARS = 500
_FENCE = "---"


def read_folder(path: str | Path) -> tuple[model.Seed, ...]:
    """Return the known stories in the folder `path`, by name; hidden files, README.md and other endings are left out.

    Raises ConfigError with one line for each file that is empty, binary, too large, malformed or there twice.
    """
    folder = Path(path)
    try:
        files = sorted(file for file in folder.iterdir() if _is_seed(file))
    except OSError as error:
        raise errors.ConfigError(f"{folder}: cannot read the folder of known stories ({error.strerror})") from error
    seeds: list[model.Seed] = []
    complaints = []
    by_text: dict[str, str] = {}
    for file in files:
        try:
            seed = read_file(file)
        except errors.ConfigError as error:
            complaints.append(str(error))
            continue
        twin = by_text.setdefault(_text_of(seed), seed.name)
        if twin != seed.name:
            complaints.append(f"{file}: tells the same text as {twin}; take one of the two out")
        else:
            seeds.append(seed)
    if complaints:
        raise errors.ConfigError("\n".join(complaints))
    return tuple(seeds)


def read_file(path: str | Path) -> model.Seed:
    """Return the known story in the file `path`; `published_at` is None without a date in its front matter.

    Raises ConfigError in one line.
    """
    file = Path(path)
    if file.suffix.lower() not in ENDINGS:
        raise errors.ConfigError(f"{file}: a known story is a .txt or .md file")
    return parse(_read(file), name=file.name, where=str(file))


def parse(content: bytes, *, name: str, where: str) -> model.Seed:
    """Return the known story that `content` tells.

    where: named in complaints. Raises ConfigError in one line.
    """
    text = _decoded(content, where)
    front, body = _parted(text, where)
    lines = body.strip().splitlines()
    title = lines[0].strip() if lines else ""
    if name.lower().endswith(".md"):
        title = title.lstrip("#").strip().strip("*_").strip()
    if not title:
        raise errors.ConfigError(f"{where}: empty; write the story's title on the first line and its text below")
    if len(title) > _TITLE_CHARS:
        raise errors.ConfigError(
            f"{where}: the first line has {len(title)} characters; write a title of at most {_TITLE_CHARS} there"
        )
    return model.Seed(
        name=name,
        title=title,
        text="\n".join(lines[1:]).strip(),
        fingerprint=hashlib.sha256(content).hexdigest(),
        published_at=_date(front.get("date"), where),
        url=_line(front, "url", where),
        source=_line(front, "source", where),
        tags=_tags(front.get("tags"), where),
    )


def _is_seed(file: Path) -> bool:
    return (
        file.suffix.lower() in ENDINGS
        and not file.name.startswith(".")
        and file.name.lower() != "readme.md"
        and file.is_file()
    )


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            content = opened.read(BYTES_AT_MOST + 1)
    except OSError as error:
        raise errors.ConfigError(f"{file}: cannot be read ({error.strerror})") from error
    if len(content) > BYTES_AT_MOST:
        limit = BYTES_AT_MOST // 1024
        raise errors.ConfigError(
            f"{file}: larger than {limit} KiB; a known story is one report: keep its title and lead"
        )
    return content


def _decoded(content: bytes, where: str) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise errors.ConfigError(f"{where}: not text in UTF-8 (byte {error.start}); save it as UTF-8") from error
    controls = [mark for mark in text if unicodedata.category(mark) == "Cc" and mark not in "\t\n\r\f"]
    if controls:
        raise errors.ConfigError(f"{where}: not text but binary (it holds the character U+{ord(controls[0]):04X})")
    return text


def _parted(text: str, where: str) -> tuple[Mapping[str, Any], str]:
    lines = text.lstrip().splitlines()
    if not lines or lines[0].rstrip() != _FENCE:
        return {}, text
    ends = [n for n, line in enumerate(lines[1:], start=1) if line.rstrip() == _FENCE]
    if not ends:
        raise errors.ConfigError(f"{where}: the front matter has no end; close it with a line `---`")
    try:
        # every scalar stays the text that was typed; `date` is read below
        front = yaml.load("\n".join(lines[1 : ends[0]]), Loader=yaml.BaseLoader)  # noqa: S506  builds text only
    except yaml.YAMLError as error:
        said = " ".join(str(getattr(error, "problem", None) or error).split())
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 2}" if mark is not None else ""
        raise errors.ConfigError(f"{where}{line}: the front matter is no YAML ({said})") from error
    front = front or {}
    if not isinstance(front, Mapping):
        raise errors.ConfigError(
            f"{where}: the front matter must be `key: value` lines, with the keys {', '.join(_KEYS)}"
        )
    unknown = [str(key) for key in front if key not in _KEYS]
    if unknown:
        raise errors.ConfigError(
            f"{where}: unknown key '{unknown[0]}' in the front matter; it takes {', '.join(_KEYS)}"
        )
    return front, "\n".join(lines[ends[0] + 1 :])


def _date(value: object, where: str) -> datetime | None:
    if not value:
        return None
    try:
        found = datetime.fromisoformat(str(value).strip())
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise errors.ConfigError(f"{where}: `date` is no date; write 2023-09-14 or 2023-09-14T08:00Z")


def _line(front: Mapping[str, Any], key: str, where: str) -> str:
    value = front.get(key)
    if value is None:
        return ""
    if not isinstance(value, str) or "\n" in value:
        raise errors.ConfigError(f"{where}: `{key}` must be one line of text")
    return value.strip()


def _tags(value: object, where: str) -> tuple[str, ...]:
    if not value:
        return ()
    if isinstance(value, str):
        return tuple(tag for tag in value.replace(",", " ").split() if tag)
    if isinstance(value, list) and all(isinstance(tag, str) for tag in value):
        return tuple(value)
    raise errors.ConfigError(f"{where}: `tags` must be words or a list of words")


def _text_of(seed: model.Seed) -> str:
    return " ".join(f"{seed.title} {seed.text}".casefold().split())
