"""What stands beside the program: the example configuration, the systemd unit, the container files."""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from monitor import config, shipped
from monitor.config import channels, schema

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
_SETTING = re.compile(r"^#(?=[a-z_]+ = |\[)", re.MULTILINE)


def test_the_example_configuration_loads_as_it_stands() -> None:
    """It has a handful of feeds of several kinds, no channel, and defaults for the rest."""
    settings = config.load(shipped.EXAMPLE_CONFIG)
    assert 5 <= len(settings.feeds) <= 15
    assert {"official", "sanctions", "defence", "broadcaster", "africa", "asia-pacific"} <= {
        tag for feed in settings.feeds for tag in feed.tags
    }
    assert settings.channels == ()
    tables = {"store", "poll", "rules", "stories", "keep", "channels", "web", "log"}
    assert settings.model_dump(include=tables) == schema.Settings().model_dump(include=tables)


def test_every_commented_setting_loads_and_says_the_default(tmp_path: Path) -> None:
    """With every # taken away it still loads, and what is no example is the default."""
    settings = _with_all_settings(tmp_path)
    plain = schema.Settings()
    for table in ("store", "rules", "stories", "keep", "web", "log"):
        assert getattr(settings, table) == getattr(plain, table), table
    poll = plain.poll  # its bounds of the rhythm follow from the interval, unless they are set
    bounds = {"min_interval": poll.interval / 2, "max_interval": poll.interval * 12}
    assert settings.poll == poll.model_copy(update=bounds)
    examples = {"name", "url", "quiet", "templates", "report", "repeat"}
    plain_channel = channels.ChannelTable(name="x", url="x")
    assert settings.channels[0].model_dump(exclude=examples) == plain_channel.model_dump(exclude=examples)


def test_every_key_stands_in_the_example_configuration(tmp_path: Path) -> None:
    """No key of any table is left for the reader to guess."""
    written = tomllib.loads(_uncommented())
    missing = [
        f"{name}.{key}"
        for name, table in schema.TABLES.items()
        for key in _keys(table)
        if key not in _written(written, name)
    ]
    assert missing == []


def test_the_feeds_of_the_example_are_from_every_region(tmp_path: Path) -> None:
    """All feeds together, commented out or not, cover the regions, and no two share a name or an address."""
    feeds = _with_all_settings(tmp_path).feeds
    tags = {tag for feed in feeds for tag in feed.tags}
    assert {"americas", "europe", "middle-east", "africa", "asia-pacific", "un", "wire", "press"} <= tags
    assert len(feeds) >= 30


def test_the_unit_tells_systemd_how_the_daemon_lives() -> None:
    """Ready by notification, watched, reloaded by SIGHUP, stopped through its main process, not restarted in vain."""
    unit = _unit()
    assert unit["Type"] == ["notify"]
    assert unit["WatchdogSec"]
    assert unit["ExecReload"] == ["/bin/kill -HUP $MAINPID"]
    assert unit["KillMode"] == ["mixed"]
    assert unit["RestartPreventExitStatus"] == ["2"]


def test_the_unit_may_write_its_database_and_nothing_else() -> None:
    """The file system is read-only but for the state folder, and no privilege can be gained."""
    unit = _unit()
    assert unit["ProtectSystem"] == ["strict"]
    assert unit["StateDirectory"] == ["monitor"]
    assert "ReadWritePaths" not in unit
    assert unit["NoNewPrivileges"] == unit["PrivateTmp"] == unit["MemoryDenyWriteExecute"] == ["yes"]
    assert unit["CapabilityBoundingSet"] == [""]


def test_the_unit_lets_children_limit_themselves() -> None:
    """The system calls that set resource limits are not filtered: parsing children set their own."""
    assert _unit()["SystemCallFilter"] == ["@system-service", "~@privileged"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_finds_nothing_to_complain_of(tmp_path: Path) -> None:
    """systemd-analyze verifies the unit, and counts its exposure as 2.0 or less."""
    text = (DEPLOY / "monitor.service").read_text(encoding="utf-8")
    path = tmp_path / "monitor.service"
    path.write_text(text.replace("/opt/monitor/bin/monitor", sys.executable), encoding="utf-8")
    verified = _analyze("verify", path)
    assert (verified.returncode, verified.stdout, verified.stderr) == (0, "", "")
    judged = _analyze("security", "--offline=true", "--threshold=20", path)
    assert judged.returncode == 0, judged.stdout[-200:]


def test_the_image_is_built_on_one_plain_image_and_runs_as_nobody() -> None:
    """Every stage starts from python:3.13-slim; the last has a user of its own, a volume and a health check."""
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    assert set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) == {"python:3.13-slim"}
    last = text[text.rindex("\nFROM ") :]
    assert re.search(r"^USER [1-9]\d+:[1-9]\d+$", last, re.MULTILINE)
    assert re.search(r"^VOLUME /var/lib/monitor$", last, re.MULTILINE)
    assert re.search(r'^HEALTHCHECK .*CMD \["monitor", "healthcheck"\]$', last, re.MULTILINE)
    assert "--require-hashes" in text


def test_everything_that_the_image_copies_is_sent_to_its_build() -> None:
    """What the Dockerfile copies stands in the ignore file's exceptions and in the repository."""
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    names = {name for line in copied for name in line.split()}
    sent = set(re.findall(r"^!(\S+)", (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8"), re.MULTILINE))
    assert names == sent
    assert [name for name in names if not (ROOT / name).exists()] == []


def test_the_container_has_one_place_to_write() -> None:
    """Read-only root, no capability, one volume for the state, the configuration read-only, a health check."""
    with (DEPLOY / "compose.yaml").open(encoding="utf-8") as file:
        service = yaml.safe_load(file)["services"]["monitor"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["volumes"] == ["state:/var/lib/monitor", "./config:/etc/monitor:ro"]
    assert service["healthcheck"]["test"] == ["CMD", "monitor", "healthcheck"]


WORKERS = ("worker-1", "worker-2", "worker-3")


def test_each_worker_of_the_cluster_is_kept_in_as_the_single_one_is() -> None:
    """Three workers, each with a name and one volume of its own; all else is what compose.yaml says of the one."""
    single, services = _composed("compose.yaml")["services"]["monitor"], _composed("compose.cluster.yaml")["services"]
    assert set(services) == {"database", *WORKERS}
    own = {"volumes", "hostname", "depends_on", "secrets"}
    for name in WORKERS:
        worker = services[name]
        assert {key: value for key, value in worker.items() if key not in own} == {
            key: value for key, value in single.items() if key not in own
        }
        assert worker["hostname"] == name
        assert worker["volumes"] == [f"{name}:/var/lib/monitor", "./config:/etc/monitor:ro"]
        assert worker["depends_on"] == {"database": {"condition": "service_healthy"}}


def test_the_clusters_database_may_write_its_volume_and_nothing_else() -> None:
    """A user without privileges, a read-only root, no published port, a health check."""
    database = _composed("compose.cluster.yaml")["services"]["database"]
    assert re.fullmatch(r"postgres:\d+", database["image"])
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", database["user"])
    assert database["read_only"] is True
    assert database["cap_drop"] == ["ALL"]
    assert database["security_opt"] == ["no-new-privileges:true"]
    assert database["volumes"] == ["database:/var/lib/postgresql/data"]
    assert {path.partition(":")[0] for path in database["tmpfs"]} == {"/tmp", "/run/postgresql"}
    assert database["healthcheck"]["test"][:2] == ["CMD", "pg_isready"]
    assert "ports" not in database


def test_every_volume_and_secret_of_the_cluster_is_declared_and_used() -> None:
    """No password stands in the file: secrets are files, and each has one reader or one kind of reader."""
    cluster = _composed("compose.cluster.yaml")
    services = cluster["services"]
    mounted = {volume.partition(":")[0] for one in services.values() for volume in one["volumes"]} - {"./config"}
    assert mounted == set(cluster["volumes"])
    assert {secret for one in services.values() for secret in one["secrets"]} == set(cluster["secrets"])
    assert services["database"]["secrets"] == ["database-password"]
    assert all(set(secret) == {"file"} for secret in cluster["secrets"].values())
    assert not [key for key in services["database"]["environment"] if key.endswith("PASSWORD")]


def test_the_clusters_configuration_on_the_page_loads(tmp_path: Path) -> None:
    """What docs/container.md says to write for the cluster is a configuration that the program reads."""
    page = (ROOT / "docs" / "container.md").read_text(encoding="utf-8").split("## Three workers on PostgreSQL")[1]
    written = re.search(r"```toml\n(.*?)```", page, re.DOTALL)
    assert written
    secret = tmp_path / "store-url"
    secret.write_text("postgresql://monitor:a-word@database/monitor\n", encoding="utf-8")
    text = written[1].replace("/run/secrets/store-url", str(secret))
    (tmp_path / "config.toml").write_text(text, encoding="utf-8")
    settings = config.load(tmp_path / "config.toml")
    assert settings.store_url == "postgresql+psycopg://monitor:a-word@database/monitor"
    assert "postgresql://monitor:$(cat secrets/database-password)@database/monitor" in page


def _composed(name: str) -> dict[str, Any]:
    with (DEPLOY / name).open(encoding="utf-8") as file:
        composed: dict[str, Any] = yaml.safe_load(file)
    return composed


def _unit() -> dict[str, list[str]]:
    """Return the settings of [Service]; a key that stands twice has two values."""
    text = (DEPLOY / "monitor.service").read_text(encoding="utf-8")
    section = text[text.index("[Service]") : text.index("[Install]")]
    found: dict[str, list[str]] = {}
    for key, value in re.findall(r"^(\w+)=(.*)$", section, re.MULTILINE):
        found.setdefault(key, []).append(value)
    return found


def _analyze(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False
    )


def _uncommented() -> str:
    return _SETTING.sub("", shipped.EXAMPLE_CONFIG.read_text(encoding="utf-8"))


def _with_all_settings(folder: Path) -> config.Settings:
    path = folder / "config.toml"
    path.write_text(_uncommented(), encoding="utf-8")
    for name in ("desk.txt", "desk.html"):  # the templates that it names
        (folder / name).write_text("{{ alert.title }}", encoding="utf-8")
    return config.load(path)


def _keys(table: type[BaseModel]) -> Iterator[str]:
    for name, field in table.model_fields.items():
        yield field.alias or name


def _written(tables: dict[str, Any], name: str) -> set[str]:
    """Return the keys that a table, or any table of a list of tables, holds."""
    found = tables["channels"][0][name] if name in {"quiet", "templates"} else tables[name]
    rows = found if isinstance(found, list) else [found]
    return {key.removesuffix(end) for row in rows for key in row for end in ("", "_file", "_env")}
