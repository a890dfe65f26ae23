"""Cron expressions as people write them: "0 7 * * mon-fri", "hourly". Pure.

As in crontab(5): minute, hour, day of the month, month, day of the week (0 and 7 are Sunday); where both days are
restricted, either will do. Source: https://man7.org/linux/man-pages/man5/crontab.5.html
"""

import re
from datetime import date, timedelta

from monitor import model

_NAMES = {"hourly": "0 * * * *", "daily": "0 8 * * *", "weekly": "0 8 * * 1"}
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONTHS = ("", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FIELDS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of the month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of the week", 0, 7, _DAYS),
)
_PART = re.compile(r"(\*|\w+)(?:-(\w+))?(?:/(\d{1,2}))?")
_LONGEST_GAP = 35  # days; what is held longer is taken for held under a clock that jumped


def parse(text: str) -> model.Cron:
    """Return the times that `text` names. Raises ValueError with what to write instead."""
    fields = _NAMES.get(text.strip(), text).lower().split()
    if len(fields) != len(_FIELDS):
        msg = f'{text!r} is no cron expression; write five fields, like "0 7 * * mon-fri", or "hourly"'
        raise ValueError(msg)
    minutes, hours, days, months, weekdays = (
        _values(field, *known) for field, known in zip(fields, _FIELDS, strict=True)
    )
    cron = model.Cron(
        minutes=minutes,
        hours=hours,
        days=None if fields[2].startswith("*") else days,
        months=months,
        weekdays=None if fields[4].startswith("*") else frozenset((day - 1) % 7 for day in weekdays),
    )
    if not _is_often(cron):
        msg = f"{text!r} leaves more than {_LONGEST_GAP} days between two digests; write one that comes more often"
        raise ValueError(msg)
    return cron


def _values(field: str, name: str, low: int, high: int, words: tuple[str, ...]) -> frozenset[int]:
    found: set[int] = set()
    for part in field.split(","):
        read = _PART.fullmatch(part)
        if read is None:
            msg = f"{part!r} is no {name}; write a number, a span like 1-5, a step like */2, or *"
            raise ValueError(msg)
        first, last, step = read[1], read[2], int(read[3] or 1)
        begin = low if first == "*" else _number(first, name, low, high, words)
        end = _number(last, name, low, high, words) if last else (high if first == "*" or read[3] else begin)
        if words is _DAYS and end == 0 < begin:  # fri-sun
            end = high
        if begin > end or step == 0:
            msg = f"{part!r} is no {name}: the span ends before it begins, or its step is 0"
            raise ValueError(msg)
        found.update(range(begin, end + 1, step))
    return frozenset(found)


def _number(word: str, name: str, low: int, high: int, words: tuple[str, ...]) -> int:
    if word[:3] in words and word.isalpha():
        return words.index(word[:3])
    if not (word.isascii() and word.isdecimal()) or not low <= int(word) <= high:
        msg = f"{word!r} is no {name}; write {low} to {high}"
        raise ValueError(msg)
    return int(word)


def _is_often(cron: model.Cron) -> bool:
    """Whether no gap between two days is too long, looked at over four years."""
    start = date(2027, 1, 1)
    gap = 0
    for number in range(4 * 366):
        gap = 0 if cron.takes(start + timedelta(days=number)) else gap + 1
        if gap >= _LONGEST_GAP:
            return False
    return True
