"""The matcher against a slow and obvious one, on random rules and texts."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import combinations, pairwise, product
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor import match, model, rules

NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)
WORDS = ["ban", "bans", "US", "us", "oil"]
Condition = Any


class Group(NamedTuple):
    """Words that belong together, by number, and the sentence that the first of them stands in."""

    words: frozenset[int]
    sentence: int

    def touches(self, zones: set[int]) -> bool:
        """Return whether anything from the first to the last word is in `zones`."""
        return bool(set(range(min(self.words), max(self.words) + 1)) & zones)


class Text(NamedTuple):
    """All words of an entry: (word, sentence, field)."""

    words: list[tuple[str, int, str]]

    def sentence(self, number: int) -> set[int]:
        """Return the numbers of a sentence's words."""
        return {at for at, (_, sentence, _) in enumerate(self.words) if sentence == number}


def find(condition: Condition, text: Text, fields: set[str], zones: set[int]) -> list[Group] | None:
    """Return what makes `condition` hold outside of `zones`, None when it does not; every way, one by one."""
    if isinstance(condition, str):
        return [group for group in term(condition, text, fields) if not group.touches(zones)] or None
    if isinstance(condition, list):
        return find({"any": condition}, text, fields, zones)
    [(kind, inner)] = [(key, value) for key, value in condition.items() if key not in {"within", "ordered"}]
    if kind in {"title", "summary"}:
        return find(inner, text, fields & {kind}, zones)
    if kind == "not":
        return [] if find(inner, text, fields, zones) is None else None
    if kind == "near":
        return [group for group in near(condition, text, fields) if not group.touches(zones)] or None
    parts, least = (inner["of"], inner["count"]) if kind == "at_least" else (inner, 1)
    if kind == "all":
        forbidden = [part["not"] for part in parts if isinstance(part, dict) and "not" in part]
        spoilt = [group for part in forbidden for group in find(part, text, fields, zones) or []]
        zones = zones.union(*(text.sentence(text.words[at][1]) for group in spoilt for at in group.words))
        parts = [part for part in parts if not (isinstance(part, dict) and "not" in part)]
        least = len(parts)
    found = [groups for part in parts if (groups := find(part, text, fields, zones)) is not None]
    return [group for groups in found for group in groups] if len(found) >= least else None


def term(written: str, text: Text, fields: set[str]) -> list[Group]:
    """Return each place where all of a term's words stand side by side in one sentence."""
    wanted = written.split()
    found = []
    for start in range(len(text.words) - len(wanted) + 1):
        there = text.words[start : start + len(wanted)]
        if len({place[1] for place in there}) > 1 or there[0][2] not in fields:
            continue
        if all(same(one, other[0], alone=len(wanted) == 1) for one, other in zip(wanted, there, strict=True)):
            found.append(Group(frozenset(range(start, start + len(wanted))), there[0][1]))
    return found


def same(wanted: str, word: str, *, alone: bool) -> bool:
    """Return whether a text's word is a term's."""
    if wanted.endswith("*"):
        return word.lower().startswith(wanted[:-1].lower())
    if alone and wanted.isupper():
        return word == wanted
    return word.lower() == wanted.lower()


def near(condition: Condition, text: Text, fields: set[str]) -> list[Group]:
    """Return every way in which the parts of a `near` stand together."""
    within = condition.get("within", "sentence")
    if within == "title":
        fields = fields & {"title"}
    parts = condition["near"]
    barred = [g for p in parts if isinstance(p, dict) and "not" in p for g in spots(p["not"], text, fields)]
    operands = [spots(part, text, fields) for part in parts if not (isinstance(part, dict) and "not" in part)]
    found = []
    for chosen in product(*operands):
        if not together(chosen, within, ordered=condition.get("ordered", False)):
            continue
        first = min(chosen, key=lambda one: min(one.words))
        group = Group(frozenset().union(*(one.words for one in chosen)), first.sentence)
        if not any(close(group, other, within) for other in barred):
            found.append(group)
    return found


def together(chosen: tuple[Group, ...], within: int | str, *, ordered: bool) -> bool:
    """Return whether groups share no word, stand in one stretch, close enough, and in order where that counts."""
    if len({one.sentence for one in chosen}) > 1 and within != "title":
        return False
    if any(a.words & b.words for a, b in combinations(chosen, 2)):
        return False
    if ordered and any(min(b.words) <= max(a.words) for a, b in pairwise(chosen)):
        return False
    first = min(chosen, key=lambda one: min(one.words))
    return not isinstance(within, int) or max(min(one.words) for one in chosen) - max(first.words) <= within


def close(group: Group, other: Group, within: int | str) -> bool:
    """Return whether what a `not` forbids stands too close to a group."""
    if group.sentence != other.sentence and within != "title":
        return False
    apart = max(min(other.words) - max(group.words), min(group.words) - max(other.words))
    return not isinstance(within, int) or apart <= within


def spots(condition: Condition, text: Text, fields: set[str]) -> list[Group]:
    """Return what a part of a `near` offers."""
    if isinstance(condition, str):
        return term(condition, text, fields)
    if isinstance(condition, list):
        return [group for part in condition for group in spots(part, text, fields)]
    [kind] = [key for key in condition if key not in {"within", "ordered"}]
    inner = condition[kind]
    if kind == "any":
        return spots(inner, text, fields)
    if kind == "near":
        return near(condition, text, fields)
    if kind == "all":
        return near({"near": inner}, text, fields)
    if kind == "at_least":
        return [
            group
            for some in combinations(inner["of"], inner["count"])
            for group in spots({"all": list(some)}, text, fields)
        ]
    return spots(inner, text, fields & {kind})


def matches(rule: dict[str, Condition], text: Text) -> bool:
    """Return whether a rule matches: the whole meaning of `unless` and `unless_anywhere` in four lines."""
    fields = {"title", "summary"}
    if "unless_anywhere" in rule and find(rule["unless_anywhere"], text, fields, set()) is not None:
        return False
    spoilt = find(rule["unless"], text, fields, set()) if "unless" in rule else None
    zones = {at for group in spoilt or [] for at in range(min(group.words), max(group.words) + 1)}
    return find(rule["match"], text, fields, zones) is not None


# --- random rules and texts -------------------------------------------------------------------------------------

words = st.sampled_from(WORDS)
terms = st.one_of(words, st.just("ban*"), st.tuples(words, words).map(" ".join))
reach = st.one_of(st.integers(1, 5), st.sampled_from(["sentence", "title"]))


def nears(inner: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    """Return `near` over `inner`, some with a `not`."""
    parts = st.tuples(
        st.lists(inner, min_size=1, max_size=3), st.lists(terms.map(lambda one: {"not": one}), max_size=1)
    )
    made = {"near": parts.map(lambda pair: [*pair[0], *pair[1]]), "within": reach, "ordered": st.booleans()}
    return st.fixed_dictionaries(made)


def local(inner: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    """Return conditions that may stand inside a `near`."""
    several = st.lists(inner, min_size=1, max_size=3)
    counted = several.flatmap(
        lambda of: st.integers(1, len(of)).map(lambda count: {"at_least": {"count": count, "of": of}})
    )
    return st.one_of(
        several, several.map(lambda of: {"all": of}), nears(inner), counted, inner.map(lambda one: {"title": one})
    )


def wide(inner: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    """Return conditions over the whole entry."""
    several = st.lists(inner, min_size=1, max_size=3)
    with_not = st.tuples(several, inner).map(lambda pair: {"all": [*pair[0], {"not": pair[1]}]})
    return st.one_of(local(inner), with_not, inner.map(lambda one: {"summary": one}))


conditions = st.one_of(
    nears(terms), local(nears(terms)), st.recursive(st.recursive(terms, local, max_leaves=4), wide, max_leaves=6)
)
sentences = st.lists(st.lists(words, min_size=1, max_size=7), min_size=1, max_size=2)
rule_sets = st.fixed_dictionaries({"match": conditions}, optional={"unless": conditions, "unless_anywhere": conditions})


@pytest.mark.slow
@settings(max_examples=max(300, settings().max_examples), deadline=None)
@given(rule_sets, sentences, sentences)
def test_matching_equals_an_obvious_matcher(
    rule: dict[str, Condition], title: list[list[str]], summary: list[list[str]]
) -> None:
    """Whatever the rule and the text, the matcher says what a slow and obvious one says."""
    body = json.dumps({"rules": [{"id": "one", **rule}]})
    entry = model.Entry(0, "", "", printed(title), NOON, summary=printed(summary))
    found = match.match(entry, rules.from_files({"one.yaml": body}), now=NOON)
    assert bool(found) == matches(rule, Text(list(numbered(title, summary))))


def printed(parts: list[list[str]]) -> str:
    """Return sentences as text."""
    return " ".join(f"{' '.join(part)}!" for part in parts)


def numbered(title: list[list[str]], summary: list[list[str]]) -> Iterator[tuple[str, int, str]]:
    """Yield each word with its sentence's number and its field."""
    fields = ["title"] * len(title) + ["summary"] * len(summary)
    for number, (part, name) in enumerate(zip([*title, *summary], fields, strict=True)):
        yield from ((word, number, name) for word in part)
