"""A set of rules: read from files (the one place here that touches a disk), checked, compiled. Shell."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from monitor import errors, model, shipped
from monitor.rules import assemble, program, reading, source
from monitor.rules.nodes import Complaint, Place, RuleNode, Severity

BUILTIN = "builtin"
LANGUAGE = "1"  # part of the fingerprint: the same files under another language are other rules
SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules that are in force together.

    rules: those that are enabled, in the order of the files. fingerprint: of the files' names and texts.
    files: text by name; `from_files` makes the same set of it again. complaints: warnings found on the way.
    """

    rules: tuple[model.Rule, ...]
    fingerprint: str
    files: Mapping[str, str]
    nodes: tuple[RuleNode, ...]
    program: program.Program
    complaints: tuple[Complaint, ...] = ()

    def find(self, rule_id: str) -> model.Rule | None:
        """Return the rule of that id, None when there is none that is enabled."""
        return next((rule for rule in self.rules if rule.id == rule_id), None)


def load(paths: Sequence[str | Path], *, base: Path) -> RuleSet:
    """Return the rules of some folders and files, later ones over earlier ones; raise RuleError.

    paths: "builtin" means the rules that come with the program; relative ones are relative to `base`.
    """
    return from_files(read_files(paths, base=base))


def read_files(paths: Sequence[str | Path], *, base: Path) -> dict[str, str]:
    """Return the text of every rule file by name, folders in the order given; raise RuleError."""
    files, complaints = read_some(paths, base=base)
    if complaints:
        raise errors.RuleError(complaints)
    return files


def read_some(paths: Sequence[str | Path], *, base: Path) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the text of every rule file that can be read, by name, and a complaint for each that cannot."""
    files: dict[str, str] = {}
    complaints: list[str] = []
    for path in paths:
        root = shipped.RULES if str(path) == BUILTIN else base / path
        try:
            for name, file in _files(str(path), root):
                if said := _read(name, file, files):
                    complaints.append(said)
        except OSError as error:
            complaints.append(
                f"{path}: cannot read rules there: {error.strerror or error} "
                f"(create {root}, or change `paths` under [rules] in config.toml)"
            )
    return files, tuple(complaints)


def _read(name: str, file: Path, files: dict[str, str]) -> str:
    """Add a file's text to `files`, or return what is wrong with it."""
    size = file.stat().st_size
    if size > 4 * source.LARGEST:
        return f"{name}:1:1: {size >> 20} MiB of rules in one file (at most 1 MiB) [file-too-large]"
    try:
        files[name] = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        return f"{name}:{line}:1: not UTF-8 (save the file as UTF-8) [not-utf-8]"
    return ""


def _files(path: str, root: Path) -> Iterator[tuple[str, Path]]:
    if root.is_file():
        yield path, root
        return
    if not root.exists():
        raise FileNotFoundError(2, "no such file or folder")
    found = sorted(file for file in root.rglob("*") if file.suffix in SUFFIXES and file.is_file())
    for file in found:
        inside = file.relative_to(root).as_posix()
        if not any(part.startswith(".") for part in Path(inside).parts):
            yield f"{path}/{inside}", file


def from_files(files: Mapping[str, str]) -> RuleSet:
    """Return the rules of some files, in the order given; raise RuleError with a line for each error."""
    ruleset, complaints = attempt(files)
    wrong = [str(complaint) for complaint in complaints if complaint.severity is Severity.ERROR]
    if ruleset is None or wrong:
        raise errors.RuleError(wrong)
    return ruleset


def attempt(files: Mapping[str, str]) -> tuple[RuleSet | None, tuple[Complaint, ...]]:
    """Return what can be used of some files, and everything that is wrong with them; None when no rule is left."""
    complaints = reading.Complaints()
    parts = [reading.read(name, text, complaints) for name, text in files.items()]
    nodes = assemble.assemble(parts, complaints)
    if not nodes and not complaints.found:
        where = ", ".join(files) or "the rule paths"
        message = f"no rules in {where}"
        place = Place(next(iter(files), "rules"), 1, 1)
        complaints.error(place, "no-rules", message, 'put a *.yaml there, or name "builtin" in [rules] paths')
    found = tuple(dict.fromkeys(_without_echoes(complaints.found)))
    if not nodes:
        return None, found
    compiled = program.compile_rules(nodes)
    rules = tuple(node.rule for node in compiled.rules)
    return RuleSet(rules, fingerprint(files), dict(files), nodes, compiled, found), found


_UNREADABLE = frozenset({"yaml", "file-too-large", "too-deep", "too-many-nodes", "duplicate-key", "shape"})
_ECHOES = frozenset({"unknown-list", "unknown-rule"})


def _without_echoes(complaints: Sequence[Complaint]) -> Sequence[Complaint]:
    """Leave out complaints about missing names while a file that may define them cannot be read."""
    if not any(complaint.lint in _UNREADABLE for complaint in complaints):
        return complaints
    return [complaint for complaint in complaints if complaint.lint not in _ECHOES]


def fingerprint(files: Mapping[str, str]) -> str:
    """Return the SHA-256 of the files' names and texts in their order, in hex."""
    digest = hashlib.sha256(LANGUAGE.encode())
    for name, text in files.items():
        digest.update(f"\0{name}\0{text}".encode())
    return digest.hexdigest()
