"""The command line as a whole: help, exit statuses, one line for each mistake, safe output."""

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import typer.main

from monitor import __version__
from monitor.cli import app, output
from tests.commands import SMALL_CONFIG, SMALL_RULES, Ran, environment, monitor, set_up, unmeasured

NOUNS = {"init", "run", "poll", "check", "explain", "replay", "entries", "rules", "feeds", "alerts", "stories"}
NOUNS |= {"silence", "outbox", "notify", "seeds", "status", "db", "demo", "config", "healthcheck"}


def commands() -> dict[str, typer.core.TyperCommand]:
    """Return every command by its words: "feeds add"."""
    found = {}
    for name, command in typer.main.get_group(app.app).commands.items():
        inner = getattr(command, "commands", None)
        for verb, below in (inner or {"": command}).items():
            found[f"{name} {verb}".strip()] = below
    return found


def test_every_noun_is_there() -> None:
    """The commands are those of the reference."""
    assert {name.split()[0] for name in commands()} == NOUNS


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_command_takes_config_and_teaches(name: str) -> None:
    """Every command takes --config, says in its first sentence what it does, and shows an example of itself."""
    command = commands()[name]
    options = {option for parameter in command.params for option in parameter.opts}
    assert "--config" in options
    assert command.help
    assert command.epilog
    assert f"monitor {name}" in command.epilog or f" {name}" in command.epilog


@pytest.mark.parametrize("name", [name for name in sorted(commands()) if name.split()[-1] in {"list", "search"}])
def test_every_listing_takes_json(name: str) -> None:
    """Every listing has --json."""
    assert "--json" in {option for parameter in commands()[name].params for option in parameter.opts}


@pytest.mark.parametrize("noun", ["", *sorted({name.split()[0] for name in commands() if " " in name})])
def test_the_first_sentence_fits_into_the_list(tmp_path: Path, noun: str) -> None:
    """No line of a list of commands is cut off."""
    found = monitor(*noun.split(), "--help", folder=tmp_path)
    assert found.status == 0
    assert "..." not in found.out.partition("Commands:")[2]


def test_the_version_is_told(tmp_path: Path) -> None:
    """--version prints it."""
    assert monitor("--version", folder=tmp_path) == Ran(0, f"monitor {__version__}\n", "")


def test_a_wrong_option_is_one_line(tmp_path: Path) -> None:
    """An option that is not known is told in one line, with status 2 and where the help is."""
    found = monitor("feeds", "list", "--jsn", folder=tmp_path)
    assert found.status == 2
    assert found.err.count("\n") == 1
    assert found.err.startswith("monitor feeds list: No such option: --jsn")
    assert found.err.endswith("see `monitor feeds list --help`\n")


def test_a_wrong_command_is_one_line(tmp_path: Path) -> None:
    """A command that is not known is told in one line, with status 2."""
    found = monitor("feed", "list", folder=tmp_path)
    assert found.status == 2
    assert found.err.startswith("monitor: No such command 'feed'")


def test_a_bare_noun_shows_its_help(tmp_path: Path) -> None:
    """`monitor feeds` alone is used wrongly, and shows what it can do."""
    found = monitor("feeds", folder=tmp_path)
    assert found.status == 2
    assert "Usage: monitor feeds" in found.err


def test_config_may_stand_before_or_after(tmp_path: Path) -> None:
    """--config counts the same before and after the command; the one after wins."""
    set_up(tmp_path / "a")
    set_up(tmp_path / "b", rules=SMALL_RULES.replace("state-visit", "visit-b"))
    before = monitor("--config", "a/config.toml", "rules", "list", "--json", folder=tmp_path)
    after = monitor("rules", "list", "--json", "--config", "a/config.toml", folder=tmp_path)
    both = monitor("-c", "a/config.toml", "rules", "list", "--json", "-c", "b/config.toml", folder=tmp_path)
    assert before == after
    assert "visit-b" in both.out
    assert "visit-b" not in before.out


def test_without_a_configuration_it_says_where_it_looked(tmp_path: Path) -> None:
    """No configuration at all is told in one line that says how to get one."""
    with environment(MONITOR_CONFIG=None, XDG_CONFIG_HOME=str(tmp_path)):
        found = monitor("status", folder=tmp_path)
    assert found.status == 2
    assert found.err == (
        "no configuration found (./config.toml, ~/.config/monitor, /etc/monitor); write one with `monitor init`\n"
    )


# --- what bad input gets ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "rules", "said"),
    [
        pytest.param(
            SMALL_CONFIG + '[poll]\nintervall = "5m"\n',
            SMALL_RULES,
            "config.toml:8: unknown key 'intervall' (did you mean 'interval'?)",
            id="unknown config key",
        ),
        pytest.param(
            SMALL_CONFIG + '[poll]\ninterval = "soon"\n',
            SMALL_RULES,
            "config.toml:8: [poll] interval: 'soon' is not a duration; write a number and a unit (s, m, h, d, w), like "
            '"10m" or "1h30m"',
            id="bad duration",
        ),
        pytest.param(
            SMALL_CONFIG.replace("https", "ftp"),
            SMALL_RULES,
            "config.toml:3: [[feeds]] number 1 url: not an address that can be polled; write http://... or https://...",
            id="feed URL that is not http",
        ),
        pytest.param(
            SMALL_CONFIG + '[[channels]]\nname = "desk"\nurl = "slak://a/b/c"\n',
            SMALL_RULES,
            "config.toml:9: channel 'desk': apprise knows no service slak:// (did you mean slack://?)",
            id="channel URL that apprise does not know",
        ),
        pytest.param(
            SMALL_CONFIG,
            SMALL_RULES.replace("level: high", "levle: high"),
            "rules/own.yaml:5:5: unknown key `levle` (did you mean `level`?) [unknown-key]",
            id="unknown rule key",
        ),
        pytest.param(
            SMALL_CONFIG,
            "rules:\n  - id: [unclosed\n",
            None,
            id="YAML error",
        ),
    ],
)
@pytest.mark.parametrize("command", [("check",), ("run",), ("poll",)])
def test_a_mistake_is_one_line_and_status_2(
    tmp_path: Path, command: tuple[str, ...], config: str, rules: str, said: str | None
) -> None:
    """Each mistake of configuration or rules: one line with file, line and the mend, status 2, from every command."""
    set_up(tmp_path, config=config, rules=rules)
    found = monitor(*command, folder=tmp_path)
    assert found.status == 2
    first = found.err.splitlines()[0]
    if said is None:
        assert first.startswith("rules/own.yaml:")
        assert "YAML" in first
    else:
        assert first == said
    assert "Traceback" not in found.err


@pytest.mark.parametrize("command", [("check",), ("run",), ("poll",), ("rules", "list"), ("replay", "-")])
def test_an_empty_rules_folder_is_told(tmp_path: Path, command: tuple[str, ...]) -> None:
    """An empty rules folder is told with what to put there."""
    set_up(tmp_path)
    (tmp_path / "rules" / "own.yaml").unlink()
    found = monitor(*command, folder=tmp_path)
    assert found.status == 2
    assert "no rules" in found.err.splitlines()[0]
    assert 'put a *.yaml there, or name "builtin" in [rules] paths' in found.err.splitlines()[0]


@pytest.mark.parametrize("command", [("run",), ("poll",), ("status",), ("alerts", "list"), ("db", "upgrade")])
def test_a_database_in_no_folder_is_told(tmp_path: Path, command: tuple[str, ...]) -> None:
    """A database whose folder is missing is told with its place in the configuration, and status 2."""
    set_up(tmp_path, config=SMALL_CONFIG + '[store]\nurl = "sqlite:///gone/monitor.db"\n')
    found = monitor(*command, folder=tmp_path)
    assert found.status == 2
    assert found.err == (
        f"config.toml:8: {tmp_path}/gone/monitor.db: the folder {tmp_path}/gone does not exist: create it, or name "
        "another path in store.url\n"
    )


def test_a_database_that_is_none_is_told(tmp_path: Path) -> None:
    """A file that is no database is told in one line, and left as it is."""
    set_up(tmp_path, config=SMALL_CONFIG + '[store]\nurl = "sqlite:///notes.txt"\n')
    (tmp_path / "notes.txt").write_text("Dear diary, this is not a database at all. " * 40, encoding="utf-8")
    found = monitor("status", folder=tmp_path)
    assert found.status == 2
    assert found.err.startswith(f"config.toml:8: {tmp_path}/notes.txt is not a SQLite database: name another file")
    assert found.err.count("\n") == 1
    assert (tmp_path / "notes.txt").read_text(encoding="utf-8").startswith("Dear diary")


# --- as a process -----------------------------------------------------------------------------------------------


def process(*arguments: str, folder: Path, **more: str) -> subprocess.CompletedProcess[bytes]:
    """Run the program as a process of its own."""
    surroundings = os.environ | {"XDG_CONFIG_HOME": str(folder)} | more
    return subprocess.run(
        [sys.executable, "-m", "monitor", *arguments], cwd=folder, env=surroundings, capture_output=True, check=False
    )


def test_it_runs_as_a_process(tmp_path: Path) -> None:
    """`python -m monitor` is the command, and its status is the process's."""
    found = process("rules", "list", "--json", folder=tmp_path)
    assert found.returncode == 0
    assert b"sanctions" in found.stdout
    assert process("status", folder=tmp_path).returncode == 2


def test_a_reader_that_leaves_is_no_error(tmp_path: Path) -> None:
    """`monitor ... | head -1` ends without a word on standard error."""
    (tmp_path / "in.jsonl").write_text('{"title": "Cup tie postponed"}\n' * 5000, encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, "-m", "monitor", "replay", "in.jsonl"],
        cwd=tmp_path,
        env=os.environ | {"XDG_CONFIG_HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.readline()
        running.stdout.close()
        assert running.stderr.read() == b""
    assert running.returncode == 141


def test_ctrl_c_ends_it_without_a_word(tmp_path: Path) -> None:
    """Ctrl-C ends a command with status 130 and no traceback."""
    heeding = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"  # background jobs ignore it
    program = f"{heeding}; from monitor.__main__ import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", program, "replay", "-"],
        cwd=tmp_path,
        env=unmeasured() | {"XDG_CONFIG_HOME": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdin.write(b'{"title": "Cup tie postponed"}\n')
        running.stdin.flush()
        assert running.stdout.readline()  # it waits for the next line now
        running.send_signal(signal.SIGINT)
        assert running.stderr.read() == b""
    assert running.returncode == 130


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full device")
def test_a_full_disk_is_told(tmp_path: Path) -> None:
    """Output that cannot be written is one line and status 1."""
    with Path("/dev/full").open("wb") as full:
        found = subprocess.run(
            [sys.executable, "-m", "monitor", "rules", "list"],
            cwd=tmp_path,
            env=os.environ | {"XDG_CONFIG_HOME": str(tmp_path)},
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert found.returncode == 1
    assert found.stderr == b"what was to be printed could not be written: No space left on device\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("explain", "caf\udcff"),
        ("entries", "search", "caf\udcff"),
        ("outbox", "retry", "9" * 30),
        ("alerts", "list", "--limit", "9" * 30),
        ("alerts", "list", "--since", "0001-01-01T00:00+14:00"),
        ("alerts", "show", "9" * 30),
        ("stories", "split", "1", "9" * 30),
        ("silence", "end", "9" * 30),
        ("silence", "add", "--term", "x", "--until", "9999-12-31T23:59-14:00"),
        ("silence", "add", "--term", "x", "--for", "999999w"),
        ("explain", "x", "--at", "9999-12-31T23:59-14:00"),
        ("replay", "-", "--since", "x"),
        ("replay", "-", "--rules", "/dev/null"),
        ("replay", "-", "--diff", "nowhere"),
        ("--config", ".", "status"),
        ("check", "nowhere"),
        ("check", "x" * 300),
        ("--config", "x" * 300, "status"),
        ("init", "x" * 300),
        ("feeds", "add", "https://[::1"),
        ("feeds", "add", "https://a.example/", "--name", "\x1b[31m", "--interval", "-5m"),
        ("seeds", "add", "."),
    ],
)
def test_odd_arguments_are_told_in_one_line(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """Whatever is typed, there is one line that says what is wrong, status 2 and no traceback."""
    set_up(tmp_path)
    found = monitor(*arguments, folder=tmp_path)
    assert found.status == 2
    assert found.err.count("\n") == 1
    assert found.out == ""


def test_a_terminal_of_ascii_gets_escapes(tmp_path: Path) -> None:
    """Where the terminal can show ASCII alone, other characters are escaped; nothing breaks."""
    found = process("explain", "Erdoğan: “no”", folder=tmp_path, PYTHONIOENCODING="ascii")
    assert found.returncode == 0
    assert rb"Erdo\u011fan" in found.stdout


def test_help_is_quick() -> None:
    """`monitor --help` loads nothing heavy."""
    heavy = ("sqlalchemy", "apprise", "feedparser", "pydantic", "httpx", "rich", "monitor.rules", "monitor.config")
    code = (
        "import sys; from monitor.__main__ import run; run(['--help']); "
        f"print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert found.stderr.decode().strip() == "[]"


# --- safe output ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nasty", ["\x1b[31mred", "a\x9b2Jb", "line\r\nbreak", "\u202egnol", "lone \ud800", "\x07bell"])
def test_text_from_outside_cannot_move_the_cursor(nasty: str) -> None:
    """Control characters, bidi marks and lone surrogates never reach a terminal."""
    assert all(sign.isprintable() for sign in output.clean(nasty))
    shown = output.to_json({"title": nasty})
    assert all(sign.isprintable() for sign in shown)


def test_json_says_the_same_text() -> None:
    """What is escaped in JSON is the same text when it is read again."""
    import json

    text = "Erdoğan\x1b[31m \u202e\x9b“q”"
    assert json.loads(output.to_json({"title": text})) == {"title": text}


def test_brackets_stay_brackets(tmp_path: Path) -> None:
    """Markup in a headline is text: `[red]` is shown as it is."""
    found = monitor("explain", "[red]Cup tie[/red] [link=x]", folder=tmp_path, stdin=b"")
    assert "[red]Cup tie[/red] [link=x]" in found.out


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (59, "59 s"),
        (119, "119 s"),
        (120, "2 min"),
        (3600, "60 min"),
        (5400, "2 h"),
        (86_400, "24 h"),
        (12 * 86_400, "12 d"),
    ],
)
def test_lengths_of_time_have_one_unit(seconds: int, shown: str) -> None:
    """A length of time is shown in the one unit that says most."""
    assert output.span(timedelta(seconds=seconds)) == shown


def test_a_progress_bar_shows_where_somebody_watches(tmp_path: Path) -> None:
    """With standard error on a terminal and the output elsewhere, replay shows how far it is beside the output."""
    (tmp_path / "in.jsonl").write_text('{"title": "Cup tie postponed"}\n' * 2000, encoding="utf-8")
    watched, terminal = os.openpty()
    try:
        found = subprocess.run(
            [sys.executable, "-m", "monitor", "replay", "in.jsonl"],
            cwd=tmp_path,
            env=os.environ | {"XDG_CONFIG_HOME": str(tmp_path), "TERM": "xterm"},
            stdout=subprocess.PIPE,
            stderr=terminal,
            check=False,
            timeout=60,
        )
        assert found.returncode == 0
        assert found.stdout.count(b"\n") == 2000
        shown = os.read(watched, 100_000)
        assert b"replay" in shown
        assert b"unmatched" not in shown
    finally:
        os.close(terminal)
        os.close(watched)
