"""The command `monitor`: what goes wrong on purpose becomes one line on standard error and an exit status. Shell.

0 well, 1 failed, 2 used or configured wrongly, 3 a check found something; 130 after Ctrl-C. Any other error is a bug
and keeps its traceback.
"""

import errno
import functools
import gc
import io
import os
import sys
from collections.abc import Sequence

import typer
from typer.core import TyperGroup
from typer.main import get_command

from monitor import errors
from monitor.cli import app, output

_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EIO}
# A path that was given or that a configuration names, which the one who types may not enter, or which can be none.
_PLACE = {errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.EROFS}
_FAILED, _WRONG = 1, 2
_ALLOCATIONS = 20_000
_INTERRUPTED, _PIPE_CLOSED = 130, 141  # 128 and the signal (SIGINT, SIGPIPE), as a shell counts


def main() -> None:
    """Run the command line and exit."""
    # Modules and rules are many objects, and all stay. To look among them for garbage after every 700 new ones, as the
    # interpreter does, takes an eighth of a second of each start (python bench/polls.py).
    gc.set_threshold(_ALLOCATIONS)
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status."""
    try:
        return _run(arguments)
    except errors.MonitorError as error:
        return _tell(str(error), _WRONG if isinstance(error, errors.ConfigError) else _FAILED)
    except typer.TyperException as error:
        return _tell_usage(error)
    except typer.Abort:
        return _INTERRUPTED
    except (BrokenPipeError, SystemExit):  # typer's own answer to a closed pipe is SystemExit
        return _leave(_PIPE_CLOSED)
    except OSError as error:
        if error.errno in _PLACE and error.filename is not None:
            return _tell(f"{os.fsdecode(error.filename)}: cannot be used: {error.strerror}", _WRONG)
        if error.errno not in _DISK:
            raise
        return _leave(_tell(f"what was to be printed could not be written: {error.strerror}", _FAILED))


def _run(arguments: Sequence[str]) -> int:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    for argument in arguments:
        _refuse_bytes(argument)
    status = _program().main(args=list(arguments), prog_name="monitor", standalone_mode=False)
    sys.stdout.flush()
    return status if isinstance(status, int) else 0


@functools.cache
def _program() -> TyperGroup:
    """Return the commands, put together once: that takes a twentieth of a second."""
    program = get_command(app.app)
    assert isinstance(program, TyperGroup)
    return program


def _tell(text: str, status: int) -> int:
    for line in text.splitlines():
        output.complain(line)
    return status


def _tell_usage(error: typer.TyperException) -> int:
    """Say in one line what is wrong with the arguments, and where the help is; bare `monitor feeds` shows its help."""
    context = getattr(error, "ctx", None)
    text = error.format_message()
    if type(error).__name__ == "NoArgsIsHelpError" and context is not None:
        sys.stderr.write(context.get_help() + "\n")
        return _WRONG
    command = context.command_path if context is not None else "monitor"
    return _tell(f"{command}: {' '.join(text.split()).rstrip('.')}; see `{command} --help`", error.exit_code)


def _refuse_bytes(argument: str) -> None:
    """Complain of an argument that is not text: no database and no file of ours could hold it."""
    try:
        argument.encode()
    except UnicodeEncodeError as error:
        msg = f"{argument!r} is not UTF-8 text; write it in UTF-8"
        raise errors.ConfigError(msg) from error


def _leave(status: int) -> int:
    """Write nothing more: the reader has gone (`monitor alerts list | head`), or the disk is full."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return status


if __name__ == "__main__":
    main()
