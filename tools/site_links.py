"""mkdocs hook: what the pages say of files outside docs/ is checked, and stands in the site without a link.

In a checkout such a link opens the file; the site holds no copy of it.
"""

import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.structure.pages import Page

_ROOT = Path(__file__).parent.parent
_OUTSIDE = re.compile(r"\[(?P<text>[^\]]+)\]\((?P<path>\.\./[^)#\s]+)\)")
_log = logging.getLogger("mkdocs.hooks.site_links")


def on_page_markdown(markdown: str, page: "Page", **_: object) -> str:
    """Replace links to files of the repository by their text; a file that is not there is a warning, so it fails."""

    def plain(link: re.Match[str]) -> str:
        if not (_ROOT / "docs" / link["path"]).resolve().exists():
            _log.warning("%s: %s does not exist", page.file.src_uri, link["path"])
        return link["text"]

    return _OUTSIDE.sub(plain, markdown)
