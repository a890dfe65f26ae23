"""What matching costs: N generated rules over entries of about fifty words, beside two plainer ways to do it.

    python bench/match.py [--entries 500] [--rules 100,1000,10000] [--json]

- ours: every rule `near` of two lists and an `unless`, all in one automaton;
- alternation: one compiled regular expression a rule, its words side by side as alternatives (whole words, any case);
- plain loop: every word of every rule sought on its own with `re`.

All sets of rules are warm in one process and take turns, a hundred entries each; ours is the median of five rounds.
The two others look for words only and judge no distance, so that they do less than ours. They run over fewer entries
when there are many rules, because they take long. Milliseconds of CPU an entry; the words are made up.
"""

import argparse
import functools
import json
import random
import re
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from monitor import match, model, rules

NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)
SYLLABLES = ("ba", "den", "kor", "lis", "mo", "nar", "pel", "ru", "sta", "tin", "vo", "zem", "gra", "hul", "ister")
COMMON = 400  # words that most entries and rules draw from; the others are rare, as names are
ENTRY_WORDS = 50
ROUNDS = 5
TURN = 100  # entries
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
    drawn = {int(count): [a_rule(chance, words) for _ in range(int(count))] for count in args.rules.split(",")}
    ours = in_turns(drawn, entries)
    rows = [ours[count] | others(drawn[count], entries) for count in drawn]
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


def in_turns(
    drawn: Mapping[int, Sequence[tuple[list[str], list[str]]]], entries: Sequence[model.Entry]
) -> dict[int, dict[str, float]]:
    """Return what our matching costs with each set of rules, all of them warm."""
    made: dict[int, dict[str, float]] = {}
    rulesets = {}
    for count, pairs in drawn.items():
        begun = time.process_time()
        rulesets[count] = rules.from_files(as_files(pairs))
        made[count] = {"rules": count, "compile_s": time.process_time() - begun}
    rounds: dict[int, list[tuple[float, int]]] = {count: [] for count in drawn}
    for _ in range(1 + ROUNDS):
        spent = dict.fromkeys(drawn, (0.0, 0))
        for start in range(0, len(entries), TURN):
            some = entries[start : start + TURN]
            for count, ruleset in rulesets.items():
                took, found = cost(functools.partial(matched, ruleset), some)
                spent[count] = (spent[count][0] + took * len(some) / len(entries), spent[count][1] + found)
        for count in drawn:
            rounds[count].append(spent[count])
    for count, each in rounds.items():
        made[count]["ours_ms"] = statistics.median(took for took, _ in each[1:])  # the first one warms up
        made[count]["matches"] = each[0][1]
    return made


def others(drawn: Sequence[tuple[list[str], list[str]]], entries: Sequence[model.Entry]) -> dict[str, float]:
    """Return what the two plainer ways cost."""
    few = entries[: max(3, min(len(entries), 20_000 // len(drawn)))]
    alternations = [re.compile(rf"\b(?:{'|'.join(first + second)})\b", re.IGNORECASE) for first, second in drawn]
    alternation, _ = cost(lambda entry: sum(1 for one in alternations if one.search(entry.title)), few)
    singles = [re.compile(rf"\b{word}\b", re.IGNORECASE) for first, second in drawn for word in first + second]
    loop, _ = cost(lambda entry: sum(1 for one in singles if one.search(entry.title)), few)
    return {"alternation_ms": alternation, "plain_loop_ms": loop}


def matched(ruleset: rules.RuleSet, entry: model.Entry) -> int:
    """Return how many rules an entry meets."""
    return len(match.match(entry, ruleset, now=NOON))


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
