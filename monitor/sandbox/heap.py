"""Keeps the C library from holding on to memory that is free. Shell; does nothing where that library is not glibc.

glibc takes large pieces from the system and gives them back, but learns from each that pieces of this size are usual,
up to 32 MiB, and then keeps them; and every thread has a heap of its own. A document of megabytes that was read once is
held for ever so: a third of the daemon's memory under hostile feeds (python bench/memory.py --hostile).
"""

import contextlib
import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # of mallopt(3)
_LARGE = 2**17  # bytes from which a piece comes from the system and goes back there; what glibc begins with
_HEAPS = 2


def give_back() -> None:
    """Let what is free go back to the system from now on, in this process."""
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(_MMAP_THRESHOLD, _LARGE)
        library.mallopt(_TRIM_THRESHOLD, _LARGE)
        library.mallopt(_ARENA_MAX, _HEAPS)
