"""docs/first-alert.md, run as it stands: from a set-up to the first alert, by the page alone."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import servers

PAGE = (Path(__file__).parent.parent / "docs" / "first-alert.md").read_text(encoding="utf-8")
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_DONE = "-- done --"


class _Shell:
    """A shell that runs the page's commands one block after the other, in a home of its own."""

    def __init__(self, home: Path) -> None:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = os.environ | {"HOME": str(home), "PATH": path, "NO_COLOR": "1", "COLUMNS": "200"}
        environment.pop("MONITOR_CONFIG", None)
        self._process = subprocess.Popen(
            ["bash", "-e"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=home,
            env=environment,
            text=True,
        )

    def run(self, block: str) -> str:
        """Return what a block prints. AssertionError when a command fails."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{block}\necho '{_DONE}'\n")
        self._process.stdin.flush()
        lines: list[str] = []
        for line in self._process.stdout:
            if line.strip() == _DONE:
                return "".join(lines)
            lines.append(line)
        raise AssertionError(f"the shell ended in\n{block}\nafter\n{''.join(lines)}")

    def close(self) -> int:
        """End it and return its status."""
        assert self._process.stdin
        self._process.stdin.close()
        status = self._process.wait(30)
        assert self._process.stdout
        self._process.stdout.close()
        return status


@pytest.mark.slow
def test_the_page_leads_to_the_first_alert(tmp_path: Path) -> None:
    """Every command works as it is written, and prints what the page shows; then all of it is taken away again."""
    shell = _Shell(tmp_path)
    port = str(servers.free_port("127.0.0.1"))
    told, shown, promised = "", 0, 0
    try:
        for kind, block in _BLOCK.findall(PAGE):
            if kind == "text":
                shown += 1
                assert _without_times(block) in _without_times(told)
            elif "pip install" not in block and "monitor run" not in block:
                told = shell.run(block.replace("8900", port))
                _until_the_next_second(tmp_path / "desk" / "trial")
                if "http.server" in block:
                    servers.until(lambda: _answers(int(port)))
                promises = _promises(block)
                assert [promise for promise in promises if promise not in told] == []
                promised += len(promises)
    finally:
        status = shell.close()
    assert (status, shown, promised) == (0, 2, 5)
    assert not (tmp_path / "desk" / "trial").exists()
    assert "allow_networks = []" in (tmp_path / "desk" / "config.toml").read_text(encoding="utf-8")


def _promises(block: str) -> list[str]:
    """Return what the prose after a block says that it prints."""
    prose = PAGE.split(block, 1)[1].split("```", 2)[1]
    return re.findall(r"`([^`\n]*(?:all is well|polled 1|0 alerts|stdout: sent)[^`\n]*)`", prose)


def _without_times(text: str) -> str:
    return re.sub(r"\d+ \w{3} \d{4}, \d\d:\d\d UTC", "TIME", text).strip()


def _until_the_next_second(folder: Path) -> None:
    """Wait until another change would be noticed: a file server tells them by the second."""
    if folder.exists():
        changed = max(path.stat().st_mtime for path in (folder, *folder.iterdir()) if path.suffix != ".log")
        servers.until(lambda: int(time.time()) > int(changed))


def _answers(port: int) -> bool:
    import socket

    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
