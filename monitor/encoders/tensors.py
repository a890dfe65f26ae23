"""Model files in the safetensors format: named matrices of floats, read piece by piece and kept as bytes. Shell.

Source: https://github.com/huggingface/safetensors (format): 8 bytes of length, a JSON header, the numbers.
"""

import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

_HEADER_AT_MOST = 100_000_000  # bytes, as the format says
_TYPES = {"F32": "<f4", "F16": "<f2", "BF16": "<u2"}
_ROWS_AT_ONCE = 4096  # so that the largest matrix is never whole in memory as floats
_STEPS = 127

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Tensor:
    """Where a matrix or a vector stands in the file. shape: rows first. start: its first byte."""

    kind: str
    shape: tuple[int, ...]
    start: int


@dataclass(frozen=True, slots=True)
class File:
    """An open file of tensors by their names. Raises ValueError when it is damaged, and OSError."""

    file: IO[bytes]
    tensors: Mapping[str, Tensor]

    def floats(self, name: str) -> Floats:
        """Return a small tensor whole. Raises KeyError."""
        tensor = self.tensors[name]
        self.file.seek(tensor.start)
        return self._next(tensor, int(np.prod(tensor.shape))).reshape(tensor.shape)

    def steps(self, name: str) -> tuple[NDArray[np.int8], Floats]:
        """Return a matrix as bytes, with the scale of each row. Raises KeyError."""
        tensor = self.tensors[name]
        rows, columns = tensor.shape
        values, scales = np.empty((rows, columns), np.int8), np.empty(rows, np.float32)
        self.file.seek(tensor.start)
        for first in range(0, rows, _ROWS_AT_ONCE):
            part = self._next(tensor, min(_ROWS_AT_ONCE, rows - first) * columns).reshape(-1, columns)
            taken = slice(first, first + len(part))
            scales[taken] = np.maximum(np.abs(part).max(axis=1), 1e-9) / _STEPS
            values[taken] = np.round(part / scales[taken][:, None])
        return values, scales

    def _next(self, tensor: Tensor, count: int) -> Floats:
        kind = np.dtype(_TYPES[tensor.kind])
        content = self.file.read(count * kind.itemsize)
        if len(content) < count * kind.itemsize:
            msg = "it ends too early"
            raise ValueError(msg)
        numbers = np.frombuffer(content, kind)
        found: Floats = (numbers.astype("<u4") << 16).view("<f4") if tensor.kind == "BF16" else numbers.astype("<f4")
        if not np.isfinite(found).all():
            msg = "not all numbers are finite"
            raise ValueError(msg)
        return found


def read_header(file: IO[bytes]) -> dict[str, Tensor]:
    """Return where the tensors of floats stand in an open file. Raises ValueError when it is no such file."""
    length = _length(file.read(8))
    try:
        header = json.loads(file.read(length))
        return dict(_tensors(header, 8 + length))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        msg = "its header cannot be read"
        raise ValueError(msg) from error


def _length(begin: bytes) -> int:
    length: int = struct.unpack("<Q", begin)[0] if len(begin) == 8 else 0
    if not 2 <= length <= _HEADER_AT_MOST:
        msg = "it is no safetensors file"
        raise ValueError(msg)
    return length


def _tensors(header: Mapping[str, Any], begin: int) -> Iterator[tuple[str, Tensor]]:
    for name, what in header.items():
        if name != "__metadata__" and what["dtype"] in _TYPES:
            yield name, Tensor(what["dtype"], tuple(map(int, what["shape"])), begin + int(what["data_offsets"][0]))
