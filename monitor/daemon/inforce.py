"""What is in force: settings, rules, known stories and the story index, built whole or not at all. Shell.

A reload builds a second one beside the running one and swaps them; when that fails, the running one goes on.
Where workers share the database, feeds and known stories go only when the files of all that live agree.
"""

import hashlib
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import monitor
from monitor import config, encoders, errors, match, model, pipeline, rules, seeds, send, tally
from monitor.store import codec, engine, facts, feeds, stories, workers

_BETWEEN = timedelta(seconds=1 / 20)  # new feeds
_DECIDE_WHAT_GOES = frozenset({"feeds", "stories"})  # files that workers must agree on before what is in none goes


@dataclass(frozen=True, slots=True)
class InForce:
    """A consistent set of what the operator's files say.

    unusable: names of channels whose URL is wrong; complaints: what is wrong with each, a line with its place.
    encoder: None where words alone are compared.
    """

    settings: config.Settings
    ruleset: rules.RuleSet
    seeds: tuple[model.Seed, ...]
    channels: tuple[model.Channel, ...]
    unusable: tuple[str, ...] = ()
    complaints: tuple[str, ...] = ()
    encoder: encoders.Encoder | None = None

    @property
    def usable(self) -> tuple[model.Channel, ...]:
        """The channels that can be sent to; what the others are owed waits for them in the outbox."""
        return tuple(channel for channel in self.channels if channel.name not in self.unusable)


@dataclass(frozen=True, slots=True)
class Changes:
    """What bringing the store in line with the files did.

    unlike: what other workers' files say otherwise of: feeds, stories; what went from ours is left as it is then.
    """

    feeds: feeds.FeedChanges
    seeds: stories.SeedChanges
    unlike: frozenset[str] = frozenset()

    def counts(self) -> dict[str, int]:
        """Return how many there are of each kind, as the log has it; nothing of those that there are none of."""
        changed = {
            "feeds_added": self.feeds.added,
            "feeds_changed": self.feeds.changed,
            "feeds_disabled": self.feeds.disabled,
            "feeds_revived": self.feeds.revived,
            "feeds_left_to_others": self.feeds.left,
            "known_stories_added": self.seeds.added,
            "known_stories_changed": self.seeds.changed,
            "known_stories_removed": self.seeds.removed,
            "known_stories_left_to_others": self.seeds.left,
        }
        return {name: len(names) for name, names in changed.items() if names}


def read(load: Callable[[], config.Settings]) -> InForce:
    """Read every file that the operator edits. Raises ConfigError (RuleError) with one line per complaint.

    One channel with a wrong URL does not stop the others; without any that is right, nobody could be told.
    """
    settings = load()
    ruleset = rules.load(settings.rules.paths, base=settings.folder)
    failing = match.failing_tests(ruleset)
    if failing:
        raise errors.RuleError([str(complaint) for complaint in failing])
    known = _read_seeds(settings.seed_paths)
    channels = settings.all_channels
    wrong = {
        channel.name: f"{settings.places.get(channel.name, 'config.toml')}: channel {channel.name!r}: {complaint}"
        for channel in channels
        if (complaint := send.check(channel.url)) is not None
    }
    if len(wrong) == len(channels):
        raise errors.ConfigError("\n".join(wrong.values()))
    encoder = encoders.find(settings.stories.encoder, settings.folder)
    return InForce(settings, ruleset, known, channels, tuple(wrong), tuple(wrong.values()), encoder)


def apply(
    found: InForce, store: engine.Store, now: datetime, first_due: Callable[[int], datetime]
) -> tuple[pipeline.Deciding, Changes]:
    """Bring the store in line with the files, and build what decides. Runs on the store's thread; raises StoreError.

    first_due: when the n-th new feed is polled first.
    """
    specs = found.settings.specs
    with store.write() as tx:
        other = unlike(store, workers.list_workers(tx, now), fingerprints(found))
        changed = feeds.sync_specs(tx, specs, now, first_due=first_due, leave_rest="feeds" in other)

    def begun() -> pipeline.Deciding:
        settings = policy(found.settings)
        return pipeline.Deciding(store, found.ruleset, found.channels, settings, now, encoder=found.encoder)

    deciding = begun()
    learned = deciding.learn_seeds(found.seeds, now, leave_rest="stories" in other)
    if learned.removed or learned.changed:
        deciding = begun()
    tally.in_force(
        found.ruleset.fingerprint, [rule.id for rule in found.ruleset.rules], now, version=monitor.__version__
    )
    return deciding, Changes(changed, learned, other)


def spread(now: datetime, count: int, within: timedelta) -> Callable[[int], datetime]:
    """Return when the n-th of up to `count` new feeds is polled first: twenty a second, or evenly `within`."""
    step = min(_BETWEEN, within / max(1, count))
    return lambda number: now + number * step


def fingerprints(found: InForce) -> dict[str, str]:
    """Return short fingerprints of what the files say, without any secret of a channel."""
    channels = [replace(channel, url="") for channel in found.channels]
    specs = sorted(found.settings.specs, key=lambda spec: spec.name)
    return {
        "rules": found.ruleset.fingerprint[:12],
        "feeds": _fingerprint(specs),
        "channels": _fingerprint(channels),
        "stories": _fingerprint([policy(found.settings), *found.seeds]),
        "encoder": (found.encoder.fingerprint or "unusable") if found.encoder else "off",
    }


def unlike(store: engine.Store, known: Collection[workers.Worker], ours: Mapping[str, str]) -> frozenset[str]:
    """Return of which files that decide what goes others that live have another version; nobody else is on SQLite.

    ours: fingerprints of what our files say.
    """
    if store.dialect == "sqlite":
        return frozenset()
    others = [one for one in known if one.id != store.worker and not one.is_gone]
    return frozenset(about for about in _DECIDE_WHAT_GOES if any(one.files.get(about) != ours[about] for one in others))


def identity(store: engine.Store, now: datetime) -> str:
    """Return the name of this installation, made once: it keeps the keys of two installations' messages apart."""
    with store.write() as tx:
        return str(facts.put_once(tx, "identity", {"id": uuid.uuid4().hex[:12]}, now)["id"])


def policy(settings: config.Settings) -> pipeline.Policy:
    """Return the values of `settings` that decisions need."""
    return pipeline.Policy(
        window=settings.stories.window,
        update_every=settings.stories.update_every,
        max_entry_age=settings.poll.max_entry_age,
        sensitivity=settings.stories.sensitivity,
        default_first=settings.poll.first,
        first={spec.name: spec.first for spec in settings.specs if spec.first is not None},
    )


def _fingerprint(nouns: Sequence[object]) -> str:
    text = codec.dumps([codec.encode(noun) for noun in nouns])
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def _read_seeds(folders: tuple[Path, ...]) -> tuple[model.Seed, ...]:
    """Return the seeds of every folder. One that is not there holds none: known stories are not obligatory."""
    return tuple(seed for folder in folders if folder.is_dir() for seed in seeds.read_folder(folder))
