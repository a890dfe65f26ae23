"""Story identity: which story does an entry tell? Pure: no I/O but its own shipped data, no clock.

    profile(entry, matches)   what is compared, worked out once            features.py, text.py, numbers.py, links.py
    with_meaning(profiles)    and what it means, of many at a time         meaning.py, pieces.py
    Index.assign(profile)     the nearest story, and new, duplicate or update, in words     index.py, decide.py
    Index.add(id, profile)    after the commit

How it decides and how well is in docs/stories.md.
"""

from monitor.dedupe.features import Profile, profile, recalled, seed_profile, with_meaning
from monitor.dedupe.index import Index
from monitor.dedupe.lexicon import forms
from monitor.dedupe.meaning import Array, Encoder, Encodes, packed

__all__ = [
    "Array",
    "Encoder",
    "Encodes",
    "Index",
    "Profile",
    "forms",
    "packed",
    "profile",
    "recalled",
    "seed_profile",
    "with_meaning",
]
