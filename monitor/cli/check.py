"""`monitor check`: what is wrong, where, and what to write instead. Shell."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor import errors
from monitor.cli import check_fix, check_stats, options, output, session

if TYPE_CHECKING:
    from monitor import config as configuration
    from monitor import rules as ruling

EXAMPLES = options.examples(
    "monitor check", "monitor check rules/", "monitor check rules/ --fix", "monitor check --stats"
)
_WRONG, _FOUND = 2, 3
_ECHOES = frozenset({"unknown-list", "unknown-rule", "no-rules"})  # of a file that cannot be read


def command(
    path: Annotated[
        Path | None,
        typer.Argument(metavar="PATH", show_default=False, help="A configuration, or a folder or file of rules."),
    ] = None,
    config: options.Config = None,
    *,
    fix: Annotated[
        bool, typer.Option("--fix", help="Mend in your rule files what needs no person to mend it.")
    ] = False,
    stats: Annotated[bool, typer.Option("--stats", help="What each rule matched in 30 days, from the store.")] = False,
    as_json: options.Json = False,
) -> None:
    """Say what is wrong, where, and what to write instead.

    It looks at configuration, feeds, rules and their tests, known stories and channels, and never at the network.
    Rules alone are checked with the shipped ones where they need these. Each line names file, line, what is wrong and
    what to write instead. --fix mends misspelt keys, headlines that a colon made a mapping and terms that a # cut,
    shows each line before and after, and checks what is left; comments stay, and shipped files are never touched. Exit
    status: 0 all is well, 2 something is broken, 3 a rule's own test fails or something is worth a look.
    """
    from monitor import config as configuration

    if path is not None and config is not None:
        msg = "give either a PATH or --config, not both"
        raise errors.ConfigError(msg)
    if path is not None and not path.exists():
        msg = f"{path}: no such file or folder; name a configuration, or a folder or file of rules"
        raise errors.ConfigError(msg)
    report = Report()
    if path is not None and _is_rules(path):
        if fix:
            check_fix.mend([str(path)], Path(), as_json=as_json)
        paths = session.rule_paths([str(path)])
        check_rules(report, paths, Path())
        if paths[0] != str(path):
            report.looked_at.append("with the shipped ones, which these need")
    else:
        inside = path / "config.toml" if path is not None and path.is_dir() else path
        _check_all(report, configuration.find_file(inside or config), fix=fix, as_json=as_json)
    report.tell(as_json=as_json)
    if stats and not report.broken:
        check_stats.show(configuration.load(configuration.find_file(path or config)), as_json=as_json)
    raise typer.Exit(report.status)


@dataclass(slots=True)
class Report:
    """What is wrong, and what was looked at. broken: keeps the daemon from starting; doubtful: worth a look."""

    broken: list[str] = field(default_factory=list)
    doubtful: list[str] = field(default_factory=list)
    looked_at: list[str] = field(default_factory=list)

    @property
    def status(self) -> int:
        """The exit status."""
        if self.broken:
            return _WRONG
        return _FOUND if self.doubtful else 0

    def tell(self, *, as_json: bool) -> None:
        """Print it: what is broken on standard error, what is doubtful on standard output, then one line in sum."""
        if as_json:
            for severity, found in (("error", self.broken), ("warning", self.doubtful)):
                for text in found:
                    output.print_json({"severity": severity, "text": text})
            return
        for text in self.broken:
            output.complain(text)
        for text in self.doubtful:
            output.say(text)
        sum_up = "; ".join(self.looked_at)
        if self.broken:
            many = output.count(len(self.broken), "thing is", "things are")
            output.complain(f"{many} broken" + (f" ({sum_up})" if sum_up else ""))
        elif self.doubtful:
            output.say(f"{output.count(len(self.doubtful), 'thing is', 'things are')} worth a look ({sum_up})")
        else:
            output.say(f"all is well: {sum_up}")


def check_rules(report: Report, paths: Sequence[str], base: Path) -> "ruling.RuleSet | None":
    """Look at rules, at what silently does nothing in them and at what their own tests say; None when none is left.

    While something is broken, only that is told: a list may be unused because its rule could not be read.
    """
    from monitor import match, rules

    files, unread = rules.read_some(paths, base=base)
    ruleset, complaints = rules.attempt(files)
    echoes = _ECHOES if unread else frozenset[str]()
    wrong = [one for one in complaints if one.severity is rules.Severity.ERROR and one.lint not in echoes]
    broken = [*unread, *(str(one) for one in wrong)]
    report.broken += broken
    if ruleset is not None:
        if not broken:
            report.doubtful += [str(one) for one in (*rules.lint(ruleset), *match.failing_tests(ruleset))]
        report.looked_at.append(output.count(len(ruleset.rules), "rule"))
    return ruleset


def _is_rules(path: Path) -> bool:
    """Return whether `path` is to be read as rules alone: a YAML file, or a folder without a config.toml."""
    return path.suffix in {".yaml", ".yml"} or (path.is_dir() and not (path / "config.toml").exists())


def _check_all(report: Report, path: Path | None, *, fix: bool, as_json: bool) -> None:
    """Look at a configuration and at all that it names."""
    from monitor import config as configuration

    try:
        settings = configuration.load(path)
    except errors.ConfigError as error:
        report.broken += str(error).splitlines()
        return
    report.looked_at.append(str(path) if path else "no configuration, so the defaults with the shipped rules")
    report.looked_at.append(output.count(len(settings.feeds), "feed"))
    if fix:
        check_fix.mend(settings.rules.paths, settings.folder, as_json=as_json)
    ruleset = check_rules(report, settings.rules.paths, settings.folder)
    _check_seeds(report, settings)
    _check_encoder(report, settings)
    _check_pages(report, settings)
    _check_channels(report, settings)
    if ruleset is not None:
        _check_names(report, settings, ruleset)


def _check_seeds(report: Report, settings: "configuration.Settings") -> None:
    from monitor import seeds

    count = 0
    for folder in settings.seed_paths:
        if not folder.is_dir():
            report.doubtful.append(f"{folder}: no such folder of known stories; make it, or change [stories] seeds")
            continue
        try:
            count += len(seeds.read_folder(folder))
        except errors.ConfigError as error:
            report.broken += str(error).splitlines()
    report.looked_at.append(output.count(count, "known story", "known stories"))


def _check_encoder(report: Report, settings: "configuration.Settings") -> None:
    from monitor import encoders

    complaint = encoders.check(settings.stories.encoder, settings.folder)
    if complaint:
        report.doubtful.append(f"[stories] encoder: {complaint}; until then words alone decide which story is told")


def _check_pages(report: Report, settings: "configuration.Settings") -> None:
    if not settings.reads_pages:
        return
    from monitor.parse import article

    if not article.is_installed():
        report.doubtful.append(f"full_text: {article.MISSING}; until then no pages are read")


def _check_channels(report: Report, settings: "configuration.Settings") -> None:
    from monitor import send

    for channel in settings.all_channels:
        wrong = send.check(channel.url)
        if wrong:
            place = settings.places.get(channel.name)
            report.broken.append(f"{f'{place}: ' if place else ''}channel {channel.name!r}: {wrong}")
    report.looked_at.append(f"alerts go to {', '.join(channel.name for channel in settings.all_channels)}")


def _check_names(report: Report, settings: "configuration.Settings", ruleset: "ruling.RuleSet") -> None:
    """Look for names that name nothing: channels and feeds in rules, rules and feeds in channels."""
    channels = [channel.name for channel in settings.all_channels]
    rules = [rule.id for rule in ruleset.rules]
    feeds = [spec.name for spec in settings.specs]
    tags = list(dict.fromkeys(tag for spec in settings.specs for tag in spec.tags))
    for node in ruleset.nodes:
        asked = node.conditions
        for kind, names, known in (("is called", asked.feeds, feeds), ("bears the tag", asked.feed_tags, tags)):
            report.doubtful += [
                f"rule {node.rule.id}: no feed {kind} {name!r}{output.did_you_mean(name, known)}"
                for name in names
                if name not in known
            ]
    for rule in ruleset.rules:
        for name in rule.channels:
            if name not in channels:
                hint = output.did_you_mean(name, channels)
                report.doubtful.append(
                    f"rule {rule.id}: no channel is called {name!r}{hint}, so it reaches nobody there"
                )
    for channel in settings.all_channels:
        for kind, names, known in (("rule", channel.rules, rules), ("feed", channel.feeds, [*feeds, *tags])):
            report.doubtful += [
                f"channel {channel.name!r}: no {kind} is called {name!r}{output.did_you_mean(name, known)}"
                for name in names
                if name not in known
            ]
