"""Texts as sparse vectors: term numbers and weights, of length 1.0. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.dedupe import features, rarity

NAMED_RARITY = 4.5  # at most, of a state or a well-known person: they stand in many stories, however rare the name
NAME_WEIGHT = 1.15  # a name says more than a word as rare
RARITY_POWER = 1.15
_TYPICAL = 3
UNSAID = 200.0  # in the squares of weights before scaling; a rare word weighs about 100

Numbers = NDArray[np.uint32]
Weights = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Vector:
    """terms: their numbers, ascending, each once. weights: as long.

    unsaid: what a text leaves unsaid, as one more weight, squared, that it shares with no other text. The shorter the
    text, the more of it: one rare name in common proves little between two headlines. All together have length 1.0.
    """

    terms: Numbers
    weights: Weights
    unsaid: float


def of(profile: features.Profile, rare: rarity.Rarity) -> Vector:
    """Return the terms of `profile`, weighted by how often it says them and how rare they are."""
    weights: dict[int, float] = {}
    for term, count in profile.terms.items():
        number = rarity.number(term)
        rarity_of = max(rare.of(number), 0.01)
        if term in profile.named:
            rarity_of = min(rarity_of, NAMED_RARITY)
        weight = math.sqrt(count) * rarity_of**RARITY_POWER
        weights[number] = weight * NAME_WEIGHT if term in profile.names else weight
    ordered = sorted(weights)
    raw = np.array([weights[number] for number in ordered], np.float32)
    return unit(Vector(np.array(ordered, np.uint32), raw, UNSAID))


def unit(vector: Vector) -> Vector:
    """Return `vector` scaled to length 1.0."""
    length = float(np.dot(vector.weights, vector.weights)) + vector.unsaid
    return Vector(vector.terms, vector.weights / np.float32(math.sqrt(length)), vector.unsaid / length)


def plus(one: Vector, other: Vector) -> Vector:
    """Return the sum of two vectors, of any length."""
    terms = np.union1d(one.terms, other.terms)
    weights = np.zeros(len(terms), np.float32)
    weights[np.searchsorted(terms, one.terms)] += one.weights
    weights[np.searchsorted(terms, other.terms)] += other.weights
    return Vector(terms, weights, one.unsaid + other.unsaid)


def heaviest(vector: Vector, most: int) -> Vector:
    """Return `vector` with its `most` heaviest terms only."""
    if len(vector.terms) <= most:
        return vector
    kept = np.sort(np.argpartition(vector.weights, -most)[-most:])
    return Vector(vector.terms[kept], vector.weights[kept], vector.unsaid)


def cosines(one: Vector, others: Sequence[Vector]) -> NDArray[np.float64]:
    """Return the likeness of `one` to each of `others`: 0.0 for nothing in common, 1.0 for the same."""
    lengths = [len(other.terms) for other in others]
    if not len(one.terms) or not sum(lengths):
        return np.zeros(len(others))
    terms = np.concatenate([other.terms for other in others])
    weights = np.concatenate([other.weights for other in others])
    places = np.minimum(np.searchsorted(one.terms, terms), len(one.terms) - 1)
    products = np.where(one.terms[places] == terms, one.weights[places] * weights, 0.0)
    owners = np.repeat(np.arange(len(others)), lengths)
    return np.bincount(owners, products, minlength=len(others)).astype(np.float64, copy=False)


def shares(one: Vector, others: Sequence[Vector]) -> NDArray[np.float64]:
    """Return how much of the weight of `one` stands in terms that each of `others` has, too: 0.0 to 1.0."""
    whole = float(one.weights.sum())
    lengths = [len(other.terms) for other in others]
    if not whole or not sum(lengths):
        return np.zeros(len(others))
    terms = np.concatenate([other.terms for other in others])
    places = np.minimum(np.searchsorted(one.terms, terms), len(one.terms) - 1)
    held = np.where(one.terms[places] == terms, one.weights[places], 0.0)
    owners = np.repeat(np.arange(len(others)), lengths)
    return np.bincount(owners, held, minlength=len(others)).astype(np.float64, copy=False) / whole


def typical(likenesses: Sequence[float]) -> float:
    """Return the mean of the three greatest, or of all when there are fewer: one member that is alike proves little."""
    greatest = sorted(likenesses, reverse=True)[:_TYPICAL]
    return sum(greatest) / len(greatest)


def union(terms: Numbers, others: Numbers) -> Numbers:
    """Return the terms of either, ascending."""
    return np.union1d(terms, others)


def without(terms: Numbers, held: Numbers) -> Numbers:
    """Return those of `terms` that are not among `held`."""
    return np.setdiff1d(terms, held, assume_unique=True)
