"""The documentation as a site: it builds with strict links, and asks no foreign host for anything."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests import pages

ROOT = Path(__file__).parent.parent
_PAGES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", ROOT / "deploy" / "prometheus" / "alerts.yaml"]
_LOADS = {("script", "src"), ("img", "src"), ("iframe", "src"), ("source", "src"), ("link", "href")}
_ELSEWHERE = re.compile(r"^(?:https?:)?//")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site, warnings as errors."""
    folder = tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.slow
def test_every_page_is_in_the_site(site: Path) -> None:
    """The strict build passes: every link leads somewhere, and no page is left out of the navigation."""
    built = {path.stem for path in site.glob("*.html")} - {"404"}
    assert built == {path.stem for path in (ROOT / "docs").glob("*.md")}


@pytest.mark.slow
def test_the_site_loads_nothing_from_elsewhere(site: Path) -> None:
    """No font, script, picture or style comes from a foreign host; links for readers may lead there."""
    loaded = [
        f"{page.name}: {address}"
        for page in site.glob("*.html")
        for address in _loaded(page)
        if _ELSEWHERE.match(address)
    ]
    styles = [
        f"{path.name}: {address}"
        for path in site.rglob("*.css")
        for address in re.findall(r"(?:url\(|@import )['\"]?([^'\")]+)", path.read_text(encoding="utf-8"))
        if _ELSEWHERE.match(address)
    ]
    assert (loaded, styles) == ([], [])


@pytest.mark.slow
def test_a_link_to_nowhere_breaks_the_build(tmp_path: Path) -> None:
    """Strict means strict: a page, an anchor or a file of the repository that is not there is an error."""
    (tmp_path / "docs").mkdir()
    wrong = "[a](nowhere.md) [b](index.md#nowhere) [c](../deploy/nowhere.service)\n"
    (tmp_path / "docs" / "index.md").write_text(f"# Wrong\n\n{wrong}", encoding="utf-8")
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").split("\nnav:")[0]
    (tmp_path / "mkdocs.yml").write_text(text.replace("tools/", f"{ROOT}/tools/"), encoding="utf-8")
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(build, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert len(re.findall("WARNING +-", done.stderr)) == 3, done.stderr


@pytest.mark.parametrize("page", _PAGES, ids=[path.name for path in _PAGES])
def test_every_command_on_a_page_exists(page: Path) -> None:
    """Nouns, verbs and options are those of the program."""
    assert pages.unknown_commands(page.read_text(encoding="utf-8")) == set()


def test_a_command_that_is_not_there_is_found() -> None:
    """The check of pages knows right from wrong."""
    wrong = "`monitor dance`, `monitor db dance`, `monitor status --dance` and `monitor status --json`"
    assert pages.unknown_commands(wrong) == {"dance", "db dance", "status --dance"}


class _Loads(HTMLParser):
    """Collects the addresses that a browser fetches by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what the tag loads; a canonical or next link is for readers."""
        given = dict(attrs)
        if tag == "link" and given.get("rel") in {"canonical", "next", "prev"}:
            return
        self.found += [value for name, value in attrs if (tag, name) in _LOADS and value]


def _loaded(page: Path) -> list[str]:
    parser = _Loads()
    parser.feed(page.read_text(encoding="utf-8"))
    return parser.found
