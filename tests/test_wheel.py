"""The wheel carries all that a set-up needs, and a set-up made from it runs."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a wheel that was built from this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    [found] = folder.glob("*.whl")
    return found


@pytest.mark.slow
def test_the_wheel_carries_rules_seeds_migrations_and_templates(wheel: Path) -> None:
    """What `init`, `db upgrade` and the messages need is inside, byte for byte."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        for folder, inside in (("rules", "monitor/files/rules"), ("seeds", "monitor/files/seeds")):
            for path in (ROOT / folder).rglob("*"):
                if path.is_file():
                    name = f"{inside}/{path.relative_to(ROOT / folder).as_posix()}"
                    assert archive.read(name) == path.read_bytes()
    for path in (ROOT / "monitor").rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            assert path.relative_to(ROOT).as_posix() in names


@pytest.mark.slow
def test_a_set_up_made_from_the_wheel_is_well(wheel: Path, tmp_path: Path) -> None:
    """`monitor init` and `monitor check`, with the checkout out of reach."""
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    for command in (["init", str(tmp_path / "desk")], ["check", "--config", str(tmp_path / "desk" / "config.toml")]):
        done = subprocess.run(
            [sys.executable, "-m", "monitor", *command],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(site)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "desk" / "rules" / "own.yaml").exists()
    assert len(list((tmp_path / "desk" / "seeds").glob("*.txt"))) == 2
