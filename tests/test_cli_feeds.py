"""`monitor feeds`: feeds.toml, OPML both ways, and what each mistake is told."""

from pathlib import Path

import pytest

from tests.commands import monitor, set_up

OPML = """<?xml version="1.0"?><opml version="2.0"><body>
<outline text="Wires">
  <outline type="rss" text="Wire" xmlUrl="https://other.example/rss"/>
  <outline type="rss" text="Kyodo" xmlUrl="https://kyodo.example/rss"/>
  <outline type="rss" text="Here already" xmlUrl="https://wire.example/rss"/>
</outline></body></opml>"""


def here(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Run a command in a folder with the small set-up; status, output, complaint."""
    set_up(folder)
    found = monitor(*arguments, folder=folder)
    return found.status, found.out, found.err


def test_a_feed_is_added_and_removed(tmp_path: Path) -> None:
    """A feed goes into feeds.toml, is listed, and comes out again."""
    set_up(tmp_path)
    added = monitor(
        "feeds", "add", "https://www.kyodo.example/rss", "--tag", "wire", "--interval", "5m", folder=tmp_path
    )
    assert added.status == 0
    assert added.out == (
        "added 'kyodo.example' to feeds.toml; what its first poll brings and a rule matches comes as one digest"
        " ([poll] first)\n"
    )
    names = [row["name"] for row in monitor("feeds", "list", "--json", folder=tmp_path).rows]
    assert names == ["Wire", "kyodo.example"]
    removed = monitor("feeds", "remove", "kyodo.example", folder=tmp_path)
    assert removed.out == "removed 'kyodo.example'; its entries stay in the store\n"
    assert len(monitor("feeds", "list", "--json", folder=tmp_path).rows) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("add", "ftp://a.example/"),
            "ftp://a.example/: not an address that can be polled; write http://... or https://...",
        ),
        (("add", "/etc/passwd"), "/etc/passwd: not an address that can be polled; write http://... or https://..."),
        (("add", "https://wire.example/rss"), "this address is there already: feed 'Wire'"),
        (("remove", "Wire"), "'Wire' stands in config.toml, which only you write: take its [[feeds]] table out there"),
        (("remove", "Wyre"), "no feed is called 'Wyre' (did you mean 'Wire'?); see `monitor feeds list`"),
        (("import", "none.opml"), "none.opml: cannot be read: No such file or directory"),
    ],
)
def test_a_feed_that_cannot_be_is_told(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    """Each mistake with feeds is one line with what to do, and writes nothing."""
    assert here(tmp_path, "feeds", *arguments) == (2, "", f"{said}\n")
    assert not (tmp_path / "feeds.toml").exists()


@pytest.mark.parametrize("option", [("--name", "Wire"), ("--interval", "often")])
def test_a_wrong_option_of_a_feed_is_told(tmp_path: Path, option: tuple[str, str]) -> None:
    """A name that is taken and a bad duration are used wrongly."""
    status, _, err = here(tmp_path, "feeds", "add", "https://b.example/", *option)
    assert status == 2
    assert err.count("\n") == 1


def test_feeds_come_from_opml_and_go_there(tmp_path: Path) -> None:
    """OPML both ways: folders are tags, clashing names are numbered, addresses that are there are left out."""
    set_up(tmp_path)
    (tmp_path / "in.opml").write_text(OPML, encoding="utf-8")
    found = monitor("feeds", "import", "in.opml", folder=tmp_path)
    assert found.out == "added 2 feeds to feeds.toml; 1 was there already\n"
    rows = {row["name"]: row for row in monitor("feeds", "list", "--json", folder=tmp_path).rows}
    assert list(rows) == ["Wire", "Wire 2", "Kyodo"]
    assert rows["Kyodo"]["tags"] == ["wires"] or rows["Kyodo"]["tags"] == ["Wires"]
    exported = monitor("feeds", "export", folder=tmp_path).out
    assert "https://kyodo.example/rss" in exported
    again = monitor("feeds", "import", "-", folder=tmp_path, stdin=exported.encode())
    assert again.out == "added 0 feeds to feeds.toml; 3 were there already\n"


def test_a_list_that_is_there_already_is_no_mistake(tmp_path: Path) -> None:
    """A list of one feed is imported a second time as a longer one is: nothing is added, and that is well."""
    set_up(tmp_path)
    line = '<outline type="rss" text="Kyodo" xmlUrl="https://kyodo.example/rss"/>'
    text = f'<opml version="2.0"><body>{line}</body></opml>'.encode()
    said = [monitor("feeds", "import", "-", folder=tmp_path, stdin=text) for _ in range(2)]
    assert [one.status for one in said] == [0, 0]
    assert said[1].out == "added 0 feeds to feeds.toml; 1 was there already\n"


def test_a_line_that_is_no_feed_costs_itself_alone(tmp_path: Path) -> None:
    """Of a list, what cannot be polled, or stands there twice in two spellings, is left out; the rest comes."""
    set_up(tmp_path)
    lines = [
        '<outline text="Good" xmlUrl="https://good.example/rss"/>',
        '<outline text="Space" xmlUrl="https://bad.example/a b"/>',
        '<outline text="Mail" xmlUrl="mailto:desk@bad.example"/>',
        '<outline text="Again" xmlUrl="HTTPS://GOOD.example:443/./rss"/>',
    ]
    (tmp_path / "in.opml").write_text(f'<opml version="2.0"><body>{"".join(lines)}</body></opml>', encoding="utf-8")
    said = monitor("feeds", "import", "in.opml", folder=tmp_path)
    assert said.status == 0
    assert said.out.splitlines()[0] == "added 1 feed to feeds.toml; 1 was there already"
    assert "left out: mailto:desk@bad.example: not an http or https URL" in said.out
    assert "left out: https://bad.example/a b: not an address that can be polled" in said.out
    assert [row["name"] for row in monitor("feeds", "list", "--json", folder=tmp_path).rows] == ["Wire", "Good"]


def test_what_is_no_opml_is_told(tmp_path: Path) -> None:
    """A file that is no OPML is one line and status 2."""
    set_up(tmp_path)
    found = monitor("feeds", "import", "-", folder=tmp_path, stdin=b"not xml")
    assert found.status == 2
    assert found.err.count("\n") == 1
