"""Stories in the store: decisions, alerts, who was told, corrections."""

from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from monitor import model
from monitor.store import engine, outbox, stories, tables
from tests import builders, stored
from tests.stored import MINUTE, NOON


def get_story(store: engine.Store, story_id: int) -> model.Story:
    """Return a story as it is stored."""
    with store.read() as tx:
        return stories.get_story(tx, story_id)


def told(store: engine.Store, story_id: int, channel: str = "desk") -> model.Told:
    """Return what a channel knows of a story."""
    with store.read() as tx:
        return stories.told(tx, story_id, [channel])[channel]


# --- decisions --------------------------------------------------------------------------------------------------


def test_a_decision_comes_back_as_it_was_made(store: engine.Store) -> None:
    """Entry, matches, reasons, features and every channel's decision survive the database."""
    entry = stored.new_entry(store, summary="lead")
    channels = (
        model.Decision("desk", model.Verdict.SEND, model.Reason.NEW_STORY),
        model.Decision(
            "mail", model.Verdict.HOLD, model.Reason.QUIET_HOURS, "22:00", NOON + timedelta(hours=9), "quiet"
        ),
        model.Decision("log", model.Verdict.DROP, model.Reason.SILENCED, by="3"),
    )
    story, decision, _ = stored.decide(
        store,
        entry,
        channels=channels,
        because="nothing like it",
        score=0.25,
        features={"names": 0.5, "days": 3},
        nearest_id=77,
        news="now 50 killed",
    )
    with store.read() as tx:
        found = stories.find_decision(tx, entry.id)
        assert stories.list_decisions(tx, since=NOON) == (found,)
        assert stories.list_decisions(tx, since=NOON + MINUTE) == stories.list_decisions(tx, until=NOON) == ()
        assert stories.find_decision(tx, entry.id + 1) is None
    assert found == stories.DecisionRecord(
        id=decision,
        entry=entry,
        matches=(builders.a_match(),),
        assignment=model.Assignment(
            model.Kind.NEW,
            None,
            0.25,
            "nothing like it",
            "now 50 killed",
            {"names": 0.5, "days": 3},
            nearest_id=77,
        ),
        level=model.Level.HIGH,
        story_id=story,
        decided_at=NOON,
        rules_id=found.rules_id if found else 0,
        channels=channels,
    )


def test_a_revision_is_decided_once(store: engine.Store) -> None:
    """Two workers that decide the same entry collide in the database, and the loser leaves nothing."""
    entry = stored.new_entry(store)
    story, _, _ = stored.decide(store, entry)
    with pytest.raises(IntegrityError):
        stored.decide(store, entry)
    with store.read() as tx:
        assert [one.id for one in stories.list_stories(tx)] == [story]


def test_members_are_listed_in_order(store: engine.Store) -> None:
    """The index of stories can be built from the window, and followed from the last decision on."""
    one, first, _ = stored.new_story(store, "one", now=NOON - timedelta(days=8))
    two, second, _ = stored.new_story(store, "two")
    entry = stored.new_entry(store, "two again")
    _, third, _ = stored.decide(store, entry, story_id=two, now=NOON + MINUTE)
    with store.read() as tx:
        members = stories.list_members(tx, NOON - timedelta(days=7))
        assert [(member.decision_id, member.story_id) for member in members] == [(second, two), (third, two)]
        assert members[1] == stories.Member(
            third, two, entry, (builders.a_match(),), NOON + MINUTE, model.Kind.DUPLICATE
        )
        assert [member.decision_id for member in stories.list_members(tx, NOON, after=second)] == [third]
        assert [member.decision_id for member in stories.list_story_entries(tx, one)] == [first]


def test_what_known_stories_held_back_is_counted(store: engine.Store) -> None:
    """Duplicates of known stories count for them, updates and other duplicates do not."""
    known, _, _ = stored.new_story(store)
    stored.decide(store, stored.new_entry(store), story_id=known, known=True)
    stored.decide(store, stored.new_entry(store), story_id=known, known=True, kind=model.Kind.UPDATE)
    stored.decide(store, stored.new_entry(store), story_id=known)
    with store.read() as tx:
        assert stories.count_held_back(tx) == stories.count_held_back(tx, NOON) == {known: 1}
        assert stories.count_held_back(tx, NOON + MINUTE) == {}
        assert stories.count_by_kind(tx, NOON) == {
            model.Kind.NEW: 1,
            model.Kind.DUPLICATE: 2,
            model.Kind.UPDATE: 1,
        }


# --- stories ----------------------------------------------------------------------------------------------------


def test_a_story_grows_with_its_entries(store: engine.Store) -> None:
    """Entries, outlets in order of arrival, the highest level and the last time are kept."""
    story, _, _ = stored.decide(store, stored.new_entry(store, "first", outlet="Reuters"), level=model.Level.MEDIUM)
    for outlet, level, minutes in (("KCNA", model.Level.HIGH, 2), ("Reuters", model.Level.LOW, 1)):
        entry = stored.new_entry(store, "next", outlet=outlet)
        stored.decide(store, entry, story_id=story, level=level, now=NOON + minutes * MINUTE)
    found = get_story(store, story)
    assert found == model.Story(story, found.title, model.Level.HIGH, NOON, NOON + 2 * MINUTE, 3, ("Reuters", "KCNA"))
    assert found.title.startswith("first")


def test_another_revision_counts_once(store: engine.Store) -> None:
    """An edit that stays in its story is no further entry of it."""
    entry = stored.new_entry(store)
    story, _, _ = stored.decide(store, entry)
    edit = model.Edit(entry.id, model.ParsedEntry(entry.key, "edited"), again=True)
    stored.save(store, stored.a_record(stored.claim_feed(store, now=NOON + MINUTE), edits=(edit,)))
    (again,) = stored.claim_entries(store)
    stored.decide(store, again, story_id=story, kind=model.Kind.UPDATE)
    assert get_story(store, story).entries == 1
    with store.read() as tx:
        assert [alert.sequence for alert in stories.list_alerts(tx, story_id=story)] == [2, 1]
        decision = stories.find_decision(tx, entry.id)
    assert decision is not None
    assert decision.entry.revision == 2


def test_a_level_rises_once(store: engine.Store) -> None:
    """Many outlets raise a story by one level, and only once."""
    story, _, _ = stored.new_story(store, level=model.Level.MEDIUM)
    with store.write() as tx:
        assert stories.raise_level(tx, story)
        assert not stories.raise_level(tx, story)
    assert get_story(store, story).level is model.Level.HIGH


def test_stories_are_listed_by_their_last_entry(store: engine.Store) -> None:
    """The story that was told last comes first."""
    one, _, _ = stored.new_story(store, now=NOON + MINUTE)
    two, _, _ = stored.new_story(store)
    with store.read() as tx:
        assert [story.id for story in stories.list_stories(tx)] == [one, two]
        assert [story.id for story in stories.list_stories(tx, since=NOON + MINUTE)] == [one]
        assert [story.id for story in stories.list_stories(tx, limit=1)] == [one]
        with pytest.raises(KeyError):
            stories.get_story(tx, two + 1)


# --- alerts -----------------------------------------------------------------------------------------------------


def test_an_alert_brings_all_that_a_message_needs(store: engine.Store) -> None:
    """An alert knows its entry as decided, its matches, its story, and who else reported it, in order of arrival."""
    story, _, _ = stored.decide(store, stored.new_entry(store, outlet="KCNA"))
    stored.decide(store, stored.new_entry(store, outlet="TASS"), story_id=story)
    entry = stored.new_entry(store, outlet="Reuters")
    _, _, number = stored.decide(store, entry, story_id=story, kind=model.Kind.UPDATE, score=0.9, news="now 50 killed")
    stored.decide(store, stored.new_entry(store, outlet="AFP"), story_id=story)
    with store.read() as tx:
        alert = stories.get_alert(tx, number)
        assert stories.alerts(tx, [number]) == (alert,)
        assert stories.find_alert_of(tx, entry.id) == alert
        with pytest.raises(KeyError):
            stories.get_alert(tx, number + 99)
    assert alert == model.Alert(
        id=number,
        kind=model.Kind.UPDATE,
        level=model.Level.HIGH,
        sequence=3,
        created_at=NOON,
        entry=entry,
        matches=(builders.a_match(),),
        assignment=builders.an_assignment(kind=model.Kind.UPDATE, story_id=story, score=0.9, news="now 50 killed"),
        story=get_story(store, story),
        reported_by=("KCNA", "TASS", "AFP"),
    )


def test_alerts_come_in_the_order_they_are_asked_for(store: engine.Store) -> None:
    """A digest lists its alerts in its own order; unknown ones are left out."""
    (_, _, one), (_, _, two) = stored.new_story(store), stored.new_story(store, now=NOON + MINUTE)
    with store.read() as tx:
        assert [alert.id for alert in stories.alerts(tx, [two, 999, one])] == [two, one]
        assert stories.alerts(tx, []) == ()
        assert [alert.id for alert in stories.list_alerts(tx, since=NOON + MINUTE)] == [two]
        assert stories.count_alerts(tx, NOON) == 2


def test_a_number_is_given_once(store: engine.Store) -> None:
    """The number of an alert that was let go of is not given again: receivers know its key."""
    _, _, alert = stored.new_story(store)
    with store.write() as tx:
        tx.connection().execute(tables.alerts.delete())
    _, _, other = stored.new_story(store)
    assert other > alert


def test_an_alert_is_acknowledged_once(store: engine.Store) -> None:
    """The first person who has seen an alert is kept."""
    _, _, alert = stored.new_story(store)
    with store.write() as tx:
        assert stories.ack_alert(tx, alert, "ann", NOON)
        assert not stories.ack_alert(tx, alert, "ben", NOON)


# --- told -------------------------------------------------------------------------------------------------------


def test_nobody_is_told_of_what_is_not_opened(store: engine.Store) -> None:
    """A story that is about to be opened was told to nobody."""
    with store.read() as tx:
        assert stories.told(tx, None, ["desk"]) == {"desk": model.Told()}


@pytest.mark.parametrize("state", list(model.NotificationState))
def test_a_channel_is_told_by_what_reaches_it(store: engine.Store, state: model.NotificationState) -> None:
    """Held, pending, sent, folded and silenced messages count as told; dead ones do not."""
    story, _, alert = stored.new_story(store)
    stored.notify(store, state=state, story_id=story, alert_ids=(alert,))
    missed = state is model.NotificationState.DEAD
    assert told(store, story) == (model.Told() if missed else model.Told(told=True, level=model.Level.HIGH))
    assert told(store, story, "mail") == model.Told()


def test_the_last_update_of_a_channel_is_known(store: engine.Store) -> None:
    """The last update is the last that went out or may: not a held one, a dead one, or what opened the story."""
    story, _, first = stored.new_story(store)
    stored.notify(store, story_id=story, alert_ids=(first,), now=NOON + 9 * MINUTE)
    assert told(store, story) == model.Told(told=True, level=model.Level.HIGH)
    for minutes, state in ((1, model.NotificationState.SENT), (2, model.NotificationState.HELD)):
        _, _, update = stored.decide(store, stored.new_entry(store), story_id=story, kind=model.Kind.UPDATE)
        stored.notify(store, now=NOON + minutes * MINUTE, state=state, alert_ids=(update,))
    _, _, dead = stored.decide(store, stored.new_entry(store), story_id=story, kind=model.Kind.UPDATE)
    stored.notify(store, now=NOON + 3 * MINUTE, state=model.NotificationState.DEAD, alert_ids=(dead,))
    assert told(store, story) == model.Told(told=True, last_update_at=NOON + MINUTE, level=model.Level.HIGH)


def test_a_digest_tells_all_its_stories(store: engine.Store) -> None:
    """A channel was told every story whose alert a digest brings."""
    (one, _, first), (two, _, second) = stored.new_story(store), stored.new_story(store)
    stored.notify(store, kind=model.NotificationKind.DIGEST, alert_ids=(first, second))
    assert told(store, one).told
    assert told(store, two).told


# --- corrections ------------------------------------------------------------------------------------------------


def test_merged_stories_are_one(store: engine.Store) -> None:
    """After a merge entries, alerts, and what channels were told belong to one story, under both numbers."""
    one, _, _ = stored.decide(store, stored.new_entry(store, "one", outlet="KCNA"), level=model.Level.LOW)
    two, _, alert = stored.decide(
        store, stored.new_entry(store, "two", outlet="Reuters"), level=model.Level.HIGH, now=NOON + MINUTE
    )
    sent = stored.notify(store, story_id=two, alert_ids=(alert,))
    with store.write() as tx:
        assert stories.last_correction(tx) == 0
        assert stories.merge(tx, two, one, "ann", NOON + 2 * MINUTE) == one
        assert stories.merge(tx, two, one, "ann", NOON + 2 * MINUTE) == one  # merged before: nothing to do
        assert [story.id for story in stories.list_stories(tx)] == [one]
        assert {member.story_id for member in stories.list_members(tx, NOON)} == {one}
        assert sorted(found.sequence for found in stories.list_alerts(tx, story_id=one)) == [1, 2]
        assert outbox.get(tx, sent).story_id == one
        (correction,) = stories.list_corrections(tx)
        assert stories.last_correction(tx) == correction.id
        assert stories.list_corrections(tx, after=correction.id) == ()
    story = get_story(store, two)
    assert story == model.Story(one, story.title, model.Level.HIGH, NOON, NOON + MINUTE, 2, ("KCNA", "Reuters"))
    assert story.title.startswith("one")
    assert told(store, one).told
    assert told(store, two).told
    assert correction == stories.Correction(correction.id, NOON + 2 * MINUTE, "merge", two, one, None, "ann")


def test_what_joins_a_merged_story_joins_the_other(store: engine.Store) -> None:
    """A worker that has not heard of a merge yet adds to the story that remains, however long the chain."""
    one, two, three = (stored.new_story(store)[0] for _ in range(3))
    with store.write() as tx:
        stories.merge(tx, three, two, "ann", NOON)
        stories.merge(tx, two, one, "ann", NOON)
    placed, _, alert = stored.decide(store, stored.new_entry(store), story_id=three)
    assert placed == one
    number = stored.notify(store, story_id=three, alert_ids=(alert,))
    with store.read() as tx:
        assert stories.get_alert(tx, alert).sequence == 4
        assert outbox.get(tx, number).story_id == one
    assert get_story(store, three).entries == 4


def test_a_split_entry_is_a_story_of_its_own(store: engine.Store) -> None:
    """After a split the entry's alert and what was told of it go with it, and the rest stays."""
    story, _, first = stored.decide(store, stored.new_entry(store, "one", outlet="KCNA"))
    entry = stored.new_entry(store, "two", outlet="Reuters")
    _, _, alert = stored.decide(store, entry, story_id=story)
    stored.notify(store, story_id=story, alert_ids=(first,))
    sent = stored.notify(store, "mail", story_id=story, alert_ids=(alert,))
    with store.write() as tx:
        new = stories.split(tx, story, entry.id, "ann", NOON)
        assert [correction.kind for correction in stories.list_corrections(tx)] == ["split"]
        assert stories.get_alert(tx, alert).sequence == 1
        assert outbox.get(tx, sent).story_id == new
    assert get_story(store, new).outlets == ("Reuters",)
    assert get_story(store, story).outlets == ("KCNA",)
    assert get_story(store, story).entries == 1
    assert (told(store, story).told, told(store, story, "mail").told) == (True, False)
    assert (told(store, new).told, told(store, new, "mail").told) == (False, True)


def test_what_is_all_of_its_story_is_not_split(store: engine.Store) -> None:
    """A story of one entry stays as it is; an entry that is not in a story cannot leave it."""
    entry = stored.new_entry(store)
    story, _, _ = stored.decide(store, entry)
    with store.write() as tx:
        assert stories.split(tx, story, entry.id, "ann", NOON) == story
        assert stories.list_corrections(tx) == ()
        with pytest.raises(KeyError):
            stories.split(tx, story, entry.id + 1, "ann", NOON)
