"""The demo's parts that need no daemon: its verdict, its screen, its configuration."""

import asyncio
import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from monitor import config, errors, model, send
from monitor.demo import follow, formats, mail, news, screen, server, show, stage, verdict
from monitor.store import stories
from tests import builders

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
OUTLETS = news.load()


def an_outcome(**changes: Any) -> verdict.Outcome:
    """Return an outcome in which all came as it should, on one channel."""
    told = [_alert_about(story) for story in verdict.expected(OUTLETS)]
    plain: dict[str, Any] = {
        "processed": 160,
        "entries": 160,
        "sent": {"mail": {"alert:1:mail"}},
        "arrived": {"mail": {"alert:1:mail"}},
        "told": {"mail": told},
    }
    return verdict.Outcome(**plain | changes)


def test_all_is_well_when_every_expected_story_was_told() -> None:
    """No complaint when everything was processed, sent, received, and every expected story told."""
    assert verdict.judge(OUTLETS, an_outcome()) == ()


def test_a_story_that_nobody_told_is_named() -> None:
    """An expected story without an alert is a complaint that names the channel and the story."""
    told = [_alert_about(story) for story in verdict.expected(OUTLETS) if story != "dhow"]
    assert verdict.judge(OUTLETS, an_outcome(told={"mail": told})) == ("mail: no alert about 'dhow'",)


def test_a_known_story_that_was_told_is_a_failure() -> None:
    """What retells the known story must not be alerted."""
    told = [_alert_about(story) for story in (*verdict.expected(OUTLETS), verdict.KNOWN)]
    assert verdict.judge(OUTLETS, an_outcome(told={"mail": told})) == ("mail: the known story was alerted",)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"processed": 159}, "159 of 160 entries were processed"),
        ({"arrived": {"mail": set()}}, "mail: alert:1:mail was sent and did not arrive"),
        ({"status": -9}, "the daemon ended with exit status -9"),
    ],
)
def test_what_was_lost_is_named(changes: dict[str, Any], complaint: str) -> None:
    """An unprocessed entry, a lost message and a daemon that did not drain are each a complaint."""
    assert verdict.judge(OUTLETS, an_outcome(**changes)) == (complaint,)


def test_the_expected_stories_are_recent_and_do_not_retell_the_known_one() -> None:
    """Twenty or more stories must be told; what is too old at the first poll and what is known must not."""
    expected = verdict.expected(OUTLETS)
    assert len(expected) >= 20
    assert verdict.KNOWN not in expected
    assert "canada-list" not in expected


def test_a_near_miss_that_was_alerted_is_a_surprise() -> None:
    """An alert about what was marked to be silent is told in the end."""
    alerts = [_alert_about("doping-cyclist"), _alert_about("dhow")]
    assert verdict.surprises(OUTLETS, alerts) == (alerts[0].entry.title,)


def test_without_a_terminal_the_screen_is_plain_lines() -> None:
    """No control codes, nothing wrapped: what happened, the words that matched, the story and why on a line each."""
    out = io.StringIO()
    view = screen.Screen(Console(file=out, markup=False, emoji=False, highlight=False, width=40))
    view.decided(3.25, _decided(model.Kind.DUPLICATE))
    assert out.getvalue().splitlines() == [
        "  3.2s  DUPLICATE  [high] US warns Pyongyang and Moscow of new sanctions (Reuters)",
        " " * 19 + "Sanctions threat: \u201cwarns\u201d \u201csanctions\u201d",
        " " * 19 + "0.83 like \u201cWashington warns\u201d: the same names",
        " " * 19 + "not sent: this channel was told the story",
    ]


def test_an_update_says_what_is_new() -> None:
    """Below an update stands what it brings."""
    out = io.StringIO()
    _plain(out).decided(1.0, _decided(model.Kind.UPDATE, news="now 120, not 96"))
    assert " " * 19 + "new: now 120, not 96" in out.getvalue().splitlines()


def test_on_a_terminal_the_screen_has_colours_and_keeps_to_its_width() -> None:
    """Long titles are wrapped beside their label."""
    out = io.StringIO()
    console = Console(
        file=out, force_terminal=True, color_system="standard", markup=False, emoji=False, highlight=False, width=40
    )
    screen.Screen(console).event(1.0, "NEW", "A title that is much longer than forty columns are")
    assert "\x1b[1;32mNEW" in out.getvalue()
    assert len(out.getvalue().splitlines()) > 1


def test_what_was_there_before_takes_one_line() -> None:
    """An entry of a first poll is one line, whatever became of it."""
    out = io.StringIO()
    view = screen.Screen(Console(file=out, width=300))
    seen = _decided(model.Kind.NEW, entry=builders.an_entry(first_poll=True))
    view.decided(1.0, seen)
    assert len(out.getvalue().splitlines()) == 1


def test_the_summary_has_a_line_for_each_count() -> None:
    """Without a terminal the table is plain lines, too."""
    out = io.StringIO()
    screen.Screen(Console(file=out, width=80)).table([("alerts", "31", "that were sent"), ("mails", "33", "")])
    assert out.getvalue().splitlines() == [f"{'alerts':<24}{'31':>8}  that were sent", f"{'mails':<24}{'33':>8}"]


def test_the_demo_configuration_is_one_that_loads(tmp_path: Path) -> None:
    """It names every outlet's feed, the shipped rules and known stories, and two channels that can be used."""
    path = tmp_path / "config.toml"

    async def scenario() -> None:
        async with server.NewsServer(OUTLETS, started_at=NOON) as web, mail.MailServer() as postbox:
            path.write_text(stage.config_text(web, postbox, "off"), encoding="utf-8")

    asyncio.run(scenario())
    settings = config.load(path)
    assert {feed.name for feed in settings.feeds} == {outlet.name for outlet in OUTLETS}
    assert [channel.name for channel in settings.channels] == list(stage.CHANNELS)
    assert [send.check(channel.url) for channel in settings.channels] == [None, None]
    assert settings.rules.paths == settings.stories.seeds == ("builtin",)


@pytest.mark.slow
def test_a_daemon_that_ends_is_reported_with_its_log(tmp_path: Path) -> None:
    """A stage whose daemon ended raises with the last lines of its log, and leaves no folder."""

    async def scenario() -> Path:
        async with (
            server.NewsServer(OUTLETS, started_at=NOON) as web,
            mail.MailServer() as postbox,
            stage.Stage(web, postbox, page="nonsense") as theatre,
        ):
            folder = theatre.folder
            with pytest.raises(errors.MonitorError, match=r"(?s)exit status 2.*listen"):
                await _ended(theatre)
            return folder

    assert not asyncio.run(scenario()).exists()


_WIRE = """\
name: "Small Wire"
format: rss
outlet: "Small Wire"
language: en
tags: [wire]
entries:
  - ago: 9d
    title: "Rain in the hills"
    summary: "It rained."
  - ago: 3h
    story: threat
    expect: alert
    title: "US warns of new sanctions on Russian shipowners"
    summary: "Washington will impose sanctions on 14 owners of tankers, a Treasury official said in Oslo."
  - ago: 2h
    story: seed
    expect: silent
    title: "Putin accepts Kim Jong Un's invitation to visit North Korea, KCNA says"
    summary: "The Russian president took up the invitation to Pyongyang at the end of a reception."
"""


@pytest.mark.slow
def test_the_demo_runs_the_daemon_and_ends_well(tmp_path: Path) -> None:
    """The real daemon matches, tells, holds back the known story; both receivers get the alert; exit status 0."""
    (tmp_path / "wire.yaml").write_text(_WIRE, encoding="utf-8")
    out = io.StringIO()
    status = show.run(keep=False, seconds=1, view=_plain(out), outlets=news.load(tmp_path))
    said = out.getvalue()
    assert status == 0, said
    assert "NEW        [high] US warns of new sanctions on Russian shipowners (Small Wire)" in said
    assert "KNOWN" in said
    assert "MAIL       [HIGH]" in said
    assert "WEBHOOK    [HIGH]" in said
    assert "FAILED" not in said


@pytest.mark.slow
def test_the_demo_says_what_did_not_come(tmp_path: Path) -> None:
    """When a story that is expected raises no alert, the exit status is 1 and the story is named."""
    news_of_rain = _WIRE.replace('    title: "Rain', '    story: rain\n    title: "Rain').replace("ago: 9d", "ago: 1h")
    (tmp_path / "wire.yaml").write_text(news_of_rain.replace("story: rain", "story: rain\n    expect: alert"), "utf-8")
    out = io.StringIO()
    assert show.run(keep=False, seconds=1, view=_plain(out), outlets=news.load(tmp_path)) == 1
    assert "FAILED: mail: no alert about 'rain'" in out.getvalue()


async def _ended(theatre: stage.Stage) -> None:
    """Wait until the daemon has ended; `check` raises then."""
    for _ in range(300):
        theatre.check()
        await asyncio.sleep(0.1)


def _plain(out: io.StringIO) -> screen.Screen:
    return screen.Screen(Console(file=out, markup=False, emoji=False, highlight=False))


def _alert_about(story: str) -> model.Alert:
    outlet, item = next((o, i) for o in OUTLETS for i in o.items if i.story == story)
    entry = builders.an_entry(title=item.tellings[0].title, url=formats.link(outlet, item))
    return builders.an_alert(entry=entry)


def _decided(kind: model.Kind, *, entry: model.Entry | None = None, news: str = "") -> follow.Decided:
    drop = model.Verdict.DROP
    record = stories.DecisionRecord(
        id=1,
        entry=entry or builders.an_entry(),
        matches=(builders.a_match(),),
        assignment=builders.an_assignment(kind=kind, score=0.83, because="the same names", news=news),
        level=model.Level.HIGH,
        story_id=12,
        decided_at=NOON,
        rules_id=1,
        channels=tuple(model.Decision(name, drop, model.Reason.ALREADY_TOLD) for name in stage.CHANNELS),
    )
    return follow.Decided(record, "Washington warns")
