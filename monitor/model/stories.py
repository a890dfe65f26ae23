"""Which story an entry belongs to, known stories, and stories. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from monitor.model.levels import Level


class Kind(StrEnum):
    """What an entry is to the stories that are known."""

    NEW = "new"
    DUPLICATE = "duplicate"
    UPDATE = "update"


@dataclass(frozen=True, slots=True)
class Assignment:
    """Which story an entry belongs to, and why.

    story_id: None when it opens one. score: 0.0 to 1.0, likeness to the story it joined or came nearest to.
    because: in words, for people. news: what is new, for an update ("now 50 killed"), else empty.
    features: what decided, by name. known: the story is a seed, which the desk knew beforehand.
    nearest_id: the story that came nearest, joined or not; None without any.
    """

    kind: Kind
    story_id: int | None
    score: float
    because: str
    news: str = ""
    features: Mapping[str, float] = field(default_factory=dict)
    known: bool = False
    nearest_id: int | None = None


@dataclass(frozen=True, slots=True)
class Seed:
    """A story that the desk knows already: a file in the seeds folder.

    published_at: from its front matter, else the time at which it was first loaded.
    """

    name: str
    title: str
    text: str
    fingerprint: str
    published_at: datetime | None = None
    url: str = ""
    source: str = ""
    tags: tuple[str, ...] = ()

    @property
    def lead(self) -> str:
        """The first paragraph of the text; empty when there is none."""
        return next((line for line in self.text.splitlines() if line.strip()), "")


@dataclass(frozen=True, slots=True)
class Story:
    """Entries about one happening.

    title: of the entry or seed that opened it. entries: how many joined, the first included (0 for a bare seed).
    outlets: different ones that told it, in order of arrival. seeds: names of the seeds that tell it.
    """

    id: int
    title: str
    level: Level
    opened_at: datetime
    last_at: datetime
    entries: int = 1
    outlets: tuple[str, ...] = ()
    seeds: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        """Whether the desk knew it beforehand."""
        return bool(self.seeds)
