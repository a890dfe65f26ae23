"""Run the real program and kill it with SIGKILL at one point: `python -m tests.e2e.crashing WHERE run --config ...`.

WHERE is `package.module:function:call` or `...:return`. Nothing of the program is replaced: a profile hook watches it,
in every thread, and the process is gone at the moment when the function is entered or left.
"""

import importlib
import os
import signal
import sys
import threading
from types import FrameType


def main() -> None:
    """Watch, and run."""
    module, function, moment = sys.argv.pop(1).split(":")

    def watch(frame: FrameType, event: str, _: object) -> None:
        if event == moment and frame.f_code.co_qualname == function and frame.f_globals.get("__name__") == module:
            os.kill(os.getpid(), signal.SIGKILL)

    for name in ("monitor.daemon", "monitor.web"):  # before the watch begins: it slows imports down
        importlib.import_module(name)
    from monitor.__main__ import main as run

    threading.setprofile(watch)
    sys.setprofile(watch)
    run()


if __name__ == "__main__":
    main()
