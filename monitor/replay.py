"""Entries from a file or the store through match and dedupe, sending nothing. Shell: it composes, as `pipeline` does.

It starts from the known stories alone, never from what the store decided, and its clock is the entries' own: what an
entry was published at, else what the one before it was. Age, silences, limits and the gathering of updates do not
apply: this answers "what would these rules and this dedupe make of these entries?".
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import IO, Any

from monitor import dedupe, errors, match, model, rules

UNMATCHED = "unmatched"
_UNDATED = datetime(1970, 1, 1, tzinfo=UTC)  # stands where an entry must have an instant and has none
_MOST_LINE = 1024 * 1024
_MOST_TEXT = 100_000  # characters of a title or summary; more is no headline
_TEXTS = ("title", "summary", "source", "url", "language")


@dataclass(frozen=True, slots=True)
class Item:
    """One entry to replay. key: its id as given, else the number of its line. at: the clock, None before any date."""

    key: object
    entry: model.Entry
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one entry; the keys of `replay`'s output in their order, None where nothing was decided.

    heard: whether any of its rules may be sent at all: not when all are experimental.
    """

    id: object
    rules: tuple[str, ...]
    decision: str
    story: int | None = None
    score: float | None = None
    because: str | None = None
    heard: bool = False

    def row(self) -> dict[str, object]:
        """Return it as the JSON object that is printed."""
        return {
            "id": self.id,
            "rules": list(self.rules),
            "decision": self.decision,
            "story": self.story,
            "score": self.score,
            "because": self.because,
        }

    @property
    def alerts(self) -> bool:
        """Whether somebody would hear of it."""
        return self.heard and self.decision in {model.Kind.NEW, model.Kind.UPDATE}


class Replay:
    """The stories so far; each entry in turn is matched, assigned and remembered."""

    def __init__(
        self,
        ruleset: rules.RuleSet,
        seeds: Sequence[model.Seed] = (),
        *,
        window: timedelta = timedelta(days=7),
        sensitivity: float = 0.5,
        every_entry: bool = False,
        encoder: dedupe.Encodes | None = None,
    ) -> None:
        """Begin with the known stories.

        every_entry: what matched no rule is deduplicated, too. encoder: None compares words alone.
        """
        self._rules = ruleset
        self._every_entry = every_entry
        self._encoder = encoder
        self._index = dedupe.Index(window=window, sensitivity=sensitivity)
        self._last_story = 0
        for seed in seeds:
            known = dedupe.seed_profile(seed, match.of_seed(seed, ruleset), encoder=encoder)
            self._assign(known, seed.published_at, seed=True)

    def decide(self, item: Item) -> Outcome:
        """Return what becomes of the next entry."""
        matches = match.match(item.entry, self._rules, now=item.at or _UNDATED)
        ids = tuple(found.rule.id for found in matches)
        if not matches and not self._every_entry:
            return Outcome(item.key, ids, UNMATCHED)
        profile = dedupe.profile(item.entry, matches, encoder=self._encoder)
        assignment, story_id = self._assign(profile, item.at)
        heard = any(found.rule.status is not model.RuleStatus.EXPERIMENTAL for found in matches)
        score = round(assignment.score, 4)
        return Outcome(item.key, ids, assignment.kind.value, story_id, score, assignment.because, heard)

    def _assign(
        self, profile: dedupe.Profile, at: datetime | None, *, seed: bool = False
    ) -> tuple[model.Assignment, int]:
        assignment = self._index.assign(profile, at)
        story_id = assignment.story_id
        if story_id is None:
            self._last_story += 1
            story_id = self._last_story
        self._index.add(story_id, profile, seed=seed)
        return assignment, story_id


def bounded(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield the lines of a stream, none longer than can be complained of: /dev/zero is one endless line."""
    while line := stream.readline(_MOST_LINE + 1):
        yield line


def read_lines(lines: Iterable[bytes], name: str) -> Iterator[Item]:
    """Yield the entries of a JSON Lines file as they come; blank lines are passed over.

    Raises ConfigError at the first line that is no entry: `name:line: what is wrong`.
    """
    at: datetime | None = None
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                _refuse_long(line)
                item = _item(_read_object(line), number, at)
            except ValueError as error:
                msg = f"{name}:{number}: {error}"
                raise errors.ConfigError(msg) from error
            at = item.at
            yield item


def from_entries(entries: Iterable[model.Entry]) -> Iterator[Item]:
    """Yield stored entries with the clock that replay uses."""
    at: datetime | None = None
    for entry in entries:
        at = entry.told_at
        yield Item(entry.id, entry, at)


def differences(before: Replay, after: Replay, items: Iterable[Item]) -> Iterator[tuple[Item, Outcome, Outcome]]:
    """Yield what one of the two alerts, and the other does not, with what each makes of it."""
    for item in items:
        old, new = before.decide(item), after.decide(item)
        if old.alerts != new.alerts:
            yield item, old, new


def _refuse_long(line: bytes) -> None:
    if len(line) > _MOST_LINE:
        msg = "longer than 1 MiB; write one entry a line"
        raise ValueError(msg)


def _read_object(line: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(line.rstrip())
    except UnicodeDecodeError as error:
        msg = f"not UTF-8 text (byte {error.start + 1} of the line)"
        raise ValueError(msg) from error
    except json.JSONDecodeError as error:
        msg = f"not JSON ({error.msg}, column {error.colno}); write one object a line"
        raise ValueError(msg) from error
    except RecursionError as error:
        msg = "not an entry (nested too deeply)"
        raise ValueError(msg) from error
    if not isinstance(value, dict):
        msg = 'not an object; write {"title": "...", "summary": "...", "published_at": "2026-11-21"}'
        raise ValueError(msg)
    return value


def _item(row: Mapping[str, Any], number: int, before: datetime | None) -> Item:
    texts = {key: _text(row, key) for key in _TEXTS}
    published_at = _instant(row.get("published_at"))
    key = row.get("id")
    if isinstance(key, dict | list):
        msg = "id must be text or a number"
        raise ValueError(msg)
    entry = model.Entry(
        id=0,
        feed=texts["source"],
        key=str(number if key is None else key),
        title=texts["title"],
        first_seen_at=published_at or before or _UNDATED,
        summary=texts["summary"],
        url=texts["url"],
        outlet=texts["source"],
        language=texts["language"],
        published_at=published_at,
    )
    return Item(number if key is None else key, entry, published_at or before)


def _text(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        msg = f"{key} must be text, not {json.dumps(value)[:40]}"
        raise ValueError(msg)
    return value[:_MOST_TEXT]


def _instant(value: object) -> datetime | None:
    """Return the instant of a date with or without a time; a time without a zone is UTC."""
    if value is None or value == "":
        return None
    try:
        at = datetime.fromisoformat(value.strip()) if isinstance(value, str) else None
        if at is not None:
            return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    msg = f'published_at: {json.dumps(value)[:40]} is no date; write "2026-11-21" or "2026-11-21T08:30:00Z"'
    raise ValueError(msg)
