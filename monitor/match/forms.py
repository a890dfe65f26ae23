"""Forms of titles that tell no event: questions, explainers, live pages, analyses. Mostly English. Pure."""

import re
from functools import lru_cache

from monitor.rules.nodes import FormName

_QUESTION = re.compile(
    r"[?？؟]\s*[\"'”’)\]]*\s*$"
    r"|^(?:why|how|what|who|where|when|which|whose|can|could|should|would|will|is|are|does|do|did|has|have)\b[^.!]*[?？]",
    re.IGNORECASE,
)
_EXPLAINER = re.compile(
    r"\b(?:explainer|explained|factbox|fact box|q\s?&\s?a|timeline|fact[- ]check|backgrounder|primer|key facts)\b"
    r"|\bwhat (?:to|we|you(?: need to)?) know\b|\bat a glance\b"
    r"|^(?!(?-i:WHO\b))(?:why|how|what|who|where)\b(?!.*\bsays?\b)"  # WHO is a body
    r"|^\d+ (?:things|reasons|facts|questions|ways)\b|^(?:the )?(?:key )?takeaways\b",
    re.IGNORECASE,
)
_LIVE = re.compile(
    r"^\W*live\b(?=\W)|\blive (?:updates?|blog|coverage|news)\b|\bas it happened\b|\bminute[- ]by[- ]minute\b"
    r"|^en direct\b|^liveblog\b|\blatest updates\b|[-–—|:] ?live$",
    re.IGNORECASE,
)
_ANALYSIS = re.compile(
    r"^\W*(?:analysis|opinion|op-?ed|editorial|commentary|comment|column|viewpoint|essay|letters?|podcast|review|insight"
    r"|interview|perspective|meinung|kommentar|analyse|opini[oó]n)\b\s*[:|\]\-–—]"
    r"|[|:\-–—]\s*(?:analysis|opinion|editorial|commentary|comment|column|podcast)\s*$",
    re.IGNORECASE,
)
_FORMS = {
    FormName.QUESTION: _QUESTION,
    FormName.EXPLAINER: _EXPLAINER,
    FormName.LIVE: _LIVE,
    FormName.ANALYSIS: _ANALYSIS,
}


@lru_cache(maxsize=1024)
def of(title: str) -> frozenset[FormName]:
    """Return the forms that a title has."""
    return frozenset(form for form, pattern in _FORMS.items() if pattern.search(title))
