"""The stored past, decided once more because a person asked: entries that no rule matched when they came in. Shell.

What some rule matched then was decided then, and is never decided again: so nobody hears of the same entry twice.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlmodel import Session

from monitor import alert, dedupe, language, match, model, rules
from monitor.pipeline import deciding
from monitor.store import engine, entries, rule_versions, stories

DELAY = timedelta(minutes=1)  # so that all of them are decided before the first goes out
_BATCH = "replay"
_MOST = 1_000_000

Found = tuple[model.Entry, tuple[model.Match, ...]]


class Recalling(deciding.Deciding):
    """Decides processed entries that have no decision yet, among the stories of their own time."""

    def __init__(
        self,
        store: engine.Store,
        ruleset: rules.RuleSet,
        channels: Sequence[model.Channel],
        policy: deciding.Policy,
        *,
        since: datetime,
        now: datetime,
        encoder: dedupe.Encodes | None = None,
    ) -> None:
        """Take the rules in force and fold the stories that were told since then. Raises StoreError."""
        self._since = since
        with store.write() as tx:
            rule_versions.save(tx, ruleset.fingerprint, dict(ruleset.files), now)
        super().__init__(store, ruleset, channels, policy, since, encoder=encoder)

    def find(self) -> tuple[Found, ...]:
        """Return what matches now and matched nothing then, in the order in which it came; experimental rules aside."""
        with self._store.read() as tx:
            records = entries.search(tx, "", since=self._since, decision="unmatched", limit=_MOST)
        found = []
        for record in reversed(records):
            entry = language.told(record.entry) if self._asks_language else record.entry
            matches = match.match(entry, self._rules, now=entry.first_seen_at)
            if any(one.rule.status is not model.RuleStatus.EXPERIMENTAL for one in matches):
                found.append((entry, matches))
        return tuple(found)

    def recall(self, found: Found, now: datetime) -> bool:
        """Decide one entry; what a channel gets of it waits for the digest. Returns whether an alert was made.

        An entry that was decided or edited meanwhile is left alone. Raises StoreError.
        """
        entry, matches = found
        with self._store.read() as tx:
            if stories.find_decision(tx, entry.id) is not None:
                return False
        try:
            return self._decide(entry, matches, dedupe.profile(entry, matches, encoder=self._encoder), "", now)
        except deciding.LostLeaseError:
            return False

    def _told_at(self, entry: model.Entry, now: datetime) -> datetime:  # noqa: ARG002
        return entry.first_seen_at

    def _judge(
        self,
        finding: model.Finding,
        channel: model.Channel,
        told: model.Told,
        muted: Sequence[model.Silence],
        now: datetime,
    ) -> model.Decision:
        """Return what one channel gets: no entry is too old when the past is asked for, and all comes as one digest."""
        decision = alert.decide(
            finding,
            channel,
            told,
            muted,
            now=now,
            update_every=timedelta(0),
            max_entry_age=timedelta.max,
            first=model.FirstPoll.ALERT,
        )
        if decision.verdict is model.Verdict.DROP:
            return decision
        return replace(
            decision,
            verdict=model.Verdict.HOLD,
            reason=model.Reason.REPLAYED,
            until_at=_next_at(channel, now + DELAY),
            batch=_BATCH,
        )

    def _mark(self, tx: Session, entry: model.Entry, lease: str) -> bool:  # noqa: ARG002  nobody claims what is processed
        return entries.mark_again(tx, entry.id, entry.revision, self._rules_id)

    def _follow(self, tx: Session, now: datetime) -> None:  # noqa: ARG002
        super()._follow(tx, self._since)


def _next_at(channel: model.Channel, at: datetime) -> datetime:
    """Return when the channel takes a digest next: whatever its alerts' level, the past can wait for the morning."""
    if channel.digest:
        at = alert.next_digest_at(channel.digest, channel.zone, at)
    return (alert.quiet_until(channel.quiet, channel.zone, at) if channel.quiet else None) or at
