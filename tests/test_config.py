"""config.toml and feeds.toml: what is read, and what each mistake is told."""

from datetime import time, timedelta
from pathlib import Path

import pytest

from monitor import config, errors, model, shipped
from monitor.config import schema, units
from tests.commands import environment

SMALL = '[[feeds]]\nname = "Wire"\nurl = "https://wire.example/rss"\n'


def written(folder: Path, text: str, *, feeds: str | None = None) -> Path:
    """Write config.toml (and feeds.toml) and return its path."""
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    if feeds is not None:
        (folder / "feeds.toml").write_text(feeds, encoding="utf-8")
    return path


def complaint(folder: Path, text: str, *, feeds: str | None = None) -> str:
    """Return what is said of a wrong configuration, with the folder's name taken out."""
    with pytest.raises(errors.ConfigError) as caught:
        config.load(written(folder, text, feeds=feeds))
    return str(caught.value).replace(f"{folder}/", "")


def test_one_feed_is_enough(tmp_path: Path) -> None:
    """The smallest useful file is one feed: everything else has a default."""
    settings = config.load(written(tmp_path, SMALL))
    assert [spec.name for spec in settings.specs] == ["Wire"]
    assert settings.poll.interval == timedelta(minutes=10)
    assert settings.rules.paths == ("builtin", "rules")


def test_an_empty_file_is_the_defaults(tmp_path: Path) -> None:
    """An empty file is a configuration: the defaults."""
    assert config.load(written(tmp_path, "")).poll == schema.PollTable()


def test_the_example_is_well() -> None:
    """The example that ships is read without a complaint and has feeds."""
    assert config.load(shipped.EXAMPLE_CONFIG).feeds


def test_without_a_channel_alerts_are_printed(tmp_path: Path) -> None:
    """Without a channel, there is one: standard output, without a limit."""
    (channel,) = config.load(written(tmp_path, SMALL)).all_channels
    assert channel == model.Channel(name="stdout", url="stdout://", limit=None)


def test_feeds_of_both_files_count(tmp_path: Path) -> None:
    """The feeds of feeds.toml follow those of config.toml."""
    path = written(tmp_path, SMALL, feeds='[[feeds]]\nname = "B"\nurl = "https://b.example/"\n')
    assert [spec.name for spec in config.load(path).specs] == ["Wire", "B"]


def test_paths_start_at_the_file(tmp_path: Path) -> None:
    """Relative paths of store and seeds start at the configuration's folder, wherever the program is started."""
    settings = config.load(written(tmp_path, SMALL))
    assert settings.store_url == f"sqlite:///{tmp_path}/monitor.db"
    assert settings.seed_paths == (tmp_path / "seeds",)


def test_a_channel_is_read_whole(tmp_path: Path) -> None:
    """A channel with quiet hours, digest and limit arrives as the rest of the program knows it."""
    text = """
[[channels]]
name = "desk"
url = "json://receiver.example"
min_level = "medium"
timezone = "Europe/Berlin"
digest = ["07:00", "18:30"]
limit = "off"
[channels.quiet]
from = "22:00"
to = "06:30"
days = ["mon", "sun"]
breaks = "critical"
"""
    (channel,) = config.load(written(tmp_path, text)).all_channels
    assert channel.min_level is model.Level.MEDIUM
    assert channel.zone == "Europe/Berlin"
    assert channel.digest == (time(7), time(18, 30))
    assert channel.limit is None
    assert channel.quiet == model.QuietHours(time(22), time(6, 30), days=frozenset({0, 6}), breaks=model.Level.CRITICAL)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[poll]\nintervall = "5m"\n', "config.toml:2: unknown key 'intervall' (did you mean 'interval'?)"),
        (
            '[pol]\ninterval = "5m"\n',
            "config.toml:1: unknown key 'pol' (did you mean 'poll'?)",
        ),
        (
            '[poll]\ninterval = "5 parsecs"\n',
            (
                "config.toml:2: [poll] interval: '5 parsecs' is not a duration; "
                'write a number and a unit (s, m, h, d, w), like "10m" or "1h30m"'
            ),
        ),
        (
            "[poll]\ninterval = 600\n",
            (
                "config.toml:2: [poll] interval: 600 is not a duration; "
                'write a number and a unit (s, m, h, d, w), like "10m" or "1h30m"'
            ),
        ),
        ('[poll]\ntimeout = "10ms"\n', "config.toml:2: [poll] timeout: must be at least 1s"),
        (
            '[poll]\nmax_body = "8 stone"\n',
            (
                "config.toml:2: [poll] max_body: '8 stone' is not a size; "
                'write a number and a unit (kB, MB, KiB, MiB), like "8MiB"'
            ),
        ),
        (
            '[poll]\ninterval = "10m"\nmin_interval = "20m"\n',
            "config.toml:1: poll: min_interval must not be longer than interval, nor max_interval shorter",
        ),
        ("[poll]\nper_host = 0\n", "config.toml:2: [poll] per_host: input should be greater than or equal to 1"),
        (
            '[poll]\nallow_networks = ["localhost"]\n',
            (
                "config.toml:2: [poll] allow_networks: 'localhost' is not a network; write it as CIDR, like "
                "\"127.0.0.1/32\" ('localhost' does not appear to be an IPv4 or IPv6 network)"
            ),
        ),
        (
            '[poll]\nproxy = "ftp://localhost:1080"\n',
            (
                'config.toml:2: [poll] proxy: not a proxy that can be used; write "http://host:port" '
                '(http, https, socks5, socks5h, socks4, socks4a work), or "off"'
            ),
        ),
        (
            '[[feeds]]\nname = "A"\nurl = "ftp://a.example/feed"\n',
            "config.toml:3: [[feeds]] number 1 url: not an address that can be polled; write http://... or https://...",
        ),
        (
            '[[feeds]]\nname = "A"\nurl = "/etc/passwd"\n',
            "config.toml:3: [[feeds]] number 1 url: not an address that can be polled; write http://... or https://...",
        ),
        ('[[feeds]]\nname = "A"\n', "config.toml:1: [[feeds]] number 1 needs `url` (or url_env, url_file)"),
        (
            SMALL + '[[feeds]]\nname = "B"\nurl = "gopher://b"\n',
            "config.toml:6: [[feeds]] number 2 url: not an address that can be polled; write http://... or https://...",
        ),
        (
            SMALL + '[[feeds]]\nname = "Wire"\nurl = "https://b.example"\n',
            "config.toml: two feeds are named 'Wire'; names tell them apart, so change one",
        ),
        (
            SMALL + '[[feeds]]\nname = "Same"\nurl = "HTTPS://Wire.example:443/rss"\n',
            "config.toml: 'Same' has the same address as 'Wire'; keep one",
        ),
        (
            '[store]\nurl = "mysql://db"\n',
            (
                "config.toml:2: [store] url: not a database that is known; write sqlite:///monitor.db or "
                "postgresql+psycopg://user@host/name"
            ),
        ),
        (
            '[[channels]]\nname = "desk"\nurl = "json://x"\nmin_level = "urgent"\n',
            (
                "config.toml:4: [[channels]] number 1 min_level: input should be 'info', 'low', 'medium', 'high' or "
                "'critical'"
            ),
        ),
        (
            '[[channels]]\nname = "desk"\nurl = "json://x"\ntimezone = "Berlin"\n',
            (
                "config.toml:4: [[channels]] number 1 timezone: 'Berlin' is not a time zone that is known; "
                'write one like "Europe/Berlin"'
            ),
        ),
        ('[channels]\nurl = "x"\n', "config.toml:1: channels: write one table for each, beginning with [[channels]]"),
        ("store = 5\n", "config.toml:1: store: write a table: its name in brackets on a line, its keys below"),
        ('[rules]\npaths = "builtin"\n', 'config.toml:2: [rules] paths: write a list, like ["one", "two"]'),
        ("[rules]\npaths = []\n", "config.toml:2: [rules] paths: must not be empty"),
        ('[keep]\nentries = "0d"\n', "config.toml:2: [keep] entries: must be at least 1d"),
        ('[stories]\nwindow = "0s"\n', "config.toml:2: [stories] window: must be at least 1h"),
        (
            '[web]\nlisten = "x:99999"\n',
            'config.toml:2: [web] listen: write "host:port", like "127.0.0.1:8765", or "off"',
        ),
        (
            '[[feeds]]\nname = "A"\nurl = "https://a.example:99999/"\n',
            "config.toml:3: [[feeds]] number 1 url: not an address that can be polled; write http://... or https://...",
        ),
        (
            '[[feeds]]\nname = "A\\u001b[31m"\nurl = "https://a.example/"\n',
            "config.toml:2: [[feeds]] number 1 name: write a name of printable characters, without spaces around it",
        ),
        (
            '[[channels]]\nname = "the desk"\nurl = "json://x"\n',
            "config.toml:2: [[channels]] number 1 name: write letters, digits, '.', '_' and '-' only, like \"desk\"",
        ),
        (
            (
                '[[channels]]\nname = "a"\nurl = "json://x"\n[[channels]]\nname = "b"\nurl = "json://x"\n'
                '[channels.quiet]\nfrom = "25:00"\nto = "06:00"\n'
            ),
            'config.toml:8: [[channels]] number 2 from: write a time of day, like "22:00"',
        ),
        (
            'folder = "/x"\n',
            (
                "config.toml:1: unknown key 'folder' "
                "(known here: channels, feeds, heartbeat, keep, log, poll, rules, store, stories, web)"
            ),
        ),
        (
            '[poll]\ncontact = "d\u00e9sk@example.org"\n',
            "config.toml:2: [poll] contact: goes into the User-Agent header: printable ASCII only",
        ),
        (
            '[[channels]]\nname = "a"\nurl = "json://x"\n[channels.quiet]\nfrom = "06:00"\nto = "06:00"\n',
            (
                "config.toml:4: [[channels]] number 1 quiet: `from` and `to` are the same time, "
                "which would be quiet all day; write two different times"
            ),
        ),
        (
            "[[channels]]\nname = 'a'\nurl_file = 'gone.url'\n",
            "config.toml:3: gone.url cannot be read: No such file or directory",
        ),
        ("[poll\n", "config.toml:1:6: not TOML: Expected ']' at the end of a table declaration"),
    ],
)
def test_a_mistake_is_told_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    """Each mistake is one line: file, line, what is wrong, and what to write instead."""
    assert complaint(tmp_path, text) == said


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    """Two mistakes are two lines, so that nobody mends them one by one."""
    said = complaint(tmp_path, '[poll]\ninterval = "x"\n[web]\nlisten = "nowhere"\n').splitlines()
    assert [line.split(":")[1] for line in said] == ["2", "4"]


def test_a_mistake_in_feeds_toml_names_that_file(tmp_path: Path) -> None:
    """A complaint about feeds.toml says so."""
    said = complaint(tmp_path, SMALL, feeds='[[feeds]]\nname = "B"\nulr = "https://b.example"\n')
    assert said.splitlines()[0] == "feeds.toml:1: [[feeds]] number 1 needs `url` (or url_env, url_file)"
    assert said.splitlines()[1] == "feeds.toml:3: unknown key 'ulr' (did you mean 'url'?)"


def test_feeds_toml_holds_feeds_alone(tmp_path: Path) -> None:
    """Other tables in feeds.toml are refused, with where they belong."""
    said = complaint(tmp_path, SMALL, feeds='[poll]\ninterval = "5m"\n')
    assert said == "feeds.toml:1: only [[feeds]] may stand here, not 'poll'; move it to config.toml"


def test_a_secret_comes_from_the_environment(tmp_path: Path) -> None:
    """`url_env` names the variable that holds a channel's address."""
    path = written(tmp_path, '[[channels]]\nname = "desk"\nurl_env = "MONITOR_TEST_URL"\n')
    with environment(MONITOR_TEST_URL="json://receiver.example\n"):
        assert config.load(path).channels[0].url == "json://receiver.example"


def test_a_missing_variable_is_named(tmp_path: Path) -> None:
    """A variable that is not set is named with its place."""
    with environment(MONITOR_TEST_URL=None):
        said = complaint(tmp_path, '[[channels]]\nname = "desk"\nurl_env = "MONITOR_TEST_URL"\n')
    assert said == "config.toml:3: the environment variable MONITOR_TEST_URL is not set or empty; set it"


def test_a_secret_comes_from_a_file(tmp_path: Path) -> None:
    """`url_file` names a file, relative to the configuration."""
    (tmp_path / "desk.url").write_text("json://receiver.example\n", encoding="utf-8")
    path = written(tmp_path, '[[channels]]\nname = "desk"\nurl_file = "desk.url"\n')
    assert config.load(path).channels[0].url == "json://receiver.example"


def test_two_ways_to_a_secret_are_one_too_many(tmp_path: Path) -> None:
    """A URL that is given twice is refused, not chosen."""
    said = complaint(tmp_path, '[[channels]]\nname = "desk"\nurl = "json://a"\nurl_env = "X"\n')
    assert said.splitlines()[0] == "config.toml:4: url and url_env are both given; keep one"


def test_a_secret_is_in_no_complaint(tmp_path: Path) -> None:
    """A complaint never repeats what the URL says."""
    said = complaint(tmp_path, '[[feeds]]\nname = "A"\nurl = "ftp://user:hunter2@a.example/feed"\n')
    assert "hunter2" not in said


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 are told as that."""
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xff\xfe[poll]")
    with pytest.raises(errors.ConfigError, match=r"not UTF-8 text .byte 0.; save it as UTF-8"):
        config.load(path)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """A folder in the place of the file is told as that."""
    with pytest.raises(errors.ConfigError, match="it is a folder; name the file in it"):
        config.load(tmp_path)


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    """Six megabytes are no configuration."""
    path = tmp_path / "config.toml"
    path.write_text("#" * (6 * 1024 * 1024), encoding="utf-8")
    with pytest.raises(errors.ConfigError, match=r"larger than 5 MiB; that is no configuration"):
        config.load(path)


def test_feeds_that_cannot_be_written_are_told(tmp_path: Path) -> None:
    """A folder that is not there is told in one line."""
    with pytest.raises(errors.ConfigError, match=r"feeds.toml: cannot be written: No such file or directory"):
        config.add_feeds(tmp_path / "gone", [model.FeedSpec("A", "https://a.example/")])


def test_without_a_file_the_shipped_rules_and_stories_count() -> None:
    """No file at all: defaults, the shipped rules and the shipped known stories."""
    settings = config.load(None)
    assert settings.rules.paths == ("builtin",)
    assert settings.seed_paths == (shipped.SEEDS,)


def test_what_is_named_must_be_there(tmp_path: Path) -> None:
    """A configuration that is named and missing is no reason to take another one."""
    with pytest.raises(errors.ConfigError) as caught:
        config.find_file(tmp_path / "none.toml")
    assert str(caught.value) == (
        f"{tmp_path}/none.toml: no such file (--config); write one with `monitor init`, or name another"
    )


def test_the_environment_names_the_file(tmp_path: Path) -> None:
    """MONITOR_CONFIG names the configuration when the command does not."""
    path = written(tmp_path, SMALL)
    with environment(MONITOR_CONFIG=str(path)):
        assert config.find_file(None) == path


def test_feeds_are_added_with_comments_kept(tmp_path: Path) -> None:
    """Adding and removing feeds leaves the comments of feeds.toml as they are."""
    path = tmp_path / "feeds.toml"
    path.write_text('# ours\n[[feeds]]\nname = "A" # the first\nurl = "https://a.example/"\n', encoding="utf-8")
    spec = model.FeedSpec("B", "https://b.example/", ("wire",), timedelta(minutes=5), "B News", "en")
    config.add_feeds(tmp_path, [spec])
    assert "# ours" in path.read_text(encoding="utf-8")
    assert config.load(written(tmp_path, "")).specs[1] == spec
    assert config.remove_feed(path, "B")
    assert "# the first" in path.read_text(encoding="utf-8")
    assert [feed.name for feed in config.load(tmp_path / "config.toml").feeds] == ["A"]


def test_the_first_feed_makes_the_file(tmp_path: Path) -> None:
    """feeds.toml appears with the first feed that is added."""
    config.add_feeds(tmp_path, [model.FeedSpec("A", "https://a.example/")])
    assert [feed.name for feed in config.load(written(tmp_path, "")).feeds] == ["A"]


def test_removing_what_is_not_there_is_false(tmp_path: Path) -> None:
    """Without the file, or without the feed in it, nothing is removed."""
    assert not config.remove_feed(tmp_path / "feeds.toml", "A")
    (tmp_path / "feeds.toml").write_text("# none yet\n", encoding="utf-8")
    assert not config.remove_feed(tmp_path / "feeds.toml", "A")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("10m", 600), ("1h30m", 5400), ("7d", 604_800), ("2w", 1_209_600), ("1.5h", 5400)],
)
def test_durations_are_written_with_a_unit(text: str, seconds: int) -> None:
    """Durations are numbers with units, which may be put together."""
    assert units.parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["10", "", "m", "-5m", "1e9d", "10 m 5", "99999999d", None, True, 5])
def test_what_is_no_duration_is_refused(text: object) -> None:
    """A bare number is not a duration: nobody knows of what."""
    with pytest.raises(ValueError, match=r"duration|hundred years"):
        units.parse_duration(text)


@pytest.mark.parametrize(("text", "size"), [("8MiB", 8 * 1024**2), ("500kB", 500_000), ("1.5 KiB", 1536), (1000, 1000)])
def test_sizes_are_written_with_a_unit(text: object, size: int) -> None:
    """Sizes are numbers with units; a bare number is bytes."""
    assert units.parse_size(text) == size


@pytest.mark.parametrize("seconds", [0, 1, 59, 60, 600, 5400, 86_400, 604_800])
def test_durations_are_written_as_they_are_read(seconds: int) -> None:
    """What `format_duration` writes, `parse_duration` reads."""
    assert units.parse_duration(units.format_duration(timedelta(seconds=seconds))) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://news.example/feed", "HTTPS://NEWS.example:443/feed"),
        ("http://news.example", "http://news.example:80/"),
        ("http://news.example/~a/feed", "http://news.example/%7Ea/./x/../feed#top"),
        ("http://news.example/a%2Fb?q=%C3%A9", "http://news.example./a%2fb?q=%c3%a9"),
        ("http://bücher.example/feed", "http://xn--bcher-kva.example/feed"),
    ],
)
def test_equal_addresses_have_one_spelling(one: str, other: str) -> None:
    """Case of the host, the scheme's own port and needless percent signs and dots tell nothing; a path does."""
    assert config.spelling(one) == config.spelling(other)
    assert config.spelling(one) != config.spelling(one + "/more")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://news.example/a/b", "http://news.example/a%2Fb"),
        ("http://ann@news.example/", "http://ben@news.example/"),
        ("http://news.example/?a", "http://news.example/?b"),
        ("http://news.example/", "http://news.example:8080/"),
    ],
)
def test_different_addresses_have_different_spellings(one: str, other: str) -> None:
    """What a server may answer differently stays apart: another user, query, port, or a slash that is none."""
    assert config.spelling(one) != config.spelling(other)


def test_a_digest_may_have_a_cron_expression(tmp_path: Path) -> None:
    """digest_cron is read and checked; beside `digest` it is refused."""
    table = '[[channels]]\nname = "desk"\nurl = "stdout://"\n'
    path = written(tmp_path, table + 'digest_cron = "hourly"\n')
    digest = config.load(path).all_channels[0].digest
    assert isinstance(digest, model.Cron)
    assert digest.minutes == {0}
    said = complaint(tmp_path, table + 'digest_cron = "at noon"\n')
    assert said.startswith("config.toml:4: [[channels]] number 1 digest_cron: 'at noon' is no cron expression")
    assert "keep one" in complaint(tmp_path, table + 'digest = ["07:00"]\ndigest_cron = "hourly"\n')
