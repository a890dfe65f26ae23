"""Known stories are read from files, and every bad file says in one line what is wrong."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor import errors, seeds, shipped


def test_a_plain_file_is_a_title_and_a_text(tmp_path: Path) -> None:
    """The first line is the title, the rest the text; nothing else is needed."""
    file = tmp_path / "grain.txt"
    file.write_text("\nGrain deal signed in Istanbul\n\nRussia and Ukraine signed.\nSecond line.\n", encoding="utf-8")
    seed = seeds.read_file(file)
    assert (seed.name, seed.title) == ("grain.txt", "Grain deal signed in Istanbul")
    assert seed.text == "Russia and Ukraine signed.\nSecond line."
    assert seed.published_at is None
    assert len(seed.fingerprint) == 64


def test_front_matter_tells_date_link_source_and_tags(tmp_path: Path) -> None:
    """YAML between two lines `---` is optional, and all its keys are."""
    file = tmp_path / "grain.md"
    file.write_text(
        "---\ndate: 2022-07-22\nurl: https://wire.example/grain\nsource: Reuters\ntags: [grain, ships]\n---\n"
        "# Grain deal signed\n\nIn Istanbul.\n",
        encoding="utf-8",
    )
    seed = seeds.read_file(file)
    assert seed.title == "Grain deal signed"
    assert seed.published_at == datetime(2022, 7, 22, tzinfo=UTC)
    assert (seed.url, seed.source, seed.tags) == ("https://wire.example/grain", "Reuters", ("grain", "ships"))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2022-07-22T10:30:00+03:00", datetime(2022, 7, 22, 7, 30, tzinfo=UTC)),
        ("2022-07-22 10:30:00", datetime(2022, 7, 22, 10, 30, tzinfo=UTC)),
        ('"2022-07-22T10:30Z"', datetime(2022, 7, 22, 10, 30, tzinfo=UTC)),
    ],
)
def test_dates_may_have_a_time_and_are_utc_without_a_zone(written: str, meant: datetime) -> None:
    """Every usual way to write an instant is understood."""
    seed = seeds.parse(f"---\ndate: {written}\n---\nTitle\n".encode(), name="a.md", where="a.md")
    assert seed.published_at == meant


def test_the_shipped_folder_is_read_in_the_order_of_names() -> None:
    """The two stories that come with the program are there."""
    titles = [seed.title for seed in seeds.read_folder(shipped.SEEDS)]
    assert titles == [
        "Vladimir Putin accepts Kim Jong-un’s invitation to visit North Korea",
        "Kim Jong Un invites Russia’s Putin to visit North Korea; vows ‘full support’ for Moscow",
    ]


def test_other_files_hidden_files_and_the_readme_are_left_out(tmp_path: Path) -> None:
    """A folder may hold more than stories."""
    for name in ("README.md", ".a.txt", "b.pdf", "c.txt"):
        (tmp_path / name).write_text("Title\n", encoding="utf-8")
    (tmp_path / "folder.txt").mkdir()
    assert [seed.name for seed in seeds.read_folder(tmp_path)] == ["c.txt"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"---\ndate: 2022-01-01\n---\n", "empty"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "UTF-8"),
        (b"Title\n\x00\x01", "binary"),
        (b"Title\n" + b"x" * (256 * 1024), "larger than 256 KiB"),
        (b"T" * 501, "first line has 501 characters"),
        (b"---\ndate: 2022-01-01\nTitle\n", "no end"),
        (b"---\ndate: [\n---\nTitle\n", "no YAML"),
        (b"---\ndate: 2022-13-45\n---\nTitle\n", "`date` is no date"),
        (b"---\ndate: 7\n---\nTitle\n", "`date` is no date"),
        (b"---\n- date\n---\nTitle\n", "key: value"),
        (b"---\nauthor: me\n---\nTitle\n", "unknown key 'author'"),
        (b"---\nurl: [7]\n---\nTitle\n", "`url` must be one line"),
        (b"---\ntags: {a: b}\n---\nTitle\n", "`tags` must be words"),
    ],
)
def test_a_bad_file_is_one_line_that_names_it(tmp_path: Path, content: bytes, said: str) -> None:
    """What, where, and what to do instead."""
    file = tmp_path / "bad.txt"
    file.write_bytes(content)
    with pytest.raises(errors.ConfigError) as caught:
        seeds.read_file(file)
    assert str(caught.value).startswith(str(file))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_tags_may_be_words(tmp_path: Path) -> None:
    """A list is not asked for, and an empty key is no key."""
    seed = seeds.parse(b"---\ntags: grain, ships\nurl:\n---\nTitle\n", name="a.txt", where="a.txt")
    assert (seed.tags, seed.url) == (("grain", "ships"), "")


def test_empty_front_matter_is_none(tmp_path: Path) -> None:
    """Two fences with nothing between them say nothing."""
    assert seeds.parse(b"---\n---\nTitle\n", name="a.txt", where="a.txt").title == "Title"


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    """Only .txt and .md are read."""
    with pytest.raises(errors.ConfigError, match=r"a\.pdf: a known story is a \.txt or \.md file"):
        seeds.read_file(tmp_path / "a.pdf")


def test_a_missing_file_and_a_missing_folder_are_named(tmp_path: Path) -> None:
    """The path stands in the message."""
    with pytest.raises(errors.ConfigError, match=r"none\.txt: cannot be read"):
        seeds.read_file(tmp_path / "none.txt")
    with pytest.raises(errors.ConfigError, match=r"none: cannot read the folder"):
        seeds.read_folder(tmp_path / "none")


def test_the_same_text_twice_names_both_files(tmp_path: Path) -> None:
    """A story that is there twice is a mistake to mend, whatever its spaces."""
    (tmp_path / "a.txt").write_text("Title\n\nText.", encoding="utf-8")
    (tmp_path / "b.txt").write_text("Title\nText.\n", encoding="utf-8")
    with pytest.raises(errors.ConfigError, match=r"b\.txt: tells the same text as a\.txt"):
        seeds.read_folder(tmp_path)


def test_every_bad_file_of_a_folder_has_its_line(tmp_path: Path) -> None:
    """One look mends them all."""
    (tmp_path / "a.txt").write_bytes(b"")
    (tmp_path / "b.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(errors.ConfigError) as caught:
        seeds.read_folder(tmp_path)
    assert len(str(caught.value).splitlines()) == 2
