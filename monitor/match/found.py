"""Groups of words to evidence that people read. Pure."""

from collections.abc import Iterable

from monitor import model
from monitor.match.near import Group
from monitor.rules.program import Program, Scan

MOST_EVIDENCE = 50


def evidence(groups: Iterable[Group], program: Program, scan: Scan) -> tuple[model.Evidence, ...]:
    """Return the words of some groups in reading order, each once, the longest of those that begin together."""
    body = scan.text
    starts, ends, part_of = body.starts, body.ends, body.part_of
    made: dict[tuple[int, int], model.Evidence] = {}
    for piece in sorted({piece for group in groups for piece in group.pieces}):
        first, last, term = piece
        sentence = part_of[first]
        start, end = scan.printed.get(piece) or (starts[first], ends[last - 1])
        known = made.get((sentence, start))
        if known is None or known.end < end:
            field = body.parts[sentence].field
            one = model.Evidence(field, start, end, body.fields[field][start:end], program.terms[term].written)
            made[sentence, start] = one
    return tuple(made.values())[:MOST_EVIDENCE]


def quoted(found: Iterable[model.Evidence]) -> str:
    """Return the words in quotes, with commas."""
    return ", ".join(dict.fromkeys(f"“{one.text}”" for one in found))


def marked(text: str, found: Iterable[model.Evidence], field: model.Field, *, before: str, after: str) -> str:
    """Return a field's text with the words that matched put between `before` and `after`."""
    made: list[str] = []
    done = 0
    for one in sorted(one for one in found if one.field is field):
        start = max(one.start, done)
        if start < one.end:
            made += [text[done:start], before, text[start : one.end], after]
            done = one.end
    return "".join([*made, text[done:]])
