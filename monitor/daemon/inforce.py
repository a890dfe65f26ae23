"""What is in force: settings, rules, known stories and the story index, built whole or not at all. Shell.

A reload builds a second one beside the running one and swaps them; when that fails, the running one goes on.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import monitor
from monitor import config, encoders, errors, match, model, pipeline, rules, seeds, send, tally
from monitor.store import engine, facts, feeds, stories


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
    """What bringing the store in line with the files did."""

    feeds: feeds.FeedChanges
    seeds: stories.SeedChanges


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
    with store.write() as tx:
        changed = feeds.sync_specs(tx, found.settings.specs, now, first_due=first_due)

    def begun() -> pipeline.Deciding:
        settings = policy(found.settings)
        return pipeline.Deciding(store, found.ruleset, found.channels, settings, now, encoder=found.encoder)

    deciding = begun()
    learned = deciding.learn_seeds(found.seeds, now)
    if learned.removed or learned.changed:
        deciding = begun()
    tally.in_force(
        found.ruleset.fingerprint, [rule.id for rule in found.ruleset.rules], now, version=monitor.__version__
    )
    return deciding, Changes(changed, learned)


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


def _read_seeds(folders: tuple[Path, ...]) -> tuple[model.Seed, ...]:
    """Return the seeds of every folder. One that is not there holds none: known stories are not obligatory."""
    return tuple(seed for folder in folders if folder.is_dir() for seed in seeds.read_folder(folder))
