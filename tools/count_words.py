"""Count in how many news texts each term occurs, and write the table that `monitor.dedupe.rarity` reads.

usage: python tools/count_words.py FILE.jsonl... > monitor/dedupe/data/rarity.txt

Each line of a file is an object with "title" and perhaps "summary". Only counts are written, and only of terms that
occur in at least three texts. Source of the shipped table: docs/stories.md.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from monitor.dedupe import text

AT_LEAST = 3


def main(paths: list[str]) -> None:
    """Write the table for the texts in `paths` to standard output."""
    counts: Counter[str] = Counter()
    texts = 0
    for title, summary in _texts(paths):
        texts += 1
        found = text.words(text.clean_title(title)) + text.words(text.clean_lead(summary))
        counts.update({term for term, _ in text.terms(found)})
    sys.stdout.write(f"# In how many news texts each term occurs. Made by tools/count_words.py.\n# texts: {texts}\n")
    for term, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        if count >= AT_LEAST:
            sys.stdout.write(f"{term}\t{count}\n")


def _texts(paths: list[str]) -> Iterator[tuple[str, str]]:
    for path in paths:
        for line in Path(path).read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            yield row.get("title") or "", row.get("summary") or ""


if __name__ == "__main__":
    main(sys.argv[1:])
