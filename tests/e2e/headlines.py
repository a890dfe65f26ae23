"""Headlines of plainly different happenings, all of which match the rule of `daemon.RULES`: made up, from a seed."""

import random
from dataclasses import dataclass

_FIRST = "bardenfolgimhuljorkeplunmavnorpilquorostavwexzincaldrofengri"  # syllables of three letters
_LAST = ("ania", "burg", "esk", "ovo", "ume", "ith", "ard", "elle", "onia", "ush", "amar", "etz", "inka", "orod", "agh")
_MATTERS = (
    "grain exports",
    "a drone factory",
    "detained sailors",
    "a pipeline tariff",
    "border shelling",
    "uranium miners",
    "a cancelled vote",
    "satellite jamming",
    "cut sea cables",
    "the fishing fleet",
    "gold smuggling",
    "a coup in the north",
    "missile parts",
    "timber quotas",
    "an arrested editor",
    "oil tankers",
    "a dam upstream",
    "forged passports",
    "chip machines",
    "a church raid",
    "cobalt mines",
    "closed airspace",
    "a poisoned envoy",
    "rare earths",
    "bank secrecy",
    "a naval blockade",
    "election hackers",
    "refugee camps",
    "wheat silos",
    "a seized freighter",
)
_TITLES = (
    "{actor} threatens {target} with sanctions over {matter}",
    "{actor} warns {target} of sanctions over {matter}",
    "Sanctions: {actor} threatens shipowner {target} over {matter}",
    "{actor} warns of sanctions on {target} after {matter}",
)
_LEADS = (
    "Foreign minister {person} spoke in {city} after a night of talks.",
    "The decree names {person} and nine companies of {city}.",
    "Traders in {city} expect the list, which {person} drew up, within days.",
    "{person}, who leads the opposition in {city}, called it late.",
)


@dataclass(frozen=True, slots=True)
class Headline:
    """One happening. actor: a word that occurs in no other one."""

    actor: str
    title: str
    summary: str


def make(count: int, chance: random.Random) -> tuple[Headline, ...]:
    """Return so many headlines; no two share a name."""
    names = _names(count * 4, chance)
    return tuple(_headline(names[at : at + 4], chance) for at in range(0, count * 4, 4))


def _headline(names: list[str], chance: random.Random) -> Headline:
    actor, target, person, city = names
    title = chance.choice(_TITLES).format(actor=actor, target=target, matter=chance.choice(_MATTERS))
    return Headline(actor, title, chance.choice(_LEADS).format(person=person, city=city))


def _names(count: int, chance: random.Random) -> list[str]:
    first = [_FIRST[at : at + 3] for at in range(0, len(_FIRST), 3)]
    every = [f"{one}{two}{last}".capitalize() for one in first for two in first for last in _LAST]
    return chance.sample(every, count)
