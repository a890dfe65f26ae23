"""Parts of a page that a tool writes, between two comments; everything else on the page is written by hand."""

import re
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"


def replaced(page: str, name: str, text: str) -> str:
    """Return `page` with what stands between the comments of block `name` replaced by `text`."""
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if len(pattern.findall(page)) != 1:
        raise ValueError(f"the page has no place for {name}, or more than one")
    return pattern.sub(lambda _: f"{begin}\n\n{text.strip()}\n\n{end}", page)
