"""Explain: what matched and why, what did not and why not, which story, and channel by channel."""

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from monitor import clock, explain, match, model, rules
from monitor.store import tables
from tests import builders
from tests.commands import SMALL_CONFIG, SMALL_RULES, came_in, environment, monitor, set_up
from tests.desks import changed

WARNED = "US warns Pyongyang and Moscow of new sanctions"
RETOLD = "US warns Pyongyang and Moscow of new sanctions, official says"
CUP = "Cup tie postponed after storm"
CHANNELS = """
[[channels]]
name = "desk"
url = "json://127.0.0.1:9/"
[[channels]]
name = "phone"
url = "json://127.0.0.1:9/phone"
min_level = "critical"
"""


def ground(text: str = SMALL_RULES, *channels: model.Channel, **more: object) -> explain.Ground:
    """Return small rules and one channel to judge by."""
    made = channels or (model.Channel("desk", "json://x"),)
    return explain.Ground(rules.from_files({"own.yaml": text}), made, **more)  # type: ignore[arg-type]


def of(title: str, judged: explain.Ground | None = None, **changes: object) -> explain.Explanation:
    """Explain a headline without a store."""
    entry = builders.an_entry(id=0, title=title, summary="", **changes)
    return explain.explain(entry, judged or ground(), now=builders.NOON)


# --- the pure part ----------------------------------------------------------------------------------------------


def test_a_match_comes_with_its_words_and_its_channels() -> None:
    """What matched, with its words; a new story; and what each channel would get."""
    found = of(WARNED)
    assert [one.rule.id for one in found.matches] == ["sanctions-threat"]
    assert [one.text for one in found.matches[0].evidence] == ["warns", "sanctions"]
    assert found.assignment is not None
    assert found.assignment.kind is model.Kind.NEW
    (decision,) = found.channels
    assert (decision.verdict, decision.reason) == (model.Verdict.SEND, model.Reason.NEW_STORY)


def test_what_matches_nothing_is_decided_nowhere() -> None:
    """Without a match there is no story and no channel, and the traces say why not."""
    found = of(CUP)
    assert (found.matches, found.assignment, found.channels) == ((), None, ())
    assert [trace.holds for trace in found.traces] == [False, False]


def test_the_nearest_miss_comes_first() -> None:
    """Of the rules that do not match, the one of which most holds comes first."""
    found = of("President opens a bakery")
    assert [trace.label for trace in found.traces] == ["state-visit", "sanctions-threat"]
    assert explain.nearness(found.traces[0]) > explain.nearness(found.traces[1]) == 0.0


def test_every_rule_has_a_trace() -> None:
    """Those that match come first, and none is left out."""
    found = of("Putin arrives, warns of sanctions")
    assert {trace.label for trace in found.traces} == {"sanctions-threat", "state-visit"}
    assert all(trace.holds for trace in found.traces)


def test_a_known_story_is_named() -> None:
    """Without a store, the files' known stories are the stories: the one that was joined is named."""
    seed = model.Seed("known.txt", WARNED, "Washington warned both.", "f", published_at=builders.NOON)
    found = of(RETOLD, ground(SMALL_RULES, seeds=(seed,)))
    assert found.assignment is not None
    assert found.assignment.kind is model.Kind.DUPLICATE
    assert found.story == explain.Known(WARNED, None, ("known.txt",))
    assert found.channels[0].reason is model.Reason.KNOWN_STORY


def test_a_channel_below_whose_level_it_is_says_so() -> None:
    """Each channel has its own reason."""
    loud = model.Channel("phone", "json://x", min_level=model.Level.CRITICAL)
    found = of(WARNED, ground(SMALL_RULES, loud, model.Channel("desk", "json://x")))
    assert [decision.reason for decision in found.channels] == [model.Reason.BELOW_LEVEL, model.Reason.NEW_STORY]


def test_alternatives_that_did_not_decide_are_left_out() -> None:
    """Of alternatives, a tree shows those that hold; where none does, the nearest."""
    text = """
version: 1
rules:
  - id: many
    match:
      any:
        - near: [grain, corridor]
        - near: [sanction*, warn*]
        - near: [wheat, harvest, port]
"""
    judged = ground(text)
    (held,) = of(WARNED, judged).traces
    shown = list(explain.pruned(held).lines())
    assert any("sanction*" in line for line in shown)
    assert not any("grain" in line for line in shown)
    (missed,) = of("Wheat harvest fails", judged).traces
    shown = list(explain.pruned(missed).lines())
    assert any("wheat" in line for line in shown)
    assert not any("grain" in line for line in shown)
    assert any("grain" in line for line in missed.lines())


def test_a_trace_that_holds_is_nearest_of_all() -> None:
    """Nearness is 2 for a match, and below 1 for a miss."""
    assert explain.nearness(match.Trace("r", holds=True)) == 2.0
    assert explain.nearness(match.Trace("r", holds=False)) == 0.0


# --- as a command -----------------------------------------------------------------------------------------------


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """Return a folder in which one story was told twice, and one entry matched nothing."""
    path = set_up(tmp_path, config=SMALL_CONFIG + CHANNELS)
    at = clock.now() - timedelta(minutes=5)
    came_in(path, WARNED, CUP, at=at)
    came_in(path, RETOLD, at=at + timedelta(minutes=1))
    return tmp_path


def test_a_headline_is_explained(tmp_path: Path) -> None:
    """Marked words, the rule's tree, the story, and each channel's lot."""
    set_up(tmp_path, config=SMALL_CONFIG + CHANNELS)
    found = monitor("explain", WARNED, folder=tmp_path)
    assert found.status == 0
    assert found.out.startswith("US «warns» Pyongyang and Moscow of new «sanctions»\n")
    assert "✓ sanctions-threat  [high]" in found.out
    assert "Story: a new one." in found.out
    assert "  desk: sent: new story\n" in found.out
    assert "  phone: not sent: below" in found.out


def test_why_not_is_explained(tmp_path: Path) -> None:
    """A headline that matches nothing is told with the rule that came nearest."""
    set_up(tmp_path)
    found = monitor("explain", "US imposes sanctions on a bakery", folder=tmp_path)
    assert found.status == 0
    assert "No rule matches (2 looked at), so nothing is alerted." in found.out
    assert "Came nearest:\n  ✗ sanctions-threat" in found.out
    assert "✓ sanction*: “sanctions”" in found.out
    assert "state-visit" not in found.out
    assert "✗ state-visit" in monitor("explain", "US imposes sanctions on a bakery", "--all", folder=tmp_path).out


def test_it_works_without_a_configuration(tmp_path: Path) -> None:
    """Without a configuration the shipped rules and known stories judge."""
    with environment(MONITOR_CONFIG=None, XDG_CONFIG_HOME=str(tmp_path)):
        found = monitor(
            "explain", "Putin accepts Kim Jong Un's invitation to visit North Korea, KCNA says", folder=tmp_path
        )
    assert found.status == 0
    assert "Story: duplicate of" in found.out
    assert "a known story (" in found.out
    assert "stdout: not sent:" in found.out
    assert not list(tmp_path.iterdir())


def test_explaining_makes_no_database(tmp_path: Path) -> None:
    """A look leaves nothing behind."""
    set_up(tmp_path)
    monitor("explain", WARNED, folder=tmp_path)
    assert not (tmp_path / "monitor.db").exists()


def test_a_silence_is_named(desk: Path) -> None:
    """A silenced rule is told channel by channel, with the silence's number."""
    monitor("silence", "add", "--rule", "sanctions-threat", "--for", "1h", folder=desk)
    shown = monitor("explain", "Minister threatens sanctions over the canal", folder=desk).out
    assert "  desk: not sent: silence (1)" in shown


def test_what_waits_is_told(tmp_path: Path) -> None:
    """A rule that wants two outlets is told as waiting."""
    rules_text = SMALL_RULES.replace("level: high", "level: high\n    min_sources: 2")
    set_up(tmp_path, rules=rules_text)
    shown = monitor("explain", WARNED, folder=tmp_path).out
    assert "stdout: not sent: waits for more sources (1 of 2 sources)" in shown


def test_an_alert_is_explained_as_then_and_as_today(desk: Path) -> None:
    """What is stored: the decision of then, where its message stands, and what today's rules say."""
    shown = monitor("explain", "A-1", folder=desk).out
    assert "entry 1 of feed 'Wire'" in shown
    assert "new of story S-1, sanctions-threat" in shown
    assert "desk: sent: new story; now pending" in shown
    assert "Today the same rules match:" in shown
    assert "Story: a new one." in shown


def test_rules_that_changed_since_are_told(desk: Path) -> None:
    """When today's rules no longer match, that is said."""
    (desk / "rules" / "own.yaml").write_text(SMALL_RULES.replace("sanction*", "tariff*"), encoding="utf-8")
    shown = monitor("explain", "1", folder=desk).out
    assert "Today other rules match: then sanctions-threat; now none\n" in shown
    assert "No rule matches" in shown


def test_a_duplicate_names_what_swallowed_it(desk: Path) -> None:
    """The entry that retold the story names the story, and is not explained by itself."""
    (row,) = monitor("explain", "3", "--json", folder=desk).rows
    assert row["then"]["decision"] == "duplicate"
    assert row["decision"] == "duplicate"
    assert row["story"] == 1
    shown = monitor("explain", "3", folder=desk).out
    assert f'Story: duplicate of S-1 "{WARNED}"' in shown


def test_an_address_finds_the_entry(desk: Path) -> None:
    """A stored entry is found by its address."""
    url = monitor("entries", "search", "cup", "--json", folder=desk).rows[0]["url"]
    (row,) = monitor("explain", url, "--json", folder=desk).rows
    assert (row["title"], row["rules"], row["status"]) == (CUP, [], "processed")


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("A-99", "no alert A-99 is stored; see `monitor alerts list`\n"),
        ("99", "no entry 99 is stored; see `monitor entries search`\n"),
        ("  ", 'there is no text to explain; write a headline: monitor explain "US warns of new sanctions"\n'),
    ],
)
def test_what_is_not_stored_is_told(desk: Path, what: str, said: str) -> None:
    """A number that names nothing is told, not explained as a headline."""
    found = monitor("explain", what, folder=desk)
    assert (found.status, found.err) == (2, said)


def test_a_stored_headline_is_found(desk: Path) -> None:
    """A headline that the store has is explained as the entry it is; with --summary and the like, as a text."""
    (row,) = monitor("explain", WARNED, "--json", folder=desk).rows
    assert (row["entry"], row["then"]["decision"]) == (1, "new")
    (row,) = monitor("explain", WARNED, "--language", "en", "--json", folder=desk).rows
    assert (row["entry"], row["then"]) == (None, None)


def test_what_no_feed_carried_is_told_with_what_is_nearest(desk: Path) -> None:
    """A headline that is not stored is explained, and those that are likest are named with what became of them."""
    shown = monitor("explain", "Cup tie postponed by frost", folder=desk).out
    assert "No rule matches (2 looked at)" in shown
    told = shown[shown.index("No feed carried this headline.") :].splitlines()
    assert told[1:3] == ["Stored entries that are most like it:", f"  2  {CUP}"]
    assert told[3].endswith(" UTC: matched no rule")
    assert len(told) == 4
    (row,) = monitor("explain", "Pyongyang and Moscow: US warns of sanctions", "--json", folder=desk).rows
    assert [one["became"] for one in row["nearest"]] == ["new of S-1", "duplicate of S-1"]


def test_an_address_that_no_feed_carried_is_told(desk: Path) -> None:
    """The words of an address are compared with titles; how to try its headline is said."""
    found = monitor("explain", "https://a.example/2026/cup-tie-postponed-after-all.html", folder=desk)
    assert (found.status, found.err) == (0, "")
    assert found.out.splitlines()[:4] == [
        "No feed carried https://a.example/2026/cup-tie-postponed-after-all.html.",
        'What the rules make of its headline: monitor explain "HEADLINE"',
        "Stored entries that are most like it:",
        f"  2  {CUP}",
    ]
    (row,) = monitor("explain", "https://a.example/x", "--json", folder=desk).rows
    assert row == {"entry": None, "url": "https://a.example/x", "nearest": [], "down": []}


def test_an_address_without_a_store_is_told(tmp_path: Path) -> None:
    """Before anything came in, an address is told as not carried, and nothing is made."""
    set_up(tmp_path)
    assert monitor("explain", "https://a.example/x", folder=tmp_path).out.startswith("No feed carried https://")
    assert not (tmp_path / "monitor.db").exists()


def test_the_feeds_that_were_down_are_named(desk: Path) -> None:
    """What is not stored may have been in a feed that could not be polled meanwhile."""
    store, now = changed(desk), clock.now()
    with store.write() as tx:
        outage = {"feed_id": 1, "began_at": now - timedelta(hours=1), "ended_at": None, "error": "HTTP 503", "polls": 3}
        tx.connection().execute(sa.insert(tables.outages).values(**outage))
    store.close()
    shown = monitor("explain", "Quake in Chile", folder=desk).out
    assert "Feeds that were down meanwhile, and may have carried it:\n  Wire: " in shown
    assert " to now: HTTP 503\n" in shown
    assert "Feeds that were down" not in monitor("explain", "Quake in Chile", "--at", "2026-01-01", folder=desk).out


def test_the_channels_of_today_stand_beside_those_of_then(desk: Path) -> None:
    """For what is stored, what each channel would get today is told: its own alert does not count as told."""
    shown = monitor("explain", "1", folder=desk).out
    assert "  desk: sent: new story; now pending\n" in shown
    today = shown[shown.index("Channels, if it were decided today:") :].splitlines()[1:]
    assert [line.split(" (")[0] for line in today] == [
        "  desk: sent: new story",
        "  phone: not sent: below the channel's level",
    ]
    monitor("silence", "add", "--rule", "sanctions-threat", "--for", "1h", folder=desk)
    assert "  desk: not sent: silence (1)" in monitor("explain", "1", folder=desk).out
    assert monitor("explain", "3", "--json", folder=desk).rows[0]["channels"][0]["reason"] == "silenced"


def test_a_duplicate_would_still_be_one_today(desk: Path) -> None:
    """What retold a story that a channel was told is not sent there today either."""
    (row,) = monitor("explain", "3", "--json", folder=desk).rows
    assert [one["reason"] for one in row["channels"]] == ["already_told", "below_level"]


def test_a_feed_that_is_named_counts(tmp_path: Path) -> None:
    """--feed brings the feed's tags; --language, --summary and --at count as if they came in."""
    text = SMALL_RULES.replace("level: high", "level: high\n    feeds: {tags: [wire]}\n    languages: [en]")
    set_up(tmp_path, config=SMALL_CONFIG.replace("[rules]", 'tags = ["wire"]\n[rules]'), rules=text)
    more = ("--summary", "Officials warn of sanctions.", "--language", "en", "--at", "2026-11-20", "--json")
    (row,) = monitor("explain", "Talks end", "--feed", "Wire", *more, folder=tmp_path).rows
    assert row["rules"] == ["sanctions-threat"]
    (row,) = monitor("explain", WARNED, "--feed", "Wire", "--language", "fr", "--json", folder=tmp_path).rows
    assert row["rules"] == []
    assert monitor("explain", WARNED, "--feed", "Wyre", folder=tmp_path).status == 2
