"""An operator's own templates for a channel's alerts, filled in a sandbox. Pure.

Feed text is only ever a value in them: it is escaped for the form that it goes into and never read as a template.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup

from monitor import errors, model
from monitor.render import view as views
from monitor.render import words
from monitor.render.view import View

_LONGEST = {"subject": 200, "text": 20_000, "html": 200_000}


def fill(
    part: str, source: str, view: View, alert: model.Alert, channel: str, escape: Callable[[str], str] = str
) -> str:
    """Return a template with an alert's values in it.

    part: subject, text or html; html is escaped by itself, in the others every value passes `escape`.
    Raises TemplateError in one line that says what is wrong with it.
    """
    as_html = part == "html"
    known = values(view, alert, str if as_html else escape)
    if as_html:
        known["snippet"] = _marked(view)
    try:
        filled = _environment(as_html=as_html).from_string(source).render(alert=known, channel=channel)
    except TemplateSyntaxError as error:
        msg = f"line {error.lineno}: {error.message}"
        raise errors.TemplateError(msg) from error
    except (
        TemplateError,
        ArithmeticError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
        RecursionError,
    ) as error:
        raise errors.TemplateError(words.line(f"{error}", 300) or type(error).__name__) from error
    return words.cut(filled, _LONGEST[part])


def values(view: View, alert: model.Alert, escape: Callable[[str], str]) -> dict[str, Any]:
    """Return what `alert.` may be followed by in a template; every text has passed `escape`."""
    rules = [match.rule for match in views.leading(alert)]
    plain: dict[str, Any] = {
        "ref": view.ref,
        "level": view.level.value,
        "subject": view.subject,
        "rule": view.rule,
        "rules": [rule.id for rule in rules],
        "tags": list(dict.fromkeys(tag for rule in rules for tag in rule.tags)),
        "title": view.title,
        "url": view.url,
        "feed": words.line(alert.entry.feed, 200),
        "outlet": view.outlet,
        "language": words.line(alert.entry.language, 20),
        "published": view.published,
        "seen": view.seen,
        "others": list(view.others),
        "snippet": words.plain(view.snippet),
        "story": view.story,
        "story_id": str(alert.story.id),
        "why": list(view.why),
        "because": view.because,
        "commands": [command for _, command in view.commands],
    }
    escaped = {name: _each(value, escape) for name, value in plain.items()}
    return escaped | {"is_update": view.is_update}


def _each(value: str | list[str], escape: Callable[[str], str]) -> str | list[str]:
    return escape(value) if isinstance(value, str) else [escape(one) for one in value]


def _marked(view: View) -> Markup:
    """Return the snippet with what matched in <mark>, the rest escaped."""
    pieces = (Markup("<mark>{}</mark>").format(p.text) if p.marked else Markup.escape(p.text) for p in view.snippet)
    return Markup("").join(pieces)


@lru_cache(maxsize=2)
def _environment(*, as_html: bool) -> SandboxedEnvironment:
    return SandboxedEnvironment(autoescape=as_html, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
