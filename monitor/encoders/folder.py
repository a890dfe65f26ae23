"""A sentence encoder from a folder, as sentence-transformers saves it: BERT and XLM-RoBERTa, mean of the pieces. Shell.

    config.json         kind and sizes of the network
    model.safetensors   its weights
    tokenizer.json      how texts are cut; read by the package `tokenizers`, the extra `multilingual`
    1_Pooling/config.json, modules.json   what comes after the network, if it is there

A folder with an `encoder.npz`, as tools/train_encoder.py writes it, needs none of these.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from monitor import dedupe, errors
from monitor.dedupe import meaning, pieces
from monitor.encoders import tensors

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_OWN = "encoder.npz"
MIDDLE = 0.525  # of how near the shipped encoder finds two reports of one happening, and of two, on average
_KINDS = {"bert": 0, "xlm-roberta": 1, "roberta": 1}  # what comes before the first place, beside the padding's number
_PARTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "out": "attention.output.dense",
    "up": "intermediate.dense",
    "down": "output.dense",
}
_NORMS = {"norm1": "attention.output.LayerNorm", "norm2": "output.LayerNorm"}
_MODULES = frozenset({"Transformer", "Pooling", "Normalize"})
_HALVINGS = 40


class Moved:
    """An encoder of another make, with its vectors moved so that the bounds of the shipped one hold.

    Encoders differ in how near they find reports of one happening, and of two. All vectors are moved along the
    direction that they share, as far as it takes until the middle between the two is where the shipped encoder has it.
    """

    def __init__(self, encoder: meaning.Encodes) -> None:
        self.fingerprint = encoder.fingerprint
        self._encoder = encoder
        told, again = zip(*headlines(), strict=True)
        self._move = _move(encoder.encode_all(told), encoder.encode_all(again))

    def encode_all(self, texts: Sequence[str]) -> list[meaning.Array | None]:
        """Return the meaning of each text, of length 1.0; None where it cannot be told."""
        senses = self._encoder.encode_all(texts)
        return [None if sense is None else meaning.rounded(sense + self._move) for sense in senses]


class FolderEncoder:
    """A network whose texts are cut by a tokenizer of its own."""

    def __init__(self, network: meaning.Network, cutter: "Tokenizer", unknown: int | None, *, fingerprint: str) -> None:
        self.fingerprint = fingerprint
        self._network, self._cutter, self._unknown = network, cutter, unknown
        self._marks = len(cutter.encode("").ids)

    def encode_all(self, texts: Sequence[str]) -> list[meaning.Array | None]:
        """Return the meaning of each text, of length 1.0; None where hardly anything in it is known."""
        return meaning.encoded(self._network, [self._cut(text) for text in texts])

    def _cut(self, text: str) -> list[int]:
        numbers: list[int] = self._cutter.encode(text.encode("utf-8", "replace").decode()).ids
        unknown = sum(number == self._unknown for number in numbers)
        return [] if 2 * unknown >= len(numbers) - self._marks else numbers


def read(folder: Path, *, fingerprint: str) -> meaning.Encodes:
    """Return the encoder of a folder. Raises ConfigError that names the file, what is wrong and what to do."""
    if not folder.is_dir():
        _refuse(folder, 'there is no such folder; name one, or write encoder = "builtin"')
    own = folder / _OWN
    if own.exists():
        return _own(own, fingerprint)
    shape = _shape(folder)
    _check_what_follows(folder)
    network = _network(folder / "model.safetensors", shape)
    cutter, unknown = _cutter(folder / "tokenizer.json", network)
    return FolderEncoder(network, cutter, unknown, fingerprint=fingerprint)


def files(folder: Path) -> tuple[Path, ...]:
    """Return the files that a folder's encoder is made of, whether they are there or not."""
    own = folder / _OWN
    return (
        (own,)
        if own.exists()
        else tuple(folder / name for name in ("config.json", "model.safetensors", "tokenizer.json"))
    )


def _own(path: Path, fingerprint: str) -> meaning.Encodes:
    try:
        return dedupe.Encoder(path.read_bytes(), fingerprint=fingerprint)
    except OSError as error:
        _refuse(path, _in_words(error))
    except ValueError as error:
        _refuse(path, f"{error}; install the program again, or copy the file again")


@dataclass(frozen=True, slots=True)
class _Shape:
    """What config.json says. skipped: places before the first one."""

    layers: int
    heads: int
    epsilon: float
    skipped: int


def _shape(folder: Path) -> _Shape:
    path = folder / "config.json"
    said = _json(path)
    kind = said.get("model_type")
    if kind not in _KINDS:
        _refuse(path, f"model_type {kind!r} is not supported; take a model of the type {', '.join(sorted(_KINDS))}")
    if said.get("hidden_act", "gelu") != "gelu" or said.get("position_embedding_type", "absolute") != "absolute":
        _refuse(path, "only networks with hidden_act gelu and absolute positions are supported")
    try:
        skipped = _KINDS[kind] and int(said.get("pad_token_id", 1)) + _KINDS[kind]
        epsilon = float(said.get("layer_norm_eps", 1e-12))
        return _Shape(int(said["num_hidden_layers"]), int(said["num_attention_heads"]), epsilon, skipped)
    except (KeyError, TypeError, ValueError) as error:
        _refuse(path, f"num_hidden_layers, num_attention_heads or layer_norm_eps is missing or wrong ({error})")


def _check_what_follows(folder: Path) -> None:
    pooling = folder / "1_Pooling" / "config.json"
    if pooling.exists() and not _json(pooling).get("pooling_mode_mean_tokens"):
        _refuse(pooling, "only the mean of the pieces (pooling_mode_mean_tokens) is supported; take another model")
    modules = folder / "modules.json"
    if modules.exists():
        found = _json(modules, kind=list)
        named = {str(module.get("type", "")).rpartition(".")[2] for module in found if isinstance(module, dict)}
        if named - _MODULES:
            _refuse(modules, f"{', '.join(sorted(named - _MODULES))} is not supported; take another model")


def _network(path: Path, shape: _Shape) -> meaning.Network:
    try:
        with path.open("rb") as opened:
            file = tensors.File(opened, tensors.read_header(opened))
            stored = _stored(file, shape)
        return meaning.Network(stored, layers=shape.layers, heads=shape.heads, epsilon=shape.epsilon)
    except OSError as error:
        _refuse(path, _in_words(error))
    except KeyError as error:
        _refuse(path, f"holds no {error}; it is of another kind of network than config.json says")
    except (ValueError, IndexError, ZeroDivisionError) as error:
        _refuse(path, f"damaged, or not what config.json says ({error}); copy it again")


def _stored(file: tensors.File, shape: _Shape) -> Mapping[str, NDArray[Any]]:
    """Return the tensors under the names that `meaning.Network` gives them."""
    first = "embeddings.word_embeddings.weight"
    before = next((name.removesuffix(first) for name in file.tensors if name.endswith(first)), "")
    stored: dict[str, NDArray[Any]] = {}

    def matrix(ours: str, theirs: str) -> None:
        stored[f"{ours}.q"], stored[f"{ours}.scale"] = file.steps(f"{before}{theirs}.weight")

    def plain(ours: str, theirs: str, *names: str) -> None:
        for name in names:
            stored[f"{ours}.{name}"] = file.floats(f"{before}{theirs}.{name}")

    matrix("pieces", "embeddings.word_embeddings")
    places = file.floats(f"{before}embeddings.position_embeddings.weight")[shape.skipped :][: pieces.PIECES_AT_MOST]
    stored["places.weight"] = places + file.floats(f"{before}embeddings.token_type_embeddings.weight")[0]
    plain("norm", "embeddings.LayerNorm", "weight", "bias")
    for number in range(shape.layers):
        for ours, theirs in _PARTS.items():
            matrix(f"layer{number}.{ours}", f"encoder.layer.{number}.{theirs}")
            plain(f"layer{number}.{ours}", f"encoder.layer.{number}.{theirs}", "bias")
        for ours, theirs in _NORMS.items():
            plain(f"layer{number}.{ours}", f"encoder.layer.{number}.{theirs}", "weight", "bias")
    return stored


def _cutter(path: Path, network: meaning.Network) -> tuple["Tokenizer", int | None]:
    try:
        from tokenizers import Tokenizer
    except ImportError:
        _refuse(path, "the package `tokenizers` is needed to read it: pip install 'geopolitical-monitor[multilingual]'")
    try:
        cutter = Tokenizer.from_str(path.read_text(encoding="utf-8"))
    except OSError as error:
        _refuse(path, _in_words(error))
    except Exception as error:  # noqa: BLE001  the package raises no other kind
        _refuse(path, f"cannot be read ({error}); copy it again")
    if cutter.get_vocab_size(with_added_tokens=False) > network.vocabulary:
        _refuse(path, "knows more pieces than model.safetensors; the two do not belong together")
    cutter.enable_truncation(network.longest)
    cutter.no_padding()
    unknown = next((number for name in ("<unk>", "[UNK]") if (number := cutter.token_to_id(name)) is not None), None)
    return cutter, unknown


def headlines() -> list[tuple[str, str]]:
    """Return the happenings of the list, each in two outlets' words."""
    text = resources.files("monitor.encoders").joinpath("headlines.txt").read_text(encoding="utf-8")
    found = (line.partition(" | ") for line in text.splitlines() if not line.startswith("#"))
    return [(told, again) for told, _, again in found]


def middle(told: NDArray[np.float32], again: NDArray[np.float32]) -> float:
    """Return the middle between how near two reports of one happening are, and of two, on average. Rows: happenings."""
    told, again = (rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9) for rows in (told, again))
    near = told @ again.T
    count = len(near)
    same = float(np.trace(near)) / count
    other = (float(near.sum()) - float(np.trace(near))) / (count * (count - 1))
    return (same + other) / 2


def _move(told: Sequence[meaning.Array | None], again: Sequence[meaning.Array | None]) -> meaning.Array:
    """Return what to add to vectors so that the middle of the list is where the shipped encoder has it."""
    both = [(one, other) for one, other in zip(told, again, strict=True) if one is not None and other is not None]
    if len(both) < 2:
        return np.zeros(1, np.float32)
    ones, others = (np.array(rows) for rows in zip(*both, strict=True))
    mean = (ones.mean(axis=0) + others.mean(axis=0)) / 2
    low, high = -1.0, 8.0
    for _ in range(_HALVINGS):
        share = (low + high) / 2
        low, high = (share, high) if middle(ones + share * mean, others + share * mean) < MIDDLE else (low, share)
    moved: meaning.Array = (low * mean).astype(np.float32)
    return moved


def _json(path: Path, *, kind: type = dict) -> Any:  # noqa: ANN401  whatever the file says
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        _refuse(path, _in_words(error))
    except (ValueError, RecursionError) as error:
        _refuse(path, f"is no JSON ({error}); copy it again")
    if not isinstance(said, kind):
        _refuse(path, "is not what sentence-transformers writes; copy it again")
    return said


def _in_words(error: OSError) -> str:
    return f'cannot be read: {error.strerror}; copy the folder whole, or write encoder = "builtin"'


def _refuse(path: Path, why: str) -> NoReturn:
    msg = f"{path}: {why}"
    raise errors.ConfigError(msg)
