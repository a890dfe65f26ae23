"""How much something matters. Pure."""

from enum import StrEnum


class Level(StrEnum):
    """How much a match matters; `rank` orders it."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for info to 4 for critical."""
        return list(Level).index(self)

    def raised(self) -> "Level":
        """Return the next higher level; critical stays critical."""
        levels = list(Level)
        return levels[min(self.rank + 1, len(levels) - 1)]
