"""From stored entries to decided alerts: match, dedupe, alert, and transaction (b). Shell.

Synchronous: `claim` and `decide` run on the store's thread, `prepare`, which takes most of the time and touches no
store, on any other. What it keeps in memory is the story index, a fold over the decisions in the store, and it changes
only after the commit of what it mirrors.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog
from sqlmodel import Session

from monitor import alert, dedupe, errors, language, match, model, rules, tally
from monitor.store import engine, entries, outbox, rule_versions, silences, stories

log = structlog.get_logger()

_LEASE = timedelta(minutes=5)
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator set, as far as decisions need it.

    first: by feed name, for those that differ from `default_first`. sensitivity: 0 joins readily, 1 alerts readily.
    """

    window: timedelta = timedelta(days=7)
    update_every: timedelta = timedelta(hours=1)
    max_entry_age: timedelta = timedelta(hours=48)
    sensitivity: float = 0.5
    default_first: model.FirstPoll = model.FirstPoll.DIGEST
    first: Mapping[str, model.FirstPoll] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pass:
    """What one pass did, in entries. failed: those that were given up, for the operator's eyes."""

    claimed: int = 0
    matched: int = 0
    alerts: int = 0
    failed: tuple[model.Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Claimed:
    """The entries of one pass, in the order of their ids. failed: those that were given up."""

    lease: str
    entries: tuple[model.Entry, ...]
    failed: tuple[model.Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Prepared:
    """A claimed entry, matched. profile: None when it matched no rule. error: what was raised on the way."""

    entry: model.Entry
    matches: tuple[model.Match, ...] = ()
    profile: dedupe.Profile | None = None
    error: Exception | None = None


class LostLeaseError(Exception):
    """Somebody else processed the entry meanwhile: this transaction must leave no trace."""


class Deciding:
    """Decides pending entries in the order of their ids, one transaction each."""

    def __init__(
        self,
        store: engine.Store,
        ruleset: rules.RuleSet,
        channels: Sequence[model.Channel],
        policy: Policy,
        now: datetime,
        *,
        encoder: dedupe.Encodes | None = None,
    ) -> None:
        """Take the rules in force and fold the stored stories into an index. Raises StoreError.

        encoder: None compares words alone.
        """
        self._store = store
        self._rules = ruleset
        self._channels = tuple(channels)
        self._policy = policy
        self._encoder = encoder
        self._seed_senses: dict[str, dedupe.Array | None] = {}
        self._asks_language = any(channel.languages for channel in channels) or any(
            node.conditions.languages for node in ruleset.nodes
        )
        self._untried: tuple[str, list[int]] = ("", [])
        with store.write() as tx:
            self._rules_id = rule_versions.save(tx, ruleset.fingerprint, dict(ruleset.files), now)
        with store.read() as tx:
            known = stories.list_seeds(tx)
        self._encode_seeds([seed for seed, _ in known])
        with store.read() as tx:
            self._build(tx, now)

    def learn_seeds(
        self, seeds: Sequence[model.Seed], now: datetime, *, leave_rest: bool = False
    ) -> stories.SeedChanges:
        """Bring the stored seeds in line with the files. Call it on a new instance when any changed or went.

        leave_rest: what is in none of these files stays.
        """

        def known_story(seed: model.Seed) -> int | None:
            assignment = self._index.assign(self._seed_profile(seed), None)
            return None if assignment.kind is model.Kind.NEW else assignment.story_id

        def remember(seed: model.Seed, story_id: int) -> None:
            self._index.add(story_id, self._seed_profile(seed), seed=True)

        self._encode_seeds(seeds)
        with self._store.write() as tx:
            return stories.sync_seeds(tx, seeds, known_story, now, remember=remember, leave_rest=leave_rest)

    def run_pass(self, now: datetime, *, limit: int = 50) -> Pass:
        """Decide up to `limit` pending entries. Returns what was done; nothing claimed means nothing is waiting."""
        claimed = self.claim(now, limit=limit)
        return self.decide(claimed, self.prepare(claimed, now), now)

    def claim(self, now: datetime, *, limit: int) -> Claimed:
        """Take up to `limit` pending entries for a pass, after a look at what other workers decided.

        What they decided is folded in here, every second, so that little of it is left for under the story lock.
        """
        self.give_back()
        if self._store.dialect == "postgresql":
            with self._store.read() as tx:
                self._follow(tx, now)
        lease = self._store.new_lease()
        with self._store.write() as tx:
            failed = entries.fail_exhausted(tx, now, attempts=_ATTEMPTS)
            claimed = tuple(entries.claim_pending(tx, now, limit=limit, lease=lease, until=now + _LEASE))
        tally.PROCESSED.labels("given_up").inc(len(failed))
        self._untried = (lease, [entry.id for entry in claimed])
        return Claimed(lease, claimed, failed)

    def prepare(self, claimed: Claimed, now: datetime) -> tuple[Prepared, ...]:
        """Match and encode what was claimed. Touches no store: it may run on another thread than the rest."""
        found = [self._prepare(entry, now) for entry in claimed.entries]
        told = [one.profile for one in found if one.profile is not None]
        with tally.encoding(len(told)):
            meant = iter(dedupe.with_meaning(told, self._encoder))
        return tuple(one if one.profile is None else replace(one, profile=next(meant)) for one in found)

    def decide(self, claimed: Claimed, prepared: Sequence[Prepared], now: datetime) -> Pass:
        """Decide what was claimed and prepared. Raises StoreError."""
        if not claimed.entries:
            return Pass(failed=claimed.failed)
        for one in prepared:
            if one.error is not None:
                self._record(one.entry, claimed.lease, one.error)
        unmatched = [one.entry.id for one in prepared if one.profile is None and one.error is None]
        if unmatched:
            with self._store.write() as tx:
                entries.mark_unmatched(tx, unmatched, self._rules_id, claimed.lease)
            tally.PROCESSED.labels("unmatched").inc(len(unmatched))
        matched = [one for one in prepared if one.profile is not None]
        self._index.forget_before(now - self._policy.window)
        alerts = sum(self._decide_or_record(one, claimed.lease, now) for one in matched)
        self._untried = ("", [])
        return Pass(len(claimed.entries), len(matched), alerts, claimed.failed)

    def give_back(self) -> None:
        """Return what the last pass claimed and did not come to: the store went away under it, or the daemon ends.

        Its attempts are taken back: entries must not be given up because the disk was full.
        """
        lease, ids = self._untried
        if ids:
            with self._store.write() as tx:
                entries.release(tx, ids, lease)
            self._untried = ("", [])

    def _prepare(self, entry: model.Entry, now: datetime) -> Prepared:
        """Match one entry, and work out what is compared, but for its meaning."""
        try:
            told = language.told(entry) if self._asks_language else entry
            with tally.MATCH_SECONDS.time():
                matches = match.match(told, self._rules, now=now)
            return Prepared(told, matches, dedupe.profile(told, matches) if matches else None)
        except Exception as error:  # noqa: BLE001  one entry must not stop the others
            return Prepared(entry, error=error)

    def _decide_or_record(self, one: Prepared, lease: str, now: datetime) -> bool:
        assert one.profile is not None
        try:
            return self._decide(one.entry, one.matches, one.profile, lease, now)
        except LostLeaseError:
            log.info("entry_taken_by_another", entry=one.entry.id)
        except errors.StoreError:
            raise
        except Exception as error:  # noqa: BLE001  one entry must not stop the others
            self._record(one.entry, lease, error)
        return False

    def _record(self, entry: model.Entry, lease: str, error: Exception) -> None:
        log.error("entry_raised", entry=entry.id, feed=entry.feed, exc_info=error)
        tally.PROCESSED.labels("raised").inc()
        with self._store.write() as tx:
            entries.record_failure(tx, entry.id, lease, f"{type(error).__name__}: {error}")

    def _decide(
        self, entry: model.Entry, matches: tuple[model.Match, ...], profile: dedupe.Profile, lease: str, now: datetime
    ) -> bool:
        """Transaction (b). Returns whether an alert was made."""
        with tally.StoryLock() as lock, self._store.write() as tx:
            muted = silences.list_active(tx, now)
            engine.story_lock(tx)
            lock.taken()
            if not self._mark(tx, entry, lease):  # first, so that what is lost costs nobody the lock for long
                raise LostLeaseError
            self._follow(tx, now)
            assignment = self._index.assign(profile, self._told_at(entry, now))
            finding = self._finding(tx, entry, matches, assignment)
            told = _told(tx, assignment.story_id, self._channels)
            decisions = tuple(
                self._judge(finding, channel, told.get(channel.name, model.Told()), muted, now)
                for channel in self._channels
            )
            heard = [decision for decision in decisions if _counts(decision, told)]
            story_id, decision_id, alerted = self._save(tx, finding, decisions, heard, now, sense=profile.sense)
        self._index.add(story_id, profile)
        self._followed = decision_id
        tally.decided(finding, decisions, now, alerted=alerted)
        return alerted

    def _told_at(self, entry: model.Entry, now: datetime) -> datetime:  # noqa: ARG002  recalling looks at the entry
        """Return when the entry reached us, for the stories that it may join."""
        return now

    def _judge(
        self,
        finding: model.Finding,
        channel: model.Channel,
        told: model.Told,
        muted: Sequence[model.Silence],
        now: datetime,
    ) -> model.Decision:
        """Return what one channel gets."""
        return alert.decide(
            finding,
            channel,
            told,
            muted,
            now=now,
            update_every=self._policy.update_every,
            max_entry_age=self._policy.max_entry_age,
            first=self._policy.first.get(finding.entry.feed, self._policy.default_first),
        )

    def _mark(self, tx: Session, entry: model.Entry, lease: str) -> bool:
        """Mark the entry as processed; False when somebody else has it, or it was edited."""
        return entries.mark_processed(tx, entry.id, entry.revision, lease, self._rules_id)

    def _finding(
        self, tx: Session, entry: model.Entry, matches: tuple[model.Match, ...], assignment: model.Assignment
    ) -> model.Finding:
        """Gather what is known; a story that many outlets told within hours rises one level, once."""
        level = alert.level_of(matches)
        if assignment.story_id is None:
            return model.Finding(entry, matches, assignment, level)
        story = stories.get_story(tx, assignment.story_id)
        finding = model.Finding(entry, matches, assignment, level, alert.count_outlets(story, entry))
        if alert.rises(finding, story) and stories.raise_level(tx, story.id):
            return alert.risen(finding, story)
        return finding

    def _save(
        self,
        tx: Session,
        finding: model.Finding,
        decisions: tuple[model.Decision, ...],
        heard: Sequence[model.Decision],
        now: datetime,
        *,
        sense: dedupe.Array | None,
    ) -> tuple[int, int, bool]:
        """Write story, decision, alert and notifications. Returns story, decision, and whether there is an alert."""
        story_id = finding.assignment.story_id
        if story_id is None:
            story_id = stories.open_story(tx, finding, now)
        else:
            stories.join_story(tx, story_id, finding, now)
        decision_id = stories.save_decision(tx, finding, decisions, rules_id=self._rules_id, story_id=story_id, now=now)
        if sense is not None and self._encoder is not None:
            stories.save_sense(tx, decision_id, encoder=self._encoder.fingerprint, sense=dedupe.packed(sense))
        if not heard and finding.assignment.kind is model.Kind.DUPLICATE:
            return story_id, decision_id, False
        kind = model.Kind.UPDATE if finding.assignment.kind is model.Kind.UPDATE else model.Kind.NEW
        alert_id = stories.add_alert(tx, finding, decision_id, story_id, kind, now)
        outbox.add(tx, [_notification(decision, alert_id, story_id, finding.level, now) for decision in heard], now)
        return story_id, decision_id, True

    def _build(self, tx: Session, now: datetime) -> None:
        """Fold everything that is stored and still counts into a fresh index."""
        self._index = dedupe.Index(window=self._policy.window, sensitivity=self._policy.sensitivity)
        self._followed = 0
        self._corrected = max((correction.id for correction in stories.list_corrections(tx)), default=0)
        for seed, story_id in stories.list_seeds(tx):
            self._index.add(story_id, self._seed_profile(seed), seed=True)
        self._follow(tx, now)

    def _follow(self, tx: Session, now: datetime) -> None:
        """Fold in what other workers decided since; a person's correction rewrites the past, so it builds anew."""
        if stories.list_corrections(tx, after=self._corrected):
            self._build(tx, now)
            return
        encoder = self._encoder.fingerprint if self._encoder else ""
        for member in stories.list_members(tx, now - self._index.reach, after=self._followed, encoder=encoder):
            profile = dedupe.profile(member.entry, member.matches)
            self._index.add(member.story_id, dedupe.recalled(profile, member.sense))
            self._followed = member.decision_id

    def _encode_seeds(self, seeds: Sequence[model.Seed]) -> None:
        """Work out what seeds mean, before a transaction needs it."""
        fresh = [seed for seed in seeds if seed.fingerprint not in self._seed_senses]
        told = dedupe.with_meaning([dedupe.seed_profile(seed) for seed in fresh], self._encoder)
        self._seed_senses |= {seed.fingerprint: made.sense for seed, made in zip(fresh, told, strict=True)}

    def _seed_profile(self, seed: model.Seed) -> dedupe.Profile:
        """Return a seed as it is compared; one that another worker has just learned has no meaning here yet."""
        told = dedupe.seed_profile(seed, match.of_seed(seed, self._rules))
        return replace(told, sense=self._seed_senses.get(seed.fingerprint))


def _told(tx: Session, story_id: int | None, channels: Sequence[model.Channel]) -> Mapping[str, model.Told]:
    return {} if story_id is None else stories.told(tx, story_id, [channel.name for channel in channels])


def _counts(decision: model.Decision, told: Mapping[str, model.Told]) -> bool:
    """Whether a decision leaves a notification: what is sent or held, and what a silence keeps from being told first.

    A silenced story counts as decided, so that it is not announced by its next entry after the silence's end.
    """
    if decision.reason is model.Reason.SILENCED:
        return not told.get(decision.channel, model.Told()).told
    return decision.verdict is not model.Verdict.DROP


def _state(decision: model.Decision) -> model.NotificationState:
    if decision.reason is model.Reason.SILENCED:
        return model.NotificationState.SILENCED
    held = decision.verdict is model.Verdict.HOLD
    return model.NotificationState.HELD if held else model.NotificationState.PENDING


def _notification(
    decision: model.Decision, alert_id: int, story_id: int, level: model.Level, now: datetime
) -> outbox.NewNotification:
    held = decision.verdict is model.Verdict.HOLD
    return outbox.NewNotification(
        key=f"alert:{alert_id}:{decision.channel}",
        kind=model.NotificationKind.ALERT,
        channel=decision.channel,
        state=_state(decision),
        level=level,
        ready_at=decision.until_at or now if held else now,
        story_id=story_id,
        batch=decision.batch,
        reason=decision.reason.value,
        alert_ids=(alert_id,),
    )
