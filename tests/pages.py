"""What pages say of the command line, compared with the command line."""

import functools
import re
from collections.abc import Iterator

import typer.main
from typer.core import TyperCommand, TyperGroup

from monitor.cli import app

_CALL = re.compile(
    r"(?:^|`|/|&& |\| |monitor --rm |exec monitor |run --rm )monitor ([a-z]+(?: [^`\n#]*)?)", re.MULTILINE
)
_GLOBAL = {"--config", "-c", "--help", "--version"}


def unknown_commands(text: str) -> set[str]:
    """Return the calls of `monitor` in `text`, in backticks or at the beginning of a line, that the program refuses.

    Looks at the names of commands and options, not at their values.
    """
    return {call for call in _calls(text) if not _is_known(call.split())}


def _calls(text: str) -> Iterator[str]:
    for found in _CALL.finditer(text):
        yield re.split(r"[;|&>]| \\$", found[1])[0].strip()


@functools.cache
def _program() -> TyperGroup:
    return typer.main.get_group(app.app)


def _is_known(words: list[str]) -> bool:
    command = _program().commands.get(words[0])
    rest = words[1:]
    if isinstance(command, TyperGroup):
        if not rest:
            return True
        command, rest = command.commands.get(re.split(r"[|,]", rest[0])[0]), rest[1:]
    if not isinstance(command, TyperCommand):
        return False
    options = {name for parameter in command.params for name in parameter.opts} | _GLOBAL
    return all(word.split("=")[0] in options for word in rest if re.match(r"--?[a-z]", word))
