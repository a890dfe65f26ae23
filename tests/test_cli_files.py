"""The commands that write and check files: init, check, config, rules, seeds, notify, poll."""

import tomllib
from pathlib import Path

import pytest

from monitor import shipped
from tests.commands import SMALL_CONFIG, SMALL_RULES, environment, monitor, set_up

BUILDS_ON = """\
version: 1
rules:
  - id: frigates
    match: {near: [$state, frigate*]}
    tests: {match: [French frigate docks], no_match: [Frigate museum opens]}
  - override: {id: leader-visit, level: low}
"""


def here(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Run a command in a folder with the small set-up; status, output, complaint."""
    set_up(folder)
    found = monitor(*arguments, folder=folder)
    return found.status, found.out, found.err


# --- init -------------------------------------------------------------------------------------------------------


def test_what_init_writes_is_well(tmp_path: Path) -> None:
    """`monitor check` passes on what `monitor init` wrote, as it is."""
    assert monitor("init", "desk", folder=tmp_path).status == 0
    found = monitor("check", folder=tmp_path / "desk")
    assert (found.status, found.err) == (0, "")
    assert found.out.startswith("all is well: config.toml; ")


def test_init_says_what_people_must_know(tmp_path: Path) -> None:
    """Init names the known stories and how to take them out, where alerts go, and what to do next."""
    said = monitor("init", folder=tmp_path).out
    assert "Kim Jong Un invites Russia’s Putin to visit North Korea" in said
    assert "To take one out, delete its file" in said
    assert "Alerts go to standard output, until you set a channel" in said
    assert "monitor check" in said
    assert "monitor run" in said


def test_init_copies_the_known_stories_byte_for_byte(tmp_path: Path) -> None:
    """The seeds that init writes are those that ship."""
    monitor("init", folder=tmp_path)
    for seed in shipped.SEEDS.glob("*.txt"):
        assert (tmp_path / "seeds" / seed.name).read_bytes() == seed.read_bytes()


def test_init_overwrites_nothing(tmp_path: Path) -> None:
    """What is there stays as it is, and a seed that was taken out does not come back."""
    monitor("init", folder=tmp_path)
    (tmp_path / "config.toml").write_text(SMALL_CONFIG, encoding="utf-8")
    (tmp_path / "rules" / "own.yaml").write_text(SMALL_RULES, encoding="utf-8")
    gone = next((tmp_path / "seeds").iterdir())
    gone.unlink()
    found = monitor("init", folder=tmp_path)
    assert found.status == 0
    assert "kept  config.toml (it was there)" in found.out
    assert (tmp_path / "config.toml").read_text(encoding="utf-8") == SMALL_CONFIG
    assert (tmp_path / "rules" / "own.yaml").read_text(encoding="utf-8") == SMALL_RULES
    assert not gone.exists()


def test_init_names_the_channel_that_is_set(tmp_path: Path) -> None:
    """Where a channel is set already, it is named."""
    set_up(tmp_path, config=SMALL_CONFIG + '[[channels]]\nname = "desk"\nurl = "json://x.example"\n')
    assert "Alerts go to channel 'desk'." in monitor("init", folder=tmp_path).out


def test_init_writes_where_config_says(tmp_path: Path) -> None:
    """--config names the file to write; a folder and --config together are one too many."""
    assert monitor("init", "--config", "deep/desk.toml", folder=tmp_path).status == 0
    assert (tmp_path / "deep" / "desk.toml").exists()
    assert (tmp_path / "deep" / "seeds").is_dir()
    assert monitor("init", "x", "--config", "y.toml", folder=tmp_path).status == 2


def test_init_where_nothing_can_be_written_is_told(tmp_path: Path) -> None:
    """A place that cannot be written is one line."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    found = monitor("init", "file/desk", folder=tmp_path)
    assert found.status == 2
    assert (
        found.err
        == "file/desk/config.toml: cannot be written: Not a directory; name another folder: monitor init DIR\n"
    )


# --- check ------------------------------------------------------------------------------------------------------


def test_check_counts_what_it_looked_at(tmp_path: Path) -> None:
    """All is well is said with what was looked at."""
    assert here(tmp_path, "check") == (
        0,
        "all is well: config.toml; 1 feed; 2 rules; 0 known stories; alerts go to stdout\n",
        "",
    )


def test_check_takes_rules_alone(tmp_path: Path) -> None:
    """A folder of rules, or a file of them, is checked without any configuration."""
    set_up(tmp_path / "a")
    assert monitor("check", "a/rules", folder=tmp_path).out == "all is well: 2 rules\n"
    assert monitor("check", "a/rules/own.yaml", folder=tmp_path).out == "all is well: 2 rules\n"
    assert monitor("check", "a", folder=tmp_path).out.startswith("all is well: a/config.toml; ")


def test_the_shipped_rules_are_well(tmp_path: Path) -> None:
    """The shipped rules pass their own tests; without a configuration, they are what is checked."""
    with environment(MONITOR_CONFIG=None, XDG_CONFIG_HOME=str(tmp_path)):
        found = monitor("check", folder=tmp_path)
    assert found.err == ""
    assert found.status == 0


def test_a_failing_test_is_found(tmp_path: Path) -> None:
    """A headline that does not do what the rule's tests say is status 3, with its place."""
    rules = SMALL_RULES.replace('no_match: ["Cup tie postponed"]', 'no_match: ["US warns of sanctions"]')
    set_up(tmp_path, rules=rules)
    found = monitor("check", folder=tmp_path)
    assert found.status == 3
    assert found.out.startswith("rules/own.yaml:")
    assert "US warns of sanctions" in found.out
    (row,) = monitor("check", "--json", folder=tmp_path).rows
    assert row["severity"] == "warning"


def test_names_that_name_nothing_are_found(tmp_path: Path) -> None:
    """A channel that a rule names, and a rule or feed that a channel names, must exist."""
    channel = '[[channels]]\nname = "desk"\nurl = "json://x.example"\nrules = ["state-visits"]\nfeeds = ["Wyre"]\n'
    set_up(tmp_path, config=SMALL_CONFIG + channel, rules=SMALL_RULES.replace("level: high", "channels: [dekc]"))
    found = monitor("check", folder=tmp_path)
    assert found.status == 3
    assert found.out.splitlines()[:3] == [
        "rule sanctions-threat: no channel is called 'dekc' (did you mean 'desk'?), so it reaches nobody there",
        "channel 'desk': no rule is called 'state-visits' (did you mean 'state-visit'?)",
        "channel 'desk': no feed is called 'Wyre' (did you mean 'Wire'?)",
    ]


def test_feeds_that_name_nothing_are_found(tmp_path: Path) -> None:
    """A feed or a tag that a rule names must exist; a channel may name a feed's tag."""
    feed = SMALL_CONFIG.replace("[rules]", 'tags = ["wires"]\n\n[rules]')
    channel = '[[channels]]\nname = "desk"\nurl = "json://x.example"\nfeeds = ["wires"]\n'
    rules = SMALL_RULES.replace("level: high", "feeds: {names: [Wyre], tags: [wire]}")
    set_up(tmp_path, config=feed + channel, rules=rules)
    found = monitor("check", folder=tmp_path)
    assert found.status == 3
    assert found.out.splitlines()[:-1] == [
        "rule sanctions-threat: no feed is called 'Wyre' (did you mean 'Wire'?)",
        "rule sanctions-threat: no feed bears the tag 'wire' (did you mean 'wires'?)",
    ]


def test_rules_alone_may_build_on_the_shipped_ones(tmp_path: Path) -> None:
    """A file that names a shipped list, rule or both is checked, and replayed, with the shipped ones."""
    (tmp_path / "own.yaml").write_text(BUILDS_ON, encoding="utf-8")
    checked = monitor("check", "own.yaml", folder=tmp_path)
    assert (checked.status, checked.err) == (0, "")
    assert checked.out.endswith(" rules; with the shipped ones, which these need\n")
    entry = b'{"title": "French frigate docks"}\n'
    (row,) = monitor("replay", "-", "--rules", "own.yaml", folder=tmp_path, stdin=entry).rows
    assert row["rules"] == ["frigates"]
    (tmp_path / "own.yaml").write_text(BUILDS_ON.replace("$state", "$stat"), encoding="utf-8")
    assert "did you mean `state`?" in monitor("check", "own.yaml", folder=tmp_path).err


def test_rules_are_compared_with_the_shipped_ones_beside_them(tmp_path: Path) -> None:
    """`replay --diff` takes several folders, so that "builtin" and one's own stand together."""
    (tmp_path / "own.yaml").write_text(SMALL_RULES, encoding="utf-8")
    entries = b'{"title": "Germany to supply 20 Leopard tanks to Ukraine"}\n{"title": "Putin arrives in Hanoi"}\n'
    diff = ("replay", "-", "--rules", "builtin", "--diff")
    with environment(MONITOR_CONFIG=None, XDG_CONFIG_HOME=str(tmp_path)):
        alone = monitor(*diff, "own.yaml", folder=tmp_path, stdin=entries)
        beside = monitor(*diff, "builtin", "--diff", "own.yaml", folder=tmp_path, stdin=entries)
    assert "arms-deal: +0 -1" in alone.out
    assert "arms-deal" not in beside.out


def test_every_file_is_checked_at_once(tmp_path: Path) -> None:
    """Broken rules, a broken seed and a broken channel are told in one go, with status 2."""
    config = SMALL_CONFIG + '[[channels]]\nname = "desk"\nurl = "slak://x"\n'
    set_up(tmp_path, config=config, rules=SMALL_RULES.replace("level: high", "level: loud"))
    (tmp_path / "seeds" / "empty.txt").write_text("", encoding="utf-8")
    found = monitor("check", folder=tmp_path)
    assert found.status == 2
    told = [line.split(":")[0] for line in found.err.splitlines()]
    assert told[:3] == ["rules/own.yaml", "seeds/empty.txt", "config.toml"]


def test_a_missing_seeds_folder_is_found(tmp_path: Path) -> None:
    """A folder of known stories that is not there is worth a look."""
    set_up(tmp_path)
    (tmp_path / "seeds").rmdir()
    found = monitor("check", folder=tmp_path)
    assert found.status == 3
    assert found.out.startswith("seeds: no such folder of known stories; make it, or change [stories] seeds\n")


def test_an_encoder_that_cannot_be_used_is_found(tmp_path: Path) -> None:
    """The daemon would go on with words alone, so it is worth a look."""
    set_up(tmp_path, config=f'{SMALL_CONFIG}[stories]\nencoder = "modle"\n')
    checked = monitor("check", folder=tmp_path)
    assert checked.status == 3
    assert "[stories] encoder: " in checked.out
    assert "modle: there is no such folder" in checked.out
    assert checked.err == ""


# --- config -----------------------------------------------------------------------------------------------------


def test_secrets_are_masked(tmp_path: Path) -> None:
    """`config show` tells every setting, and no secret."""
    config = """
[store]
url = "postgresql://monitor:hunter2@db/monitor"
[[feeds]]
name = "Wire"
url = "https://user:hunter2@wire.example/rss?token=hunter2"
headers = { Authorization = "Bearer hunter2" }
[[channels]]
name = "desk"
url = "slack://hunter2/b/c"
"""
    set_up(tmp_path, config=config)
    for arguments in (("config", "show"), ("config", "show", "--json"), ("feeds", "list")):
        found = monitor(*arguments, folder=tmp_path)
        assert "hunter2" not in found.out + found.err
    (row,) = monitor("config", "show", "--json", folder=tmp_path).rows
    assert row["store"]["url"] == "postgresql+psycopg://monitor:***@db/monitor"
    assert row["feeds"][0]["url"] == "https://user:***@wire.example/rss?token=***"
    assert row["channels"][0]["url"] == "slack://***"
    assert row["poll"]["interval"] == "10m"


def test_what_is_shown_is_toml(tmp_path: Path) -> None:
    """What `config show` prints is a configuration that says the same."""
    quiet = '[[channels]]\nname = "desk"\nurl = "json://x"\n[channels.quiet]\nfrom = "22:00"\nto = "06:00"\n'
    set_up(tmp_path, config=SMALL_CONFIG + quiet)
    tables = tomllib.loads(monitor("config", "show", folder=tmp_path).out)
    assert tables["feeds"][0]["name"] == "Wire"
    assert tables["channels"][0]["quiet"]["from"] == "22:00:00"
    assert tables["poll"]["max_entry_age"] == "2d"


# --- rules and seeds --------------------------------------------------------------------------------------------


def test_rules_are_listed(tmp_path: Path) -> None:
    """The rules in force, with level and tags."""
    set_up(tmp_path)
    rows = monitor("rules", "list", "--json", folder=tmp_path).rows
    assert [(row["id"], row["level"]) for row in rows] == [("sanctions-threat", "high"), ("state-visit", "medium")]
    assert "Sanctions threat" in monitor("rules", "list", folder=tmp_path).out


def test_a_shipped_rule_is_taken_over(tmp_path: Path) -> None:
    """A copied rule stands in a file of its own, replaces the shipped one, and is well as it is."""
    set_up(tmp_path, config=SMALL_CONFIG.replace('["rules"]', '["builtin", "rules"]'), rules="version: 1\n")
    ids = [row["id"] for row in monitor("rules", "list", "--json", folder=tmp_path).rows]
    for rule in ids:
        found = monitor("rules", "copy", rule, folder=tmp_path)
        assert (found.status, found.err) == (0, "")
    assert sorted(row["id"] for row in monitor("rules", "list", "--json", folder=tmp_path).rows) == sorted(ids)
    checked = monitor("check", folder=tmp_path)
    assert (checked.status, checked.err) == (0, "")
    again = monitor("rules", "copy", ids[0], folder=tmp_path)
    assert (again.status, again.err) == (2, f"rules/{ids[0]}.yaml: is there already; edit that one\n")


def test_a_copied_rule_can_be_edited(tmp_path: Path) -> None:
    """What is changed in the copy is what is in force."""
    set_up(tmp_path, config=SMALL_CONFIG.replace('["rules"]', '["builtin", "rules"]'), rules="version: 1\n")
    monitor("rules", "copy", "sanctions-threat", folder=tmp_path)
    path = tmp_path / "rules" / "sanctions-threat.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("level: high", "level: critical"), encoding="utf-8")
    rows = {row["id"]: row for row in monitor("rules", "list", "--json", folder=tmp_path).rows}
    assert rows["sanctions-threat"]["level"] == "critical"


def test_a_rule_that_is_not_there_is_told(tmp_path: Path) -> None:
    """The nearest name is offered."""
    assert here(tmp_path, "rules", "copy", "state-vist") == (
        2,
        "",
        "no rule is called 'state-vist' (did you mean 'state-visit'?); see `monitor rules list`\n",
    )


def test_without_a_folder_of_ones_own_nothing_is_copied(tmp_path: Path) -> None:
    """A rule is copied into a folder of one's own; without one, that is said."""
    set_up(tmp_path, config=SMALL_CONFIG.replace('["rules"]', '["builtin"]'))
    found = monitor("rules", "copy", "sanctions-threat", folder=tmp_path)
    assert found.status == 2
    assert found.err == ('there is no rules folder of your own; add one to [rules] paths: ["builtin", "rules"]\n')


def test_a_known_story_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    """The same text under another name is not added again."""
    set_up(tmp_path)
    (tmp_path / "a.txt").write_text("Putin to visit\n\nHe will.\n", encoding="utf-8")
    (tmp_path / "b.txt").write_text("Putin to visit\n\nHe will.\n", encoding="utf-8")
    assert monitor("seeds", "add", "a.txt", folder=tmp_path).status == 0
    assert monitor("seeds", "add", "b.txt", folder=tmp_path).status == 2
    assert [path.name for path in (tmp_path / "seeds").iterdir()] == ["a.txt"]


def test_a_known_story_is_added(tmp_path: Path) -> None:
    """From a title and lead, or from a file; it is listed as not loaded before the first run."""
    set_up(tmp_path)
    added = monitor(
        "seeds", "add", "--title", "Kim to visit", "--text", "Lead.", "--date", "2026-11-20", folder=tmp_path
    )
    assert added.out == "wrote seeds/kim-to-visit.md: what retells 'Kim to visit' is not alerted from now on\n"
    (tmp_path / "more.txt").write_text("Putin to visit\n\nHe will.\n", encoding="utf-8")
    assert monitor("seeds", "add", "more.txt", folder=tmp_path).status == 0
    rows = monitor("seeds", "list", "--json", folder=tmp_path).rows
    assert [(row["name"], row["published_at"]) for row in rows] == [
        ("kim-to-visit.md", "2026-11-20T00:00:00Z"),
        ("more.txt", None),
    ]
    assert "not loaded yet" in monitor("seeds", "list", folder=tmp_path).out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "give either a FILE or URL, or a --title (with --text)\n"),
        (("none.txt",), "none.txt"),
        (("own.txt",), "seeds/own.txt: is there already; rename the file, or edit that one\n"),
    ],
)
def test_a_known_story_that_cannot_be_is_told(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    """Nothing to add, a missing file, and a name that is taken are one line each."""
    set_up(tmp_path)
    for place in (tmp_path / "own.txt", tmp_path / "seeds" / "own.txt"):
        place.write_text("A title\n\nA lead.\n", encoding="utf-8")
    found = monitor("seeds", "add", *arguments, folder=tmp_path)
    assert found.status == 2
    assert found.err.startswith(said)
    assert found.err.count("\n") == 1


# --- channels, poll, run ----------------------------------------------------------------------------------------


def test_a_channel_is_tried(tmp_path: Path) -> None:
    """A lifelike alert goes to the channel at once, plainly a test, and what happened is said."""
    set_up(tmp_path)
    found = monitor("notify", "test", "stdout", folder=tmp_path)
    assert found.status == 0
    assert "TEST: US warns Pyongyang and Moscow of new sanctions" in found.out
    assert "channel 'stdout' took the test alert: [HIGH] Sanctions threat: TEST" in found.out


def test_a_channel_that_refuses_is_told(tmp_path: Path) -> None:
    """A channel that cannot be reached is one line with the reason, and status 1."""
    set_up(tmp_path, config=SMALL_CONFIG + '[[channels]]\nname = "desk"\nurl = "json://127.0.0.1:9/hook-hunter2"\n')
    found = monitor("notify", "test", "desk", folder=tmp_path)
    assert found.status == 1
    assert found.err.startswith("channel 'desk' did not take it: ")
    assert found.err.count("\n") == 1


def test_a_channel_that_is_not_there_is_told(tmp_path: Path) -> None:
    """The nearest name and those that are known are offered."""
    assert here(tmp_path, "notify", "test", "stdot") == (
        2,
        "",
        "no channel is called 'stdot' (did you mean 'stdout'?); known: stdout\n",
    )


def test_a_poll_of_an_unknown_feed_is_told(tmp_path: Path) -> None:
    """`poll --feed` names a feed of the files."""
    assert here(tmp_path, "poll", "--feed", "Wyre") == (
        2,
        "",
        "no feed is called 'Wyre' (did you mean 'Wire'?); see `monitor feeds list`\n",
    )
