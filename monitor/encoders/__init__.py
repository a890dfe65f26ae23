"""The sentence encoder that the configuration names: the shipped one, a folder's, or none. Shell.

    find(name, base)     -> Encoder or None    what `[stories] encoder` says
    Encoder.encode_all   texts -> vectors      read when the first text comes     folder.py, tensors.py

What cannot be read, or fails, is said once, and words alone decide.
"""

import hashlib
import threading
import zipfile
from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import structlog

from monitor import dedupe, errors
from monitor.dedupe import meaning
from monitor.encoders import folder

log = structlog.get_logger()

BUILTIN, OFF = "builtin", "off"
SHIPPED = Path(dedupe.__file__).parent / "data"
_REMEMBERED = 2048  # texts: the known stories, and headlines that come again
_SAMPLES, _SAMPLE = 64, 4096  # of a file that is too large to be read for its fingerprint


class Encoder:
    """An encoder that is read when it is needed. Safe to share among threads."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._lock = threading.Lock()
        self._held: meaning.Encodes | None = None
        self._complaint: str | None = None  # None before it was read
        self._remembered: OrderedDict[str, meaning.Array | None] = OrderedDict()
        try:
            self._fingerprint = _fingerprint(folder.files(place))
        except (OSError, zipfile.BadZipFile):
            self._fingerprint = ""  # reading it will say why

    @property
    def fingerprint(self) -> str:
        """The same for the same files; empty when they cannot be read."""
        return self._fingerprint

    @property
    def is_given_up(self) -> bool:
        """Whether it was found that it cannot be used."""
        return bool(self._complaint)

    def complaint(self) -> str:
        """Read the encoder, and return why it cannot be used, which is logged once; empty when it can."""
        with self._lock:
            return self._read()

    def encode_all(self, texts: Sequence[str]) -> list[meaning.Array | None]:
        """Return the meaning of each text; None where it cannot be told, which is everywhere when it cannot be used."""
        with self._lock:
            fresh = [text for text in dict.fromkeys(texts) if text not in self._remembered]
            if fresh and not self._read():
                self._encode(fresh)
            found = [self._remembered.get(text) for text in texts]
            for text in texts:
                if text in self._remembered:
                    self._remembered.move_to_end(text)
            while len(self._remembered) > _REMEMBERED:
                self._remembered.popitem(last=False)
            return found

    def _encode(self, texts: Sequence[str]) -> None:
        assert self._held is not None
        try:
            self._remembered.update(zip(texts, self._held.encode_all(texts), strict=True))
        except Exception as error:  # noqa: BLE001  what it raises must stop nobody
            self._fail(error)

    def _read(self) -> str:
        if self._complaint is None:
            self._complaint = ""
            try:
                held = folder.read(self._place, fingerprint=self._fingerprint)
                self._held = held if self._place == SHIPPED else folder.Moved(held)
            except errors.ConfigError as error:
                self._give_up(str(error))
            except Exception as error:  # noqa: BLE001  what it raises must stop nobody
                self._fail(error)
        return self._complaint

    def _fail(self, error: Exception) -> None:
        """Give up an encoder that raised: it must stop neither an entry nor the daemon."""
        log.error("encoder_raised", place=str(self._place), exc_info=error)
        self._give_up(f"{self._place}: it fails ({type(error).__name__}: {error})")

    def _give_up(self, complaint: str) -> None:
        self._complaint, self._held = complaint, None
        log.error("encoder_unusable", error=complaint, instead="words alone decide which story an entry tells")


def find(name: str, base: Path) -> Encoder | None:
    """Return the encoder that the configuration names: "builtin", or a folder in `base`; None when it is "off".

    The same files give the same encoder, so that a reload reads nothing again.
    """
    if name == OFF:
        return None
    place = _place(name, base)
    stamps = tuple(_stamp(path) for path in folder.files(place))
    found = _opened(place, stamps)
    if found.is_given_up:  # what it lacked may be there now
        _opened.cache_clear()
        found = _opened(place, stamps)
    return found


def check(name: str, base: Path) -> str:
    """Read the encoder that the configuration names, and return why it cannot be used; empty when it can."""
    try:
        if name != OFF:
            folder.read(_place(name, base), fingerprint="")
    except errors.ConfigError as error:
        return str(error)
    return ""


def _place(name: str, base: Path) -> Path:
    return SHIPPED if name == BUILTIN else base / name


@lru_cache(maxsize=2)
def _opened(place: Path, stamps: tuple[tuple[int, int] | None, ...]) -> Encoder:  # noqa: ARG001  part of the key
    return Encoder(place)


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _fingerprint(paths: Sequence[Path]) -> str:
    """Return what tells encoders apart, from little of their files: checksums of archives, samples of the rest."""
    told = hashlib.blake2b(digest_size=8)
    for path in paths:
        if path.suffix == ".npz":
            with zipfile.ZipFile(path) as archive:
                told.update(repr([(one.filename, one.CRC) for one in archive.infolist()]).encode())
            continue
        size = path.stat().st_size
        told.update(f"{path.name} {size}".encode())
        with path.open("rb") as file:
            for start in range(0, size, max(_SAMPLE, size // _SAMPLES)):
                file.seek(start)
                told.update(file.read(_SAMPLE))
    return told.hexdigest()
