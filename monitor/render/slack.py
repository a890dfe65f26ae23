"""Messages as Slack blocks and the mrkdwn text beside them. Pure.

Source: Slack's own rules: `&`, `<` and `>` are escaped, nothing else is special to mentions and links; a header holds
150 characters of plain text, a section 3,000, a message 50 blocks. `verbatim` stops Slack from linking names itself.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from monitor import model
from monitor.render import words
from monitor.render.outline import Outline
from monitor.render.view import View
from monitor.render.words import Piece

_SECTION = 2_900
_BLOCKS = 48
_SIGNS = {
    model.Level.CRITICAL: ":red_circle:",
    model.Level.HIGH: ":large_orange_circle:",
    model.Level.MEDIUM: ":large_yellow_circle:",
    model.Level.LOW: ":large_blue_circle:",
    model.Level.INFO: ":white_circle:",
}


def escape(text: str) -> str:
    """Escape what Slack reads as markup: a feed's `<!channel>` or `<url|text>` is shown, not obeyed."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def quoted(text: str) -> str:
    """Return feed text fit to stand in an operator's own markup: escaped, and nobody mentioned."""
    return escape(words.unmentioned(text))


def alert(view: View, text: str) -> dict[str, Any]:
    """Return the payload of an alert; `text` is for previews, and for services that know no blocks."""
    return {
        "text": _fallback(text),
        "blocks": [
            _section(f"{_SIGNS[view.level]} *{view.level.upper()}* · {escape(view.rule)}\n*{_linked(view)}*"),
            _section(_facts(view)),
            *([_section("> " + _marked(view.snippet))] if view.snippet else []),
            _section(_reasons(view)),
            _context([f"{view.ref} · `monitor explain {view.ref}`", *(f"`{c}`" for _, c in view.commands[1:])]),
        ],
    }


def digest(outline: Outline, text: str) -> dict[str, Any]:
    """Return the payload of a digest: every alert is one line, as many as a message holds."""
    lines = []
    for group in outline.groups:
        lines.append(f"*{escape(group.title)}* ({len(group.views)})")
        lines += [_listed(view) for view in group.views]
    chunks = _chunks(lines)
    blocks = [_header(outline.lead), *(_section(chunk) for chunk in chunks[:_BLOCKS])]
    left = sum(chunk.count("\n") + 1 for chunk in chunks[_BLOCKS:])
    if left:
        blocks.append(_context([f"and {words.plural(left, 'line')} more: `monitor alerts list`"]))
    return {"text": _fallback(text), "blocks": blocks}


def custom(text: str) -> dict[str, Any]:
    """Return the payload of a text whose values were escaped: the operator's own markup stands."""
    chunks = _chunks(text.strip().splitlines() or [" "])
    return {"text": _capped(text.strip()), "blocks": [_section(chunk) for chunk in chunks[:_BLOCKS]]}


def with_note(text: str, blocks: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a message's blocks with a line of ours before them."""
    return [_section(f"*{escape(text)}*"), *blocks][: _BLOCKS + 2]


def note(subject: str, text: str) -> dict[str, Any]:
    """Return the payload of an operator's message."""
    sections = [_section(chunk) for chunk in _chunks(escape(text).splitlines() or [" "])]
    return {"text": _fallback(f"{subject}\n{text}"), "blocks": [_header(subject), *sections]}


def _fallback(text: str) -> str:
    """Return text for services that know no blocks, some of which obey a bare `@channel`."""
    return _capped(quoted(text))


def _linked(view: View) -> str:
    title = escape(view.title)
    return f"<{escape(view.url)}|{title}>" if view.url else title


def _facts(view: View) -> str:
    lines = [f"*{escape(view.outlet)}* · published {view.published} · first seen {view.seen}"]
    if view.others:
        lines.append(words.cut(f"also reported by {escape(', '.join(view.others))}", 600))
    return "\n".join(lines)


def _reasons(view: View) -> str:
    lines = [f"*Story:* {escape(view.story)}"]
    lines += [f"*Matched:* {escape(why)}" for why in view.why]
    if view.because:
        lines.append(f"*Because:* {escape(view.because)}")
    return "\n".join(lines)


def _listed(view: View) -> str:
    update = "update: " if view.is_update else ""
    return f"• {_SIGNS[view.level]} {update}{_linked(view)} ({escape(view.outlet)}) {view.ref}"


def _marked(pieces: Sequence[Piece]) -> str:
    return "".join(f"*{escape(piece.text)}*" if piece.marked else escape(piece.text) for piece in pieces)


def _header(text: str) -> dict[str, Any]:
    return {"type": "header", "text": {"type": "plain_text", "text": words.cut(words.line(text), 150), "emoji": False}}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": _capped(text), "verbatim": True}}


def _context(texts: Iterable[str]) -> dict[str, Any]:
    return {
        "type": "context",
        "elements": [{"type": "mrkdwn", "text": _capped(text), "verbatim": True} for text in texts],
    }


def _chunks(lines: Sequence[str]) -> list[str]:
    """Join lines into texts that fit a section."""
    chunks: list[str] = []
    for line in lines:
        if chunks and len(chunks[-1]) + len(line) + 1 <= _SECTION:
            chunks[-1] += "\n" + line
        else:
            chunks.append(line)
    return chunks


def _capped(text: str) -> str:
    """Cut to Slack's limit without leaving half an entity or an open link behind."""
    if len(text) <= _SECTION:
        return text
    short = text[:_SECTION]
    for opening, closing in (("&", ";"), ("<", ">")):
        start = short.rfind(opening)
        if start > short.rfind(closing):
            short = short[:start]
    return short + words.ELLIPSIS
