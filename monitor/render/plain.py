"""Messages as plain text: the mail's text part, the terminal's, and the short one for services with a limit. Pure."""

from collections.abc import Sequence

from monitor.render import words
from monitor.render.outline import Outline
from monitor.render.view import View

RULE = "-" * 60


def full(view: View) -> str:
    """Return the text of an alert that stands alone."""
    parts = [
        _opening(view),
        _quoted(view),
        _reasons(view),
        _footer(view),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def short(view: View, limit: int) -> str:
    """Return an alert in at most `limit` characters; the link and the alert's number are never cut."""
    head = words.cut(view.title, min(200, limit // 3))
    lines = [head, f"{view.outlet} · {view.published}", f"{view.story} · {view.why[0] if view.why else view.rule}"]
    if view.others:
        lines.insert(2, "also: " + words.cut(", ".join(view.others), 120))
    foot = f"{view.ref} · monitor explain {view.ref}"
    tail = f"{view.url}\n{foot}" if view.url and len(view.url) + len(foot) < limit // 2 else foot
    room = limit - len(tail) - 1
    body = words.cut(words.unmentioned("\n".join(lines)), room)
    snippet = words.unmentioned(words.plain(view.snippet))
    if snippet and room - len(body) > 80:
        body += "\n" + words.cut(snippet, room - len(body) - 1)
    return f"{body}\n{tail}"


def digest(outline: Outline) -> str:
    """Return the text of a digest: what is in it, then each alert."""
    parts = [outline.lead, "\n".join(_contents(outline))]
    parts += [f"{RULE}\n{_opening(view)}\n\n{_quoted(view)}\n\n{_reasons(view)}" for view in outline.detailed]
    if outline.detailed:
        ref = outline.detailed[0].ref
        parts.append(f"{RULE}\nWhy an alert came: monitor explain {ref} (or another number)")
    return "\n\n".join(part for part in parts if part) + "\n"


def short_digest(outline: Outline, limit: int) -> str:
    """Return a digest in at most `limit` characters: as many alerts as fit, and how to list the others."""
    lines = [words.unmentioned(line) for line in _contents(outline)]
    kept: list[str] = []
    room = limit - len(outline.lead) - 60
    for line in lines:
        if len(line) + 1 > room:
            break
        kept.append(line)
        room -= len(line) + 1
    left = len(lines) - len(kept)
    more = [f"… and {words.plural(left, 'line')} more: monitor alerts list"] if left else []
    return "\n".join([outline.lead, *kept, *more])


def _opening(view: View) -> str:
    lines = [f"[{view.level.upper()}] {view.rule}", view.title]
    if view.url:
        lines.append(view.url)
    lines += ["", f"{view.outlet} · published {view.published}", f"first seen {view.seen}"]
    if view.others:
        lines.append(f"also reported by {', '.join(view.others)}")
    return "\n".join(lines)


def _quoted(view: View) -> str:
    snippet = words.plain(view.snippet)
    return f"> {snippet}" if snippet else ""


def _reasons(view: View) -> str:
    lines = [f"Story: {view.story}"]
    lines += [f"Matched: {why}" for why in view.why]
    if view.because:
        lines.append(f"Because: {view.because}")
    return "\n".join(lines)


def _footer(view: View) -> str:
    width = max(len(purpose) for purpose, _ in view.commands)
    return "\n".join(["-- ", f"Alert {view.ref}", *(f"{p:<{width}}  {command}" for p, command in view.commands)])


def _contents(outline: Outline) -> Sequence[str]:
    lines = []
    for group in outline.groups:
        lines.append(f"{group.title} ({len(group.views)})")
        for view in group.views:
            update = "update: " if view.is_update else ""
            where = f" {view.url}" if view.url else ""
            lines.append(f"  [{view.level.upper()}] {view.ref} {update}{view.title} ({view.outlet}){where}")
    return lines
