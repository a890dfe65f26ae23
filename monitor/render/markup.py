"""Messages as HTML mail. Pure.

One column, no remote images, inline styles for clients that drop the style sheet, dark mode for those that keep it.
Templates are this package's own; feed text is only ever a value in them, and values are escaped.
"""

from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from monitor import model
from monitor.render.outline import Outline
from monitor.render.view import View

_COLOURS = {
    model.Level.CRITICAL: "#9b1c1c",
    model.Level.HIGH: "#b45309",
    model.Level.MEDIUM: "#8a6d00",
    model.Level.LOW: "#1d4ed8",
    model.Level.INFO: "#4b5563",
}


def alert(view: View) -> str:
    """Return an alert as an HTML document."""
    return _filled("alert.html", subject=view.subject, view=view)


def digest(outline: Outline, subject: str) -> str:
    """Return a digest as an HTML document: contents with links to each alert that is shown in full."""
    shown = {view.ref for view in outline.detailed}
    return _filled("digest.html", subject=subject, outline=outline, shown=shown)


def note(subject: str, text: str) -> str:
    """Return an operator's message as an HTML document."""
    return _filled("note.html", subject=subject, text=text)


def _filled(name: str, **values: object) -> str:
    return _templates().get_template(name).render(colours=_COLOURS, **values)


@lru_cache(maxsize=1)
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("monitor.render"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
