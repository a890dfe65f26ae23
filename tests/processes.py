"""What a process and all that it started take: memory and CPU, from /proc. Linux only."""

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Taken:
    """What a tree of processes takes now. memory: MB, a page that several share counted once (PSS). cpu: seconds.

    own: the memory of the process at its root. cpu counts children that ended, too.
    """

    memory: float
    own: float
    cpu: float
    processes: int


def taken(root: int) -> Taken:
    """Return what `root` and its descendants take."""
    pids = tree(root)
    memory = {pid: _memory(pid) for pid in pids}
    return Taken(sum(memory.values()), memory.get(root, 0.0), sum(map(_cpu, pids)), len(pids))


def tree(root: int) -> list[int]:
    """Return `root` and its descendants."""
    parents = {int(path.name): _fields(path) for path in Path("/proc").iterdir() if path.name.isdigit()}
    found = [root]
    for pid in found:
        found += [child for child, fields in parents.items() if fields and int(fields[1]) == pid]
    return found


def _memory(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0  # it ended
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def _cpu(pid: int) -> float:
    fields = _fields(Path(f"/proc/{pid}"))
    return sum(map(int, fields[11:15])) / _TICKS if fields else 0.0


def _fields(place: Path) -> list[str]:
    """Return what stands in `stat` after the name: state, parent, ..."""
    try:
        return (place / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return []
