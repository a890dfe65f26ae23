"""Time one story decision against many stories, the profile of an entry and its meaning; the memory of each.

usage: python bench/stories.py [STORIES]      default 100000

The stories are made of words drawn by Zipf's law, so that common words are as common as in news, and names are rare.
Each has a meaning drawn by chance, of the size that the encoder gives. CPU time is told, because machines are shared.
Goal: one decision against 100,000 stories at most 10 ms, encoding apart; a profile at most 1 ms. The made-up words mean
nothing, so that meaning is timed on headlines of encoders/headlines.txt.
"""

import random
import resource
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from monitor import dedupe, encoders, model
from monitor.encoders import folder

START = datetime(2026, 4, 2, tzinfo=UTC)
ASKED = 1000
WIDTH = 384  # numbers of one meaning
MEANINGS = np.random.default_rng(7)


def main(held: int) -> None:
    """Fill an index with `held` stories and print what asking it costs."""
    chance = random.Random(7)
    dedupe.Index(window=timedelta(days=7)).assign(dedupe.profile(_entry(chance, 0)), None)  # reads the word lists
    before = _memory()
    index = dedupe.Index(window=timedelta(days=7))
    profiling = adding = 0.0
    for number in range(1, held + 1):
        entry = _entry(chance, number)
        began = time.thread_time()
        profile = dedupe.profile(entry)
        profiling += time.thread_time() - began
        profile = replace(profile, sense=_meaning())
        began = time.thread_time()
        index.add(number, profile)
        adding += time.thread_time() - began
    taken = []
    for number in range(ASKED):
        profile = replace(dedupe.profile(_entry(chance, held + number)), sense=_meaning())
        began = time.thread_time()
        index.assign(profile, START)
        taken.append(1000 * (time.thread_time() - began))
    taken.sort()
    print(f"stories          {held}")
    print(f"profile          {1000 * profiling / held:.2f} ms")
    print(f"add              {1000 * adding / held:.2f} ms")
    middle, nearly_all = taken[ASKED // 2], taken[ASKED * 99 // 100]
    print(f"decision         median {middle:.2f} ms, 99 % {nearly_all:.2f} ms, most {taken[-1]:.2f} ms")
    print(f"memory           {_memory() - before:.0f} MB")
    _time_meaning()


def _time_meaning() -> None:
    """Read the shipped encoder, and print what it costs."""
    before, began = _memory(), time.thread_time()
    weights = (encoders.SHIPPED / "encoder.npz").read_bytes()
    encoder = dedupe.Encoder(weights)
    del weights
    read = 1000 * (time.thread_time() - began)
    titles = [title for happening in folder.headlines() for title in happening]
    leads = [". ".join(titles[n : n + 7]) for n in range(len(titles) - 7)]
    print(f"encoder          read in {read:.0f} ms, {_memory() - before:.0f} MB at most")
    for name, texts in (("headlines", titles), ("with leads", leads)):
        alone = [_timed(encoder, [text]) for text in texts]
        together = _timed(encoder, texts) / len(texts)
        print(f"{name:<16} median {sorted(alone)[len(alone) // 2]:.1f} ms alone, {together:.1f} ms among {len(texts)}")


def _timed(encoder: dedupe.Encoder, texts: list[str]) -> float:
    began = time.thread_time()
    encoder.encode_all(texts)
    return 1000 * (time.thread_time() - began)


def _entry(chance: random.Random, number: int) -> model.Entry:
    told_at = START + timedelta(seconds=chance.randrange(7 * 86400))
    return model.Entry(
        id=number,
        feed="bench",
        key=str(number),
        title=_words(chance, 11).capitalize(),
        summary=_words(chance, 60),
        first_seen_at=told_at,
        published_at=told_at,
    )


def _meaning() -> dedupe.Array:
    """Return a meaning of length 1.0 that resembles every other a little, as those of news do."""
    drawn = MEANINGS.standard_normal(WIDTH).astype(np.float32) + np.float32(0.7)
    return drawn / np.linalg.norm(drawn)


def _words(chance: random.Random, count: int) -> str:
    return " ".join(_word(int(chance.paretovariate(0.7))) for _ in range(count))


def _word(rank: int) -> str:
    """Return a word for a rank: letters only, so that it is read as a word."""
    letters: list[str] = []
    rank %= 200_000
    while rank or len(letters) < 3:
        rank, letter = divmod(rank, 20)
        letters.append("bcdfghjklmnpqrstvwxz"[letter] + "aeiou"[(letter + len(letters)) % 5])
    return "".join(letters)


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
