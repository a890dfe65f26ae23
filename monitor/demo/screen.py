"""What people see of the demo: a line or three for everything that happens, and a table in the end. Shell.

On a terminal in colours, with the text beside its label; elsewhere plain lines without control codes.
"""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from monitor import alert, model
from monitor.demo import follow

_STYLES = {
    "NEW": "bold green",
    "UPDATE": "bold cyan",
    "DUPLICATE": "yellow",
    "KNOWN": "magenta",
    "no rule": "dim",
    "MAIL": "bold blue",
    "WEBHOOK": "bold blue",
}
_LABEL = 11


class Screen:
    """Prints to a console of its own or to the one given."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(markup=False, emoji=False, highlight=False)

    @property
    def is_terminal(self) -> bool:
        """Whether somebody is likely to sit in front of it."""
        return self._console.is_terminal

    def say(self, text: str = "", style: str = "") -> None:
        """Print one line, or several, as they are."""
        self._console.print(Text(text, style=style), soft_wrap=not self.is_terminal)

    def event(self, elapsed: float, label: str, title: str, *details: str, style: str = "") -> None:
        """Print what happened: when (seconds since the start), what, and why. style: of the title."""
        if not self.is_terminal:
            self.say(f"{elapsed:5.1f}s  {label:<{_LABEL}}{title}")
            for detail in details:
                self.say(f"{'':<{8 + _LABEL}}{detail}")
            return
        grid = Table.grid(padding=(0, 1, 0, 0))
        grid.add_column(width=6, justify="right", style="dim", no_wrap=True)
        grid.add_column(width=_LABEL - 1, style=_STYLES.get(label, ""), no_wrap=True)
        grid.add_column(ratio=1)
        body = Text(title, style=style or ("bold" if label in {"NEW", "UPDATE"} else ""))
        for detail in details:
            body.append("\n" + detail, style="not bold dim")
        grid.add_row(f"{elapsed:.1f}s", label, body)
        self._console.print(grid)

    def decided(self, elapsed: float, seen: follow.Decided) -> None:
        """Print what became of an entry that matched: with its words, its story and why."""
        record = seen.record
        title = f"{record.entry.title} ({record.entry.outlet})"
        told = _fate(record.channels)
        if record.entry.first_poll:
            line = f"{title}: {_rules(record.matches)}; {told}"
            self.event(elapsed, _label(record.assignment), line, style="dim")
            return
        details = [_words(record.matches)]
        if record.assignment.kind is not model.Kind.NEW:
            joined = f"{record.assignment.score:.2f} like \u201c{seen.story_title}\u201d"
            details.append(f"{joined}: {record.assignment.because}")
        if record.assignment.news:
            details.append(f"new: {record.assignment.news}")
        self.event(elapsed, _label(record.assignment), f"[{record.level}] {title}", *details, told)

    def table(self, rows: Sequence[tuple[str, str, str]]) -> None:
        """Print the summary: what, how many, and what that means."""
        if not self.is_terminal:
            for name, count, meaning in rows:
                self.say(f"{name:<24}{count:>8}  {meaning}".rstrip())
            return
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        table.add_column(style="bold")
        table.add_column(justify="right", style="bold green")
        table.add_column(style="dim")
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        self._console.print(table)


def _label(assignment: model.Assignment) -> str:
    if assignment.known and assignment.kind is model.Kind.DUPLICATE:
        return "KNOWN"
    return assignment.kind.value.upper()


def _rules(matches: Sequence[model.Match]) -> str:
    return ", ".join(match.rule.title for match in matches)


def _words(matches: Sequence[model.Match]) -> str:
    """Return each rule with the words that matched: `Sanctions threat: "warns" "sanctions"`."""
    return "; ".join(
        f"{match.rule.title}: " + " ".join(f"\u201c{text}\u201d" for text in _texts(match)) for match in matches
    )


def _texts(match: model.Match) -> Sequence[str]:
    return tuple(dict.fromkeys(evidence.text for evidence in match.evidence))


def _fate(channels: Sequence[model.Decision]) -> str:
    """Return what the channels get, in words; once where all get the same."""
    words = {decision.channel: alert.describe(decision) for decision in channels}
    if len(set(words.values())) == 1:
        return next(iter(words.values()))
    return "; ".join(f"{channel} {text}" for channel, text in words.items())
