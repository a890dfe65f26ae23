"""What may go wrong around the daemon, each as a block in which it does: channels, feeds, disk, clock."""

import contextlib
import mmap
import os
import random
import resource
import struct
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests import servers
from tests.e2e.inbox import Inbox

# Every clock that a program may ask for the time of day, moved by the seconds that stand in a file.
_SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
static volatile long long *shift;
static int (*real)(clockid_t, struct timespec *);
__attribute__((constructor)) static void begin(void) {
    int file = open(getenv("CLOCK_SHIFT"), O_RDONLY);
    real = dlsym(RTLD_NEXT, "clock_gettime");
    void *at = mmap(0, 8, PROT_READ, MAP_SHARED, file, 0);
    shift = at == MAP_FAILED ? 0 : at;
}
int clock_gettime(clockid_t id, struct timespec *now) {
    int status = real(id, now);
    if (status == 0 && shift && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) now->tv_sec += *shift;
    return status;
}
int gettimeofday(struct timeval *now, void *zone) {
    struct timespec at;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &at);
    now->tv_sec = at.tv_sec, now->tv_usec = at.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *into) {
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    if (into) *into = at.tv_sec;
    return at.tv_sec;
}
"""


class Clock:
    """The wall clock of the daemons that are started while it is open, which can be set. Needs a C compiler."""

    def __init__(self, folder: Path) -> None:
        source, library, self._file = folder / "shift.c", folder / "shift.so", folder / "shift"
        source.write_text(_SHIM, encoding="ascii")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
        self._environment = {"LD_PRELOAD": str(library), "CLOCK_SHIFT": str(self._file)}
        self.set(0)

    def __enter__(self) -> Self:
        os.environ.update(self._environment)
        return self

    def __exit__(self, *_: object) -> None:
        for name in self._environment:
            os.environ.pop(name, None)

    def set(self, seconds: int) -> None:
        """Let the clock be so many seconds ahead of the true one from now on."""
        if not self._file.exists():
            self._file.write_bytes(bytes(8))
        with self._file.open("r+b") as file, mmap.mmap(file.fileno(), 8) as view:
            view[:] = struct.pack("q", seconds)


class Disk:
    """A small file system of its own for the database, which can be filled. Needs the right to mount."""

    def __init__(self, folder: Path, size: str = "16m") -> None:
        self.folder, self._size = folder, size

    def __enter__(self) -> Self:
        self.folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={self._size}", "tmpfs", self.folder], check=True)
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["umount", "--lazy", self.folder], check=True)

    def fill(self) -> None:
        """Take all the space that is left."""
        with contextlib.suppress(OSError), (self.folder / "filler").open("ab", buffering=0) as file:
            while True:
                file.write(bytes(4096))

    def empty(self) -> None:
        """Give the space back."""
        (self.folder / "filler").unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Place:
    """What surrounds a daemon, as far as it can break. pid: of the daemon that runs now."""

    feeds: servers.FeedServer
    inbox: Inbox
    pid: Callable[[], int]
    clock: Clock | None = None
    disk: Disk | None = None


Fault = Callable[[Place, random.Random], AbstractContextManager[None]]


@contextmanager
def refuse(place: Place, chance: random.Random) -> Iterator[None]:
    """Close one receiver's port."""
    receiver = place.inbox.receiver(chance.choice(place.inbox.names))
    receiver.stop()
    yield
    receiver.start()


@contextmanager
def gone(place: Place, _: random.Random) -> Iterator[None]:
    """Close the feed server's port."""
    place.feeds.stop()
    yield
    place.feeds.start()


@contextmanager
def error(place: Place, chance: random.Random) -> Iterator[None]:
    """Answer the next one or two messages of one channel with 500, mail with 451."""
    place.inbox.fail(chance.choice(place.inbox.names), "500", chance.choice((1, 2)))
    yield


@contextmanager
def busy(place: Place, chance: random.Random) -> Iterator[None]:
    """Answer the next message of one channel with 429 and Retry-After, mail with 421."""
    place.inbox.fail(chance.choice(place.inbox.names), "429")
    yield


@contextmanager
def hang(place: Place, chance: random.Random) -> Iterator[None]:
    """Answer nothing to one channel's messages for nine seconds; mail is taken all the same."""
    name = chance.choice(place.inbox.names)
    place.inbox.fail(name, "hang")
    yield
    if name == "mail":
        place.inbox.mail.hang(0)


@contextmanager
def limit(place: Place, _: random.Random) -> Iterator[None]:
    """Let no file be written, neither database nor log, as on a disk that is full."""
    pid = place.pid()
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, before[1]))
    yield
    with contextlib.suppress(ProcessLookupError):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


@contextmanager
def full(place: Place, _: random.Random) -> Iterator[None]:
    """Fill the file system of the database."""
    assert place.disk
    place.disk.fill()
    yield
    place.disk.empty()


@contextmanager
def jump(place: Place, chance: random.Random) -> Iterator[None]:
    """Set the wall clock, by up to three hours in either direction, and set it right again."""
    assert place.clock
    place.clock.set(chance.choice((-1, 1)) * chance.randrange(60, 10_800))
    yield
    place.clock.set(0)


KINDS: dict[str, Fault] = {
    "refuse": refuse,
    "500": error,
    "429": busy,
    "hang": hang,
    "feeds": gone,
    "limit": limit,
    "disk": full,
    "clock": jump,
}
