"""What a text means, as a vector: a small sentence encoder in numpy. Pure: it is given the bytes of its weights.

The network is BERT (Devlin et al. 2018) as in all-MiniLM-L6-v2: words are cut into pieces, six layers of attention let
every piece look at all the others, and the mean of the last layer is the meaning. tools/train_encoder.py makes the
weights.
"""

import io
import math
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

_HEADS = 12
_PIECES_AT_MOST = 96
_WORD_CHARS = 100
_EPSILON = 1e-12
_BLANKS = "\t\n\r"

Array = NDArray[np.float32]
_Stored = Mapping[str, NDArray[Any]]


class Encoder:
    """Turns texts into vectors of length 1.0; texts that tell one happening come near each other.

    weights: an .npz file; see tools/train_encoder.py for what is in it. Raises ValueError when it is damaged.
    """

    def __init__(self, weights: bytes) -> None:
        try:
            with np.load(io.BytesIO(weights), allow_pickle=False) as held:
                stored = {name: held[name] for name in held.files}
            pieces = stored["vocab"].tobytes().decode("utf-8").splitlines()
            self._vocab = {piece: number for number, piece in enumerate(pieces)}
            self._unknown, self._begin, self._end = (self._vocab[name] for name in ("[UNK]", "[CLS]", "[SEP]"))
            self._pieces, self._scales = stored["pieces.q"], stored["pieces.scale"]
            self._places = _matrix(stored, "places")
            self._norm = (stored["norm.weight"], stored["norm.bias"])
            self._layers = [_Layer(stored, f"layer{n}.") for n in range(int(stored["layers"]))]
        except Exception as error:
            msg = f"the encoder's weights are damaged ({type(error).__name__}: {error})"
            raise ValueError(msg) from error

    def encode(self, text: str) -> Array:
        """Return the meaning of `text`, of length 1.0; only its first 94 pieces are read."""
        numbers = [self._begin, *self._numbers(text), self._end]
        pieces = self._pieces[numbers].astype(np.float32) * self._scales[numbers][:, None]
        state = _normed(pieces + self._places[: len(numbers)], *self._norm)
        for layer in self._layers:
            state = layer.apply(state)
        mean: Array = state.mean(axis=0)
        return mean / np.float32(max(float(np.linalg.norm(mean)), _EPSILON))

    def _numbers(self, text: str) -> list[int]:
        found: list[int] = []
        for word in _words(text):
            found += self._cut(word)
            if len(found) >= _PIECES_AT_MOST - 2:
                break
        return found[: _PIECES_AT_MOST - 2]

    def _cut(self, word: str) -> list[int]:
        """Return the pieces of a word, each the longest that is known; one unknown piece when they do not cover it."""
        found: list[int] = []
        start = 0
        while start < len(word) <= _WORD_CHARS:
            mark = "##" if start else ""
            end = next((end for end in range(len(word), start, -1) if mark + word[start:end] in self._vocab), 0)
            if not end:
                return [self._unknown]
            found.append(self._vocab[mark + word[start:end]])
            start = end
        return found or [self._unknown]


class _Layer:
    """One layer of attention; its matrices stand as they are multiplied, in full precision."""

    def __init__(self, stored: _Stored, prefix: str) -> None:
        self._look = np.concatenate([_matrix(stored, f"{prefix}{name}").T for name in "qkv"], axis=1)
        self._look_bias = np.concatenate([stored[f"{prefix}{name}.bias"] for name in "qkv"])
        self._out, self._out_bias = _dense(stored, f"{prefix}out")
        self._up, self._up_bias = _dense(stored, f"{prefix}up")
        self._down, self._down_bias = _dense(stored, f"{prefix}down")
        self._norms = [(stored[f"{prefix}norm{n}.weight"], stored[f"{prefix}norm{n}.bias"]) for n in (1, 2)]

    def apply(self, state: Array) -> Array:
        """Return the next state: one row a piece."""
        count, width = state.shape
        size = width // _HEADS
        look = (state @ self._look + self._look_bias).reshape(count, 3, _HEADS, size).transpose(1, 2, 0, 3)
        scores = look[0] @ look[1].transpose(0, 2, 1) / np.float32(math.sqrt(size))
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        seen = (scores / scores.sum(axis=-1, keepdims=True)) @ look[2]
        seen = seen.transpose(1, 0, 2).reshape(count, width)
        state = _normed(state + seen @ self._out + self._out_bias, *self._norms[0])
        wide = _gelu(state @ self._up + self._up_bias)
        return _normed(state + wide @ self._down + self._down_bias, *self._norms[1])


def _matrix(stored: _Stored, name: str) -> Array:
    """Return a matrix that is stored as bytes with a scale for each row."""
    return stored[f"{name}.q"].astype(np.float32) * stored[f"{name}.scale"][:, None]


def _dense(stored: _Stored, name: str) -> tuple[Array, Array]:
    return np.ascontiguousarray(_matrix(stored, name).T), stored[f"{name}.bias"]


def _normed(state: Array, weight: Array, bias: Array) -> Array:
    centred = state - state.mean(axis=-1, keepdims=True)
    spread = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + np.float32(_EPSILON))
    normed: Array = centred / spread * weight + bias
    return normed


def _gelu(state: Array) -> Array:
    """Return x times Phi(x) of the normal distribution.

    Source: Abramowitz and Stegun 7.1.26 for erf, off by 1.5e-7 at most.
    """
    size = np.abs(state) * np.float32(math.sqrt(0.5))
    k = 1.0 / (1.0 + np.float32(0.3275911) * size)
    series = np.zeros_like(k)
    for factor in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592):
        series = (series + np.float32(factor)) * k
    erf = np.copysign(1.0 - series * np.exp(-size * size), state)
    gelu: Array = np.float32(0.5) * state * (1.0 + erf)
    return gelu


def _words(text: str) -> Iterator[str]:
    """Yield words and marks as BERT's uncased tokenizer parts them."""
    word = ""
    for mark in unicodedata.normalize("NFD", text.lower()):
        kind = unicodedata.category(mark)
        if kind == "Mn" or (kind in {"Cc", "Cf"} and mark not in _BLANKS):
            continue
        if not mark.isspace() and not _stands_alone(mark, kind):
            word += mark
            continue
        if word:
            yield word
        word = ""
        if not mark.isspace():
            yield mark
    if word:
        yield word


def _stands_alone(mark: str, kind: str) -> bool:
    return kind.startswith("P") or (mark.isascii() and not mark.isalnum()) or "\u4e00" <= mark <= "\u9fff"
