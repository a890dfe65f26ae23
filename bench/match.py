"""What matching costs: N generated rules over entries of about fifty words, beside two plainer ways to do it.

    python bench/match.py [--entries 500] [--rules 100,1000,10000] [--json]

- ours: every rule `near` of two lists and an `unless`, all in one automaton;
- alternation: one compiled regular expression a rule, its words side by side as alternatives (whole words, any case);
- plain loop: every word of every rule sought on its own with `re`.

The two others look for words only and judge no distance, so that they do less than ours. They run over fewer entries
when there are many rules, because they take long. Milliseconds of CPU an entry; the words are made up.
"""

import argparse
import json
import random
import re
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from monitor import match, model, rules

NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)
SYLLABLES = ("ba", "den", "kor", "lis", "mo", "nar", "pel", "ru", "sta", "tin", "vo", "zem", "gra", "hul", "ister")
COMMON = 400  # words that most entries and rules draw from; the others are rare, as names are
ENTRY_WORDS = 50
TARGET_MS = 1.0
TARGET_RATIO = 3.0


def main() -> None:
    """Measure and print a table, or one JSON object a line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=500)
    parser.add_argument("--rules", default="100,1000,10000")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    chance = random.Random(7)
    words = vocabulary(chance)
    entries = [an_entry(chance, words) for _ in range(args.entries)]
    rows = [measure(chance, words, entries, int(count)) for count in args.rules.split(",")]
    if args.json:
        for row in rows:
            print(json.dumps(row))
        return
    show(rows)


def show(rows: Sequence[dict[str, float]]) -> None:
    """Print the table and whether the targets hold."""
    names = ("rules", "compile_s", "ours_ms", "alternation_ms", "plain_loop_ms", "matches")
    print(" | ".join(f"{name:>14}" for name in names))
    for row in rows:
        print(
            " | ".join(
                f"{row[name]:14,.3f}" if name.endswith(("ms", "_s")) else f"{row[name]:14,.0f}" for name in names
            )
        )
    ratio = rows[-1]["ours_ms"] / rows[0]["ours_ms"]
    held = ratio <= TARGET_RATIO and rows[-1]["ours_ms"] <= TARGET_MS
    print(f"{rows[-1]['rules']:,.0f} rules cost {ratio:.2f} times what {rows[0]['rules']:,.0f} cost: ", end="")
    print(f"{'within' if held else 'BEYOND'} the targets of {TARGET_RATIO:g} times and {TARGET_MS:g} ms an entry")


def measure(
    chance: random.Random, words: Sequence[str], entries: Sequence[model.Entry], count: int
) -> dict[str, float]:
    """Return what `count` rules cost, in each of the three ways."""
    drawn = [a_rule(chance, words) for _ in range(count)]
    begun = time.process_time()
    ruleset = rules.from_files(as_files(drawn))
    compiled = time.process_time() - begun
    for entry in entries[:50]:
        match.match(entry, ruleset, now=NOON)
    ours, matches = cost(lambda entry: len(match.match(entry, ruleset, now=NOON)), entries)
    few = entries[: max(3, min(len(entries), 20_000 // count))]
    alternations = [re.compile(rf"\b(?:{'|'.join(first + second)})\b", re.IGNORECASE) for first, second in drawn]
    alternation, _ = cost(lambda entry: sum(1 for one in alternations if one.search(entry.title)), few)
    singles = [re.compile(rf"\b{word}\b", re.IGNORECASE) for first, second in drawn for word in first + second]
    loop, _ = cost(lambda entry: sum(1 for one in singles if one.search(entry.title)), few)
    return {
        "rules": count,
        "compile_s": compiled,
        "ours_ms": ours,
        "alternation_ms": alternation,
        "plain_loop_ms": loop,
        "matches": matches,
    }


def cost(judge: Callable[[model.Entry], int], entries: Sequence[model.Entry]) -> tuple[float, int]:
    """Return CPU milliseconds an entry, and the sum of what `judge` returned."""
    begun = time.process_time()
    found = sum(judge(entry) for entry in entries)
    return 1000 * (time.process_time() - begun) / len(entries), found


def vocabulary(chance: random.Random) -> list[str]:
    """Return 30,000 made-up words, the common ones first."""
    made: dict[str, None] = {}
    while len(made) < 30_000:
        made["".join(chance.choices(SYLLABLES, k=chance.randint(2, 5)))] = None
    return list(made)


def a_word(chance: random.Random, words: Sequence[str], share: float) -> str:
    """Return a common word with probability `share`, else a rare one."""
    return chance.choice(words[:COMMON]) if chance.random() < share else chance.choice(words[COMMON:])


def an_entry(chance: random.Random, words: Sequence[str]) -> model.Entry:
    """Return an entry whose title has about fifty words in four sentences."""
    drawn = [a_word(chance, words, 0.7) for _ in range(ENTRY_WORDS)]
    for end in range(12, ENTRY_WORDS, 13):
        drawn[end] += "."
    return model.Entry(0, "bench", "", " ".join(drawn).capitalize(), NOON)


def a_rule(chance: random.Random, words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return two lists of words: one of names, which are rare, and one of verbs, which are common."""
    names = [a_word(chance, words, 0.0) for _ in range(chance.randint(3, 8))]
    verbs = [a_word(chance, words, 0.9) for _ in range(chance.randint(5, 15))]
    return names, verbs


def as_files(drawn: Sequence[tuple[list[str], list[str]]]) -> dict[str, str]:
    """Return the rules as files of a thousand."""
    files = {}
    for start in range(0, len(drawn), 1000):
        lines = ["rules:"]
        for number, (names, verbs) in enumerate(drawn[start : start + 1000], start):
            lines += [
                f"- id: rule-{number}",
                f"  match: {{near: [[{', '.join(names)}], [{', '.join(verbs)}]], within: 8}}",
                f"  unless: {{near: [[{names[0]}], [{verbs[0]}]], within: 2}}",
            ]
        files[f"rules-{start}.yaml"] = "\n".join(lines)
    return files


if __name__ == "__main__":
    main()
