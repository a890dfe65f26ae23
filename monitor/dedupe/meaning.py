"""What a text means, as a vector: a small sentence encoder in numpy. Pure: it is given the bytes of its weights.

The network is BERT (Devlin et al. 2018) as in all-MiniLM-L6-v2: words are cut into pieces, layers of attention let
every piece look at all the others, and the mean of the last layer is the meaning. tools/train_encoder.py makes the
weights that are shipped, and docs/encoder.md says what they are.
"""

import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from monitor.dedupe import pieces

_HEADS = 12
_EPSILON = 1e-12
_AT_ONCE = 256  # pieces that go through the network together: headlines take half as long, more would only take memory
_STEPS = 127  # of a stored number, on either side of zero

Array = NDArray[np.float32]
Tensors = Mapping[str, NDArray[Any]]


class Encodes(Protocol):
    """Whatever turns texts into meanings. fingerprint: the same only for what gives the same vectors."""

    @property
    def fingerprint(self) -> str:
        """Name what made a vector."""
        ...

    def encode_all(self, texts: Sequence[str]) -> list[Array | None]:
        """Return the meaning of each text, of length 1.0; None where it cannot be told."""
        ...


class Encoder:
    """Turns texts into vectors; texts that tell one happening come near each other.

    weights: an .npz file; see tools/train_encoder.py for what is in it. Raises ValueError when it is damaged.
    """

    def __init__(self, weights: bytes, *, fingerprint: str = "") -> None:
        self.fingerprint = fingerprint
        try:
            with np.load(io.BytesIO(weights), allow_pickle=False) as held:
                stored = {name: held[name] for name in held.files}
            self._pieces = pieces.WordPieces(stored.pop("vocab").tobytes().decode("utf-8").splitlines())
            layers = int(stored.pop("layers"))
            self._network = Network(stored, layers=layers, heads=int(stored.get("heads", _HEADS)), epsilon=_EPSILON)
        except Exception as error:
            msg = f"the encoder's weights are damaged ({type(error).__name__}: {error})"
            raise ValueError(msg) from error

    def encode(self, text: str) -> Array | None:
        """Return the meaning of `text`, whose first 94 pieces are read; None when nothing in it is known."""
        return self.encode_all([text])[0]

    def encode_all(self, texts: Sequence[str]) -> list[Array | None]:
        """Return the meaning of each text: `encode`, in less time."""
        return encoded(self._network, [self._pieces.cut(text) for text in texts])


class Network:
    """Layers of attention over pieces, by the numbers of the pieces.

    tensors: `pieces`, `places`, and for each layer `q`, `k`, `v`, `out`, `up`, `down`, `norm1`, `norm2`; a matrix has
    one row for each number that comes out, and is stored as it is (`.weight`) or as bytes `.q` with a `.scale` for each
    row. It stays as it is stored: floats are made where they are multiplied, which costs little and halves the memory.
    Raises KeyError and ValueError for what does not fit together.
    """

    def __init__(self, tensors: Tensors, *, layers: int, heads: int, epsilon: float) -> None:
        self._pieces, self._places = _matrix(tensors, "pieces"), _matrix(tensors, "places")
        self._norm = _Norm.of(tensors, "norm", epsilon)
        self._layers = [_Layer(tensors, f"layer{n}.", heads, epsilon) for n in range(layers)]
        width = self._pieces.values.shape[1]
        if width % heads or self._places.values.shape[1] != width:
            msg = f"{width} numbers a piece do not fit {heads} heads"
            raise ValueError(msg)
        with np.errstate(all="ignore"):
            self.mean_of([[0, 0]])  # whatever does not fit together complains here

    @property
    def vocabulary(self) -> int:
        """How many pieces it knows."""
        return len(self._pieces.values)

    @property
    def longest(self) -> int:
        """How many pieces a text may have."""
        return len(self._places.values)

    def mean_of(self, texts: Sequence[Sequence[int]]) -> list[Array]:
        """Return the mean of what comes out for the pieces of each text; none may be empty."""
        ends = np.cumsum([len(text) for text in texts])
        spans = [slice(end - len(text), end) for text, end in zip(texts, ends.tolist(), strict=True)]
        places = [place for text in texts for place in range(len(text))]
        numbers = [number for text in texts for number in text]
        state = self._norm.apply(self._pieces.rows(numbers) + self._places.rows(places))
        for layer in self._layers:
            state = layer.apply(state, spans)
        return [state[span].mean(axis=0) for span in spans]


def encoded(network: Network, cut: Sequence[Sequence[int]]) -> list[Array | None]:
    """Return what each text means, by its pieces; None for one without pieces, and where numbers run wild."""
    found: list[Array | None] = [None] * len(cut)
    with np.errstate(all="ignore"):
        for batch in _batches([len(numbers) for numbers in cut]):
            for n, mean in zip(batch, network.mean_of([cut[n] for n in batch]), strict=True):
                found[n] = rounded(mean)
    return found


def rounded(vector: Array) -> Array | None:
    """Return `vector` at length 1.0 and as it will be read back, so that a restart changes no decision.

    None when it has no length, or one that is no number.
    """
    length = float(np.linalg.norm(vector))
    if not math.isfinite(length) or length < _EPSILON:
        return None
    return unpacked(packed(vector / np.float32(length)))


def packed(sense: Array) -> bytes:
    """Return a meaning as bytes: a scale, and one byte for each number. What `encoded` made comes back as it was."""
    scale = np.float32(np.abs(sense).max() / _STEPS)
    return np.array(scale, "<f4").tobytes() + np.round(sense / scale).astype(np.int8).tobytes()


def unpacked(stored: bytes) -> Array:
    """Return the meaning that `packed` made bytes of."""
    steps = np.frombuffer(stored, np.int8, offset=4).astype(np.float32)
    sense: Array = steps * np.frombuffer(stored, "<f4", 1)[0]
    return sense


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield which texts go through the network together, the short ones first; those without pieces never."""
    batch: list[int] = []
    for n in sorted((n for n, length in enumerate(lengths) if length), key=lambda n: lengths[n]):
        if batch and sum(lengths[other] for other in batch) + lengths[n] > _AT_ONCE:
            yield batch
            batch = []
        batch.append(n)
    if batch:
        yield batch


@dataclass(frozen=True, slots=True)
class _Matrix:
    """One row for each number that comes out. scale: of each row, where the values are steps of it."""

    values: NDArray[Any]
    scale: Array | None = None

    def rows(self, numbers: Sequence[int]) -> Array:
        taken: Array = self.values[numbers].astype(np.float32)
        return taken if self.scale is None else taken * self.scale[numbers][:, None]

    def times(self, state: Array) -> Array:
        product: Array = state @ self.values.astype(np.float32, copy=False).T
        return product if self.scale is None else product * self.scale


@dataclass(frozen=True, slots=True)
class _Dense:
    """A matrix and what is added to its product."""

    matrix: _Matrix
    bias: Array

    @classmethod
    def of(cls, tensors: Tensors, name: str) -> "_Dense":
        return cls(_matrix(tensors, name), _finite(tensors[f"{name}.bias"]))

    def apply(self, state: Array) -> Array:
        return self.matrix.times(state) + self.bias


@dataclass(frozen=True, slots=True)
class _Norm:
    """Every row moved to mean 0 and spread 1, then weighed."""

    weight: Array
    bias: Array
    epsilon: float

    @classmethod
    def of(cls, tensors: Tensors, name: str, epsilon: float) -> "_Norm":
        return cls(_finite(tensors[f"{name}.weight"]), _finite(tensors[f"{name}.bias"]), epsilon)

    def apply(self, state: Array) -> Array:
        centred = state - state.mean(axis=-1, keepdims=True)
        spread = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + np.float32(self.epsilon))
        normed: Array = centred / spread * self.weight + self.bias
        return normed


class _Layer:
    """One layer of attention."""

    def __init__(self, tensors: Tensors, prefix: str, heads: int, epsilon: float) -> None:
        self._heads = heads
        self._looks = [_Dense.of(tensors, f"{prefix}{name}") for name in "qkv"]
        self._out, self._up, self._down = (_Dense.of(tensors, f"{prefix}{name}") for name in ("out", "up", "down"))
        self._norms = [_Norm.of(tensors, f"{prefix}norm{n}", epsilon) for n in (1, 2)]

    def apply(self, state: Array, spans: Iterable[slice]) -> Array:
        """Return the next state: one row a piece. Pieces look at the pieces of their own span only."""
        count, width = state.shape
        size = width // self._heads
        q, k, v = (look.apply(state).reshape(count, self._heads, size).transpose(1, 0, 2) for look in self._looks)
        seen = np.empty_like(state)
        for span in spans:
            scores = q[:, span] @ k[:, span].transpose(0, 2, 1) / np.float32(math.sqrt(size))
            scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
            shares = scores / scores.sum(axis=-1, keepdims=True)
            seen[span] = (shares @ v[:, span]).transpose(1, 0, 2).reshape(-1, width)
        state = self._norms[0].apply(state + self._out.apply(seen))
        return self._norms[1].apply(state + self._down.apply(_gelu(self._up.apply(state))))


def _matrix(tensors: Tensors, name: str) -> _Matrix:
    if f"{name}.weight" in tensors:
        return _Matrix(tensors[f"{name}.weight"])
    return _Matrix(tensors[f"{name}.q"], _finite(tensors[f"{name}.scale"]))


def _finite(values: NDArray[Any]) -> Array:
    held = values.astype(np.float32)
    if not np.isfinite(held).all():
        msg = "not all numbers are finite"
        raise ValueError(msg)
    return held


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
