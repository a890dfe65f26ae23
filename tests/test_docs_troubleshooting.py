"""docs/troubleshooting.md: the program really says each message that the page shows."""

import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from monitor.store import engine
from tests import commands, servers
from tests.commands import monitor, set_up
from tests.e2e.daemon import Daemon

PAGE = (Path(__file__).parent.parent / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
_OWN_RULES = '[rules]\npaths = ["rules"]\n'
_SHOWN = re.findall(r"^```text\n(.+)\n```$", PAGE, re.MULTILINE)


def _no_match(folder: Path) -> str:
    set_up(folder)
    return monitor("explain", "Weather is fine", folder=folder).out


def _never_ran(folder: Path) -> str:
    set_up(folder)
    return monitor("status", folder=folder).out


def _no_config(folder: Path) -> str:
    with commands.environment(HOME=str(folder), XDG_CONFIG_HOME=None, MONITOR_CONFIG=None):
        return monitor("run", folder=folder).err


def _unknown_key(folder: Path) -> str:
    set_up(folder, config='[poll]\nintervall = "5m"\n')
    return monitor("check", folder=folder).err


def _wrong_value(folder: Path) -> str:
    set_up(folder, config="[poll]\ninterval = 5\n")
    return monitor("check", folder=folder).err


def _no_secret(folder: Path) -> str:
    set_up(folder, config='[[channels]]\nname = "desk"\nurl_env = "DESK_URL"\n')
    with commands.environment(DESK_URL=None):
        return monitor("check", folder=folder).err


def _unknown_rule_key(folder: Path) -> str:
    set_up(folder, rules="version: 1\nrules:\n  - id: grain\n    title: Grain\n    severty: high\n    match: grain\n")
    return monitor("check", folder=folder).err


def _failing_rule(folder: Path) -> str:
    rule = "version: 1\nrules:\n  - id: grain\n    title: Grain\n    level: high\n    match: grain\n    tests:\n"
    set_up(folder, rules=f'{rule}      match: ["Wheat prices fall"]\n      no_match: ["Cup tie"]\n')
    found = monitor("check", folder=folder)
    return found.out + found.err


def _refused(folder: Path) -> str:
    return _polled(folder, servers.Answer(403))


def _not_found(folder: Path) -> str:
    return _polled(folder, servers.Answer(404))


def _web_page(folder: Path) -> str:
    return _polled(folder, servers.Answer(200, b"<html><body>hello</body></html>", {"Content-Type": "text/html"}))


def _polled(folder: Path, answer: servers.Answer) -> str:
    with servers.FeedServer() as feeds:
        feeds.set("/feed", answer)
        allowed = '[poll]\nallow_networks = ["127.0.0.0/8"]\n'
        set_up(folder, config=f'{_OWN_RULES}{allowed}[[feeds]]\nname = "Wire"\nurl = "{feeds.url("/feed")}"\n')
        return monitor("feeds", "check", "Wire", folder=folder).err


def _private(folder: Path) -> str:
    set_up(folder, config=f'{_OWN_RULES}[[feeds]]\nname = "Wire"\nurl = "http://127.0.0.1:9/feed"\n')
    return monitor("feeds", "check", "Wire", folder=folder).err


def _not_taken(folder: Path) -> str:
    port = servers.free_port("127.0.0.1")
    set_up(folder, config=f'{_OWN_RULES}[[channels]]\nname = "desk"\nurl = "json://127.0.0.1:{port}/"\n')
    return monitor("notify", "test", "desk", folder=folder).err


def _no_service(folder: Path) -> str:
    set_up(folder, config='[[channels]]\nname = "desk"\nurl = "slak://x"\n')
    found = monitor("check", folder=folder)
    return found.out + found.err


def _second_daemon(folder: Path) -> str:
    set_up(folder)
    store = engine.open_store(f"sqlite:///{folder}/monitor.db")
    store.upgrade()
    with engine.hold_instance(store):
        found = monitor("poll", folder=folder)
    store.close()
    return found.err


def _no_folder(folder: Path) -> str:
    set_up(folder, config=f'[store]\nurl = "sqlite:///{folder}/nowhere/monitor.db"\n')
    return monitor("status", folder=folder).err


def _no_server(folder: Path) -> str:
    port = servers.free_port("127.0.0.1")
    set_up(folder, config=f'[store]\nurl = "postgresql+psycopg://monitor@127.0.0.1:{port}/monitor"\n')
    return monitor("status", folder=folder).err


def _newer(folder: Path) -> str:
    set_up(folder)
    store = engine.open_store(f"sqlite:///{folder}/monitor.db")
    store.upgrade()
    with store.write() as tx:
        tx.connection().execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    store.close()
    return monitor("status", folder=folder).err


def _port_taken(folder: Path) -> str:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        daemon = Daemon(folder, [], [])
        text = daemon.config.read_text(encoding="utf-8").replace('"off"', f'"127.0.0.1:{taken.getsockname()[1]}"')
        daemon.config.write_text(text, encoding="utf-8")
        daemon.start()
        try:
            daemon.until_logged("page_not_served")
        finally:
            daemon.stop()
            daemon.close()
    return daemon.text


_MAKERS: list[Callable[[Path], str]] = [
    *(_no_match, _never_ran, _no_config, _unknown_key, _wrong_value, _no_secret, _unknown_rule_key, _failing_rule),
    *(_refused, _not_found, _web_page, _private, _not_taken, _no_service, _second_daemon, _no_folder, _no_server),
    *(_newer, _port_taken),
]


def test_every_message_on_the_page_is_looked_for() -> None:
    """There is one way to provoke each, in the page's order."""
    assert len(_SHOWN) == len(_MAKERS)
    assert len(re.findall(r"^## ", PAGE, re.MULTILINE)) >= 10


@pytest.mark.parametrize(
    ("shown", "make"), list(zip(_SHOWN, _MAKERS, strict=False)), ids=[make.__name__[1:] for make in _MAKERS]
)
def test_the_program_says_what_the_page_shows(shown: str, make: Callable[[Path], str], tmp_path: Path) -> None:
    """Word by word, but for what differs from place to place."""
    told = make(tmp_path)
    pattern = ".*".join(re.escape(part) for part in shown.split("…"))
    assert re.search(pattern, told), told
