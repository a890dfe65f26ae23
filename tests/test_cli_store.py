"""The commands that look into the store: alerts, stories, entries, silences, outbox."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from monitor import clock, model
from monitor.store import feeds, outbox
from tests import desks
from tests.commands import SMALL_RULES, came_in, environment, monitor, set_up, watched
from tests.desks import ARRIVED, CUP, RETOLD, WARNED, changed, spoil


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fill one folder for the tests of this module."""
    return desks.fill(tmp_path_factory.mktemp("filled"))


@pytest.fixture
def desk(filled: Path, tmp_path: Path) -> Path:
    """Return a copy of that folder, for the test alone."""
    return Path(shutil.copytree(filled, tmp_path / "desk"))


# --- alerts -----------------------------------------------------------------------------------------------------


def test_alerts_are_listed(desk: Path) -> None:
    """Alerts are listed with number, level, story, rules and title, newest first."""
    rows = monitor("alerts", "list", "--json", folder=desk).rows
    assert [row["title"] for row in rows] == [ARRIVED, WARNED]
    assert rows[1]["rules"] == ["sanctions-threat"]
    assert rows[1]["alert"] == f"A-{rows[1]['id']}"
    shown = monitor("alerts", "list", folder=desk).out
    assert WARNED in shown
    assert "sanctions-threat" in shown


@pytest.mark.parametrize("width", ["40", "60", "80", "100", "130"])
def test_a_narrow_screen_hides_nothing(desk: Path, width: str) -> None:
    """However narrow a terminal is, a listing has every number, title and channel of what it lists."""
    (_, warned) = monitor("alerts", "list", "--json", folder=desk).rows
    with environment(COLUMNS=width, TERM="xterm", NO_COLOR="1"):
        shown = watched("alerts", "list", folder=desk)
    words = [
        warned["alert"],
        warned["created_at"][:10],
        *warned["rules"],
        *warned["title"].split(),
        "desk",
        "(pending)",
    ]
    assert [word for word in words if word not in shown] == []
    assert "…" not in shown


def test_an_alert_is_shown_with_where_it_went(desk: Path) -> None:
    """One alert in full: why, which words, and each channel's state."""
    number = monitor("alerts", "list", "--json", folder=desk).rows[1]["alert"]
    shown = monitor("alerts", "show", number, folder=desk).out
    assert "[HIGH]" in shown
    assert "sanctions-threat (warns, sanctions)" in shown
    assert "desk: pending" in shown
    (row,) = monitor("alerts", "show", number, "--json", folder=desk).rows
    assert [one["channel"] for one in row["notifications"]] == ["desk"]


def test_a_listing_says_to_whom_alerts_went(desk: Path) -> None:
    """Each alert names the channels that get it, with what is not sent yet, and why nobody does."""
    store = changed(desk)
    with store.write() as tx:
        (one,) = outbox.list_notifications(tx, alert_id=1)
        claimed = outbox.claim_next(tx, "desk", clock.now(), lease="x", until=clock.now() + timedelta(minutes=1))
        assert claimed is not None
    rows = {row["alert"]: row["went_to"] for row in monitor("alerts", "list", "--json", folder=desk).rows}
    assert rows == {"A-1": "desk (pending)", "A-2": "nobody: below the channel's level (medium is below high)"}
    with store.write() as tx:
        outbox.settle_sent(tx, one.id, "x", clock.now())
    store.close()
    assert monitor("alerts", "list", "--json", folder=desk).rows[1]["went_to"] == "desk"
    shown = monitor("alerts", "list", folder=desk).out
    assert "WENT TO" in shown
    assert "nobody: below the channel's level" in shown
    assert "  went to nobody: below the channel's level" in monitor("alerts", "show", "A-2", folder=desk).out


def test_an_alert_that_waits_for_another_outlet_says_so(tmp_path: Path) -> None:
    """What no channel heard of yet, because its rule wants two outlets, does not look as if it had been sent."""
    rules = SMALL_RULES.replace("level: high", "level: high\n    min_sources: 2")
    came_in(set_up(tmp_path, rules=rules), WARNED, at=clock.now() - timedelta(minutes=5))
    (row,) = monitor("alerts", "list", "--json", folder=tmp_path).rows
    assert row["went_to"] == "nobody: waits for more sources (1 of 2 sources)"


def test_what_went_out_in_a_digest_counts_as_the_digest(desk: Path) -> None:
    """An alert that was folded into a digest went where the digest went."""
    store, now = changed(desk), clock.now()
    with store.write() as tx:
        digest = outbox.NewNotification(
            "digest:desk:x",
            model.NotificationKind.DIGEST,
            "desk",
            model.NotificationState.PENDING,
            model.Level.HIGH,
            now,
        )
        assert outbox.fold(tx, [outbox.list_notifications(tx, alert_id=1)[0].id], digest, now) == 1
    store.close()
    assert monitor("alerts", "list", "--json", folder=desk).rows[1]["went_to"] == "desk (pending)"


def test_an_alert_that_is_not_there_is_told(desk: Path) -> None:
    """A number that names no alert is told in one line, with where they are listed."""
    found = monitor("alerts", "show", "A-99", folder=desk)
    assert (found.status, found.err) == (2, "no alert has the number 99; see `monitor alerts list`\n")


@pytest.mark.parametrize("text", ["x", "A-", "S-1", "1.5", "٣", "9" * 30])
def test_what_is_no_number_is_told(desk: Path, text: str) -> None:
    """What is no number is told with how to write one."""
    found = monitor("alerts", "show", text, folder=desk)
    assert (found.status, found.err) == (2, f"'{text}' is no number; write it like A-7 or 7\n")


def test_an_alert_is_seen_once(desk: Path) -> None:
    """Only the first to say that they have seen an alert is remembered."""
    assert "noted" in monitor("alerts", "ack", "1", folder=desk).out
    assert "before" in monitor("alerts", "ack", "A-1", folder=desk).out


# --- stories ----------------------------------------------------------------------------------------------------


def test_a_story_is_shown_with_its_entries(desk: Path) -> None:
    """The two that tell one happening are one story, and it is shown with both."""
    rows = monitor("stories", "list", "--json", folder=desk).rows
    story = next(row for row in rows if row["title"] == WARNED)
    assert story["entries"] == 2
    (shown,) = monitor("stories", "show", f"S-{story['id']}", "--json", folder=desk).rows
    assert [one["title"] for one in shown["told"]] == [WARNED, RETOLD]
    assert "same actors" in shown["told"][1]["because"]
    said = monitor("stories", "show", str(story["id"]), folder=desk).out
    assert RETOLD in said
    assert "same actors" in said


def test_stories_are_merged_and_split(desk: Path) -> None:
    """A person's word: two stories become one, and an entry leaves."""
    first, second = (row["id"] for row in monitor("stories", "list", "--json", folder=desk).rows)
    assert monitor("stories", "merge", str(first), str(second), folder=desk).status == 0
    (story,) = monitor("stories", "list", "--json", folder=desk).rows
    assert story["entries"] == 3
    (shown,) = monitor("stories", "show", str(story["id"]), "--json", folder=desk).rows
    entry = shown["told"][0]["entry"]
    assert "opened S-" in monitor("stories", "split", str(story["id"]), str(entry), folder=desk).out
    assert len(monitor("stories", "list", "--json", folder=desk).rows) == 2


def test_a_merge_into_a_known_story_says_what_it_costs(tmp_path: Path) -> None:
    """What retells a known story is never alerted, so a merge into one says so; a second merge is refused."""
    path = set_up(tmp_path)
    monitor("seeds", "add", "--title", "Ministers agree on a ceasefire in Geneva", folder=tmp_path)
    came_in(path, WARNED, at=clock.now() - timedelta(minutes=5))
    (seed,) = monitor("seeds", "list", "--json", folder=tmp_path).rows
    told = next(row["id"] for row in monitor("stories", "list", "--json", folder=tmp_path).rows if not row["known"])
    known = seed["story"]
    merged = monitor("stories", "merge", str(told), str(known), folder=tmp_path)
    assert merged.out.splitlines()[1:] == [
        f"  S-{known} is a known story: what retells either is not alerted from now on"
    ]
    again = monitor("stories", "merge", str(told), str(known), folder=tmp_path)
    assert again.err == f"S-{told} and S-{known} are one story already; see `monitor stories show {known}`\n"


def test_an_update_says_what_is_new(tmp_path: Path) -> None:
    """What made an entry an update is shown with its alert, and where its decision is explained."""
    path = set_up(tmp_path)
    at = clock.now() - timedelta(minutes=5)
    came_in(path, "Putin to visit North Korea next week, president says", at=at)
    came_in(path, "Putin arrives in North Korea for visit, president says", at=at + timedelta(minutes=1))
    first, update = reversed(monitor("alerts", "list", "--json", folder=tmp_path).rows)
    assert (first["kind"], update["kind"]) == ("new", "update")
    line = "  new in it: next step: arrival\n"
    for command in (("alerts", "show"), ("explain",)):
        assert line in monitor(*command, update["alert"], folder=tmp_path).out.partition("Today")[0]
        assert line not in monitor(*command, first["alert"], folder=tmp_path).out.partition("Today")[0]
    (shown,) = monitor("alerts", "show", update["alert"], "--json", folder=tmp_path).rows
    assert shown["news"] == "next step: arrival"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "99"), "no story has the number 99; see `monitor stories list`\n"),
        (("merge", "1", "99"), "no story has the number 99; see `monitor stories list`\n"),
        (("merge", "1", "1"), "a story cannot be merged into itself; name two\n"),
        (("split", "1", "99"), "entry 99 is not in story S-1; see `monitor stories show 1`\n"),
        (("split", "99", "1"), "no story has the number 99; see `monitor stories list`\n"),
    ],
)
def test_a_story_that_is_not_there_is_told(desk: Path, arguments: tuple[str, ...], said: str) -> None:
    """Numbers that name nothing are told in one line."""
    found = monitor("stories", *arguments, folder=desk)
    assert (found.status, found.err) == (2, said)


# --- entries ----------------------------------------------------------------------------------------------------


def test_entries_are_found_with_what_became_of_them(desk: Path) -> None:
    """Every entry is found by its words, with its decision and story."""
    rows = monitor("entries", "search", "--json", folder=desk).rows
    became = {row["title"]: row["became"] for row in rows}
    assert became == {WARNED: "new", ARRIVED: "new", CUP: "unmatched", RETOLD: "duplicate"}
    assert [row["title"] for row in monitor("entries", "search", "cup", "STORM", "--json", folder=desk).rows] == [CUP]
    assert "No" not in monitor("entries", "search", "cup", folder=desk).err


@pytest.mark.parametrize(("decision", "titles"), [("duplicate", [RETOLD]), ("unmatched", [CUP]), ("failed", [])])
def test_entries_are_found_by_decision(desk: Path, decision: str, titles: list[str]) -> None:
    """--decision keeps only what became that."""
    rows = monitor("entries", "search", "--decision", decision, "--json", folder=desk).rows
    assert [row["title"] for row in rows] == titles


def test_entries_outside_the_time_are_not_found(desk: Path) -> None:
    """--since and --until are instants or lengths of time."""
    assert monitor("entries", "search", "--until", "1d", folder=desk).out == "no such entry in that time\n"
    assert monitor("entries", "search", "--since", "2030-01-01", "--json", folder=desk).out == ""


def test_a_time_that_is_none_is_told(desk: Path) -> None:
    """What is neither a length of time nor a date is told with how to write one."""
    found = monitor("entries", "search", "--since", "yesterday", folder=desk)
    assert found.status == 2
    assert '\'yesterday\' is neither a length of time like "30d" nor a date like "2026-11-01"' in found.err
    assert found.err.count("\n") == 1


def test_feeds_that_were_down_are_named(desk: Path) -> None:
    """A search names the feeds that were down meanwhile: what they published may be missing."""
    store, now = changed(desk), clock.now()
    with store.write() as tx:
        (feed,) = feeds.claim_due(tx, now, limit=1, lease="y", until=now + timedelta(minutes=1), names=["Wire"])
        plan = model.Plan(now + timedelta(minutes=1), "backing off")
        feeds.save_polls(tx, [model.PollRecord(feed, model.Polled.FAILED, now, plan, error="503 from the server")])
    store.close()
    shown = monitor("entries", "search", folder=desk).out
    assert "Feeds that were down in that time" in shown
    assert "Wire: " in shown
    assert "503 from the server" in shown


# --- silences ---------------------------------------------------------------------------------------------------


def test_a_silence_comes_and_goes(desk: Path) -> None:
    """A silence is added, listed with who and why, ended, and kept in the list of all."""
    added = monitor("silence", "add", "--story", "S-1", "--for", "24h", "--comment", "summit week", folder=desk)
    assert added.status == 0
    assert added.out.startswith("silence 1: story '1' is muted until ")
    (row,) = monitor("silence", "list", "--json", folder=desk).rows
    assert (row["kind"], row["value"], row["comment"], row["active"]) == ("story", "1", "summit week", True)
    assert monitor("silence", "end", "1", folder=desk).out == "silence 1 ended\n"
    assert monitor("silence", "list", folder=desk).out == "no silence in force\n"
    assert len(monitor("silence", "list", "--all", "--json", folder=desk).rows) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name one thing to mute: --rule ID, --story ID, --feed NAME, --actor NAME or --term WORDS\n"),
        (
            ("--rule", "a", "--feed", "b", "--for", "1h"),
            "name one thing to mute: --rule ID, --story ID, --feed NAME, --actor NAME or --term WORDS\n",
        ),
        (("--term", "grain"), "say how long: either --for 24h or --until 2026-12-01\n"),
        (
            ("--term", "grain", "--for", "1h", "--until", "2030-01-01"),
            "say how long: either --for 24h or --until 2026-12-01\n",
        ),
        (("--term", "grain", "--for", "long"), "'long': write --for 24h (s, m, h, d, w) or --until 2026-12-01\n"),
        (
            ("--term", "grain", "--until", "2020-01-01"),
            "'2020-01-01' has passed already; a silence ends in the future\n",
        ),
        (
            ("--rule", "sanction-threat", "--for", "1h"),
            "no rule is called 'sanction-threat' (did you mean 'sanctions-threat'?); see `monitor rules list`\n",
        ),
        (
            ("--feed", "Wyre", "--for", "1h"),
            "no feed is called 'Wyre' (did you mean 'Wire'?); see `monitor feeds list`\n",
        ),
        (("--story", "99", "--for", "1h"), "no story has the number 99; see `monitor stories list`\n"),
    ],
)
def test_a_silence_that_mutes_nothing_is_refused(desk: Path, arguments: tuple[str, ...], said: str) -> None:
    """A silence that could mute nothing, or without an end, is refused with what to write."""
    found = monitor("silence", "add", *arguments, folder=desk)
    assert (found.status, found.err) == (2, said)
    assert monitor("silence", "list", "--all", "--json", folder=desk).rows == []


# --- outbox -----------------------------------------------------------------------------------------------------


def test_the_outbox_is_listed(desk: Path) -> None:
    """What waits is listed with key, channel and state; --state and --channel choose."""
    (row,) = monitor("outbox", "list", "--json", folder=desk).rows
    assert (row["channel"], row["state"], row["key"]) == ("desk", "pending", "alert:1:desk")
    assert monitor("outbox", "list", "--state", "dead", folder=desk).out == "nothing in the outbox\n"
    assert monitor("outbox", "list", "--channel", "other", "--json", folder=desk).rows == []


def test_a_dead_letter_is_tried_again(desk: Path) -> None:
    """A dead notification goes back to pending, by its number or with all others."""
    spoil(desk)
    assert "401: no such hook" in monitor("outbox", "list", "--state", "dead", folder=desk).out
    assert monitor("outbox", "retry", "1", folder=desk).out == "1 to be tried again; the daemon sends them\n"
    assert monitor("outbox", "list", "--json", folder=desk).rows[0]["state"] == "pending"
    spoil(desk)
    assert monitor("outbox", "retry", "--all", folder=desk).out.startswith("1 to be tried again")


def test_a_notification_is_dropped(desk: Path) -> None:
    """What was not sent yet can be given up."""
    assert monitor("outbox", "drop", "1", folder=desk).out == "dropped notification 1 (alert:1:desk)\n"
    assert all(row["state"] != "pending" for row in monitor("outbox", "list", "--json", folder=desk).rows)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("retry",), "name one notification by its ID, or say --all; `monitor outbox list --state dead` shows them\n"),
        (("retry", "1"), "notification 1 is not dead, so there is nothing to retry\n"),
        (("retry", "99"), "no notification has the number 99; see `monitor outbox list`\n"),
        (("drop", "99"), "no notification has the number 99; see `monitor outbox list`\n"),
    ],
)
def test_what_cannot_be_done_to_a_notification_is_told(desk: Path, arguments: tuple[str, ...], said: str) -> None:
    """Each is one line that says why, and what to do."""
    found = monitor("outbox", *arguments, folder=desk)
    assert (found.status, found.err) == (2, said)


def test_an_actor_is_muted_however_it_is_written(desk: Path) -> None:
    """`--actor` takes all the names of one actor, and the listing shows the one that was typed."""
    found = monitor("silence", "add", "--actor", "North Korea", "--for", "2d", folder=desk)
    assert "actor 'North Korea' is muted until" in found.out
    assert "pyongyang" in found.out.partition("also written: ")[2]
    assert "North Korea " in monitor("silence", "list", folder=desk).out
    alone = monitor("silence", "add", "--actor", "Ruritania", "--for", "2d", folder=desk).out
    assert "also written" not in alone
    (_, row) = monitor("silence", "list", "--json", folder=desk).rows
    assert (row["kind"], row["value"]) == ("actor", "Ruritania")
