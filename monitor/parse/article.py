"""A web page -> the text of its article. Pure, costly, and at the mercy of its input, as `parse.parse` is.

trafilatura tells the article from menus and footers; it is an extra (`full-text`), loaded when the first page comes.
"""

import importlib
import importlib.util
import logging
import re

from monitor import errors
from monitor.parse import text

LONGEST = 50_000
MISSING = "the extra full-text is not installed; install it: pip install 'geopolitical-monitor[full-text]'"

_PAGE = re.compile(rb"<(?:!doctype\s+html|html|head|body|article|p|div)[\s>]", re.IGNORECASE)
_HEAD = 16_384
_SHORTEST = 200  # characters: below, it is a notice (a consent, a bot check), not an article


def is_installed() -> bool:
    """Whether pages can be read."""
    return importlib.util.find_spec("trafilatura") is not None


def load() -> None:
    """Load the library, which takes a third of a second and 30 MB."""
    logging.disable(logging.CRITICAL)  # it writes of every page that it gives up
    importlib.import_module("trafilatura")


def read(page: bytes) -> str:
    """Return the text of the article in `page`, clean, one line a paragraph; ParseError where there is none."""
    import trafilatura

    if not _PAGE.search(page[:_HEAD]):
        raise errors.ParseError("not a web page")
    found = trafilatura.extract(page, include_comments=False, include_tables=False) or ""
    lines = (text.clean(line) for line in found.splitlines())
    article = "\n".join(line for line in lines if line)
    if len(article) < _SHORTEST:
        raise errors.ParseError("no article was found on the page")
    return text.cut(article, LONGEST)
