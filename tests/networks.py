"""Small sentence encoders, drawn by chance but always the same: as weights, as a folder, and as plain arithmetic."""

import io
import json
import math
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from monitor import dedupe

WIDTH, WIDE, HEADS, LAYERS = 24, 48, 4, 2
PIECES = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "quake",
    "earth",
    "##quake",
    "in",
    "peru",
    "tax",
    "cut",
    ",",
    ".",
    "peru's",
    "'",
    "s",
]
_THEIRS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "out": "attention.output.dense",
    "norm1": "attention.output.LayerNorm",
    "up": "intermediate.dense",
    "down": "output.dense",
    "norm2": "output.LayerNorm",
}
_SHAPES = {"up": (WIDE, WIDTH), "down": (WIDTH, WIDE)}

Numbers = NDArray[Any]


class Counting:
    """An encoder that remembers what it was asked; texts with a word in common are near each other."""

    def __init__(self, fingerprint: str = "counting") -> None:
        self.fingerprint = fingerprint
        self.asked: list[str] = []

    def encode_all(self, texts: Sequence[str]) -> list[dedupe.Array | None]:
        """Return one vector for each text."""
        self.asked += texts
        return [self._vector(text) for text in texts]

    def _vector(self, text: str) -> dedupe.Array:
        vector = np.zeros(64, np.float32)
        for word in text.lower().split():
            vector[sum(word.encode()) % 64] = 1.0
        steps = np.round(vector / max(float(np.linalg.norm(vector)), 1e-9) * 127)
        return (steps / 127).astype(np.float32)


def weights(**changes: Numbers) -> bytes:
    """Return the weights of a small network as `dedupe.Encoder` reads them."""
    chance = np.random.default_rng(7)
    stored: dict[str, Any] = {"layers": np.array(2), "vocab": np.frombuffer("\n".join(PIECES).encode(), np.uint8)}

    def matrix(name: str, rows: int, columns: int) -> None:
        stored[f"{name}.q"] = chance.integers(-127, 128, (rows, columns), dtype=np.int8)
        stored[f"{name}.scale"] = np.full(rows, 0.002, np.float32)

    def norm(name: str) -> None:
        stored[f"{name}.weight"], stored[f"{name}.bias"] = np.ones(WIDTH, np.float32), np.zeros(WIDTH, np.float32)

    matrix("pieces", len(PIECES), WIDTH)
    matrix("places", 96, WIDTH)
    norm("norm")
    for layer in ("layer0", "layer1"):
        for name in ("q", "k", "v", "out", "up", "down"):
            rows, columns = _SHAPES.get(name, (WIDTH, WIDTH))
            matrix(f"{layer}.{name}", rows, columns)
            stored[f"{layer}.{name}.bias"] = np.zeros(rows, np.float32)
        norm(f"{layer}.norm1")
        norm(f"{layer}.norm2")
    file = io.BytesIO()
    np.savez(file, **stored | changes)
    return file.getvalue()


def tensors() -> dict[str, Numbers]:
    """Return the tensors of another small network, under the names that sentence-transformers gives them."""
    chance = np.random.default_rng(11)

    def draw(*shape: int) -> Numbers:
        return (0.3 * chance.standard_normal(shape)).astype(np.float32)

    found = {
        "embeddings.word_embeddings.weight": draw(len(PIECES), WIDTH),
        "embeddings.position_embeddings.weight": draw(40, WIDTH),
        "embeddings.token_type_embeddings.weight": draw(2, WIDTH),
        "embeddings.LayerNorm.weight": 1 + draw(WIDTH),
        "embeddings.LayerNorm.bias": draw(WIDTH),
    }
    for layer in range(LAYERS):
        for ours, theirs in _THEIRS.items():
            rows, columns = _SHAPES.get(ours, (WIDTH, WIDTH))
            name = f"encoder.layer.{layer}.{theirs}"
            found[f"{name}.weight"] = 1 + draw(rows) if ours.startswith("norm") else draw(rows, columns)
            found[f"{name}.bias"] = draw(rows)
    return found


def folder(path: Path, *, kind: str = "bert", dtype: str = "F32", prefix: str = "", **changes: Any) -> Path:
    """Write that network to a folder as sentence-transformers does. changes: to config.json."""
    path.mkdir(exist_ok=True)
    said = {
        "model_type": kind,
        "hidden_size": WIDTH,
        "num_attention_heads": HEADS,
        "num_hidden_layers": LAYERS,
        "layer_norm_eps": 1e-5,
        "hidden_act": "gelu",
        "pad_token_id": 0 if kind == "bert" else 1,
    }
    (path / "config.json").write_text(json.dumps(said | changes), encoding="utf-8")
    (path / "model.safetensors").write_bytes(_safetensors(tensors(), dtype, prefix))
    (path / "1_Pooling").mkdir(exist_ok=True)
    (path / "1_Pooling" / "config.json").write_text('{"pooling_mode_mean_tokens": true}', encoding="utf-8")
    modules = [{"type": f"sentence_transformers.models.{name}"} for name in ("Transformer", "Pooling", "Normalize")]
    (path / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    cutter = Tokenizer(models.WordPiece({piece: n for n, piece in enumerate(PIECES)}, unk_token="[UNK]"))
    cutter.normalizer = normalizers.BertNormalizer()
    cutter.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    cutter.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    cutter.save(str(path / "tokenizer.json"))
    return path


def slowly(numbers: Sequence[int], *, skipped: int = 0) -> list[float]:
    """Return the meaning of pieces by the network of `folder`, number by number, as the paper has it."""
    held = {name: values.astype(float).tolist() for name, values in tensors().items()}
    places, kinds = held["embeddings.position_embeddings.weight"], held["embeddings.token_type_embeddings.weight"]
    words = held["embeddings.word_embeddings.weight"]
    state = [
        _normed(
            [words[piece][n] + places[place + skipped][n] + kinds[0][n] for n in range(WIDTH)],
            held["embeddings.LayerNorm.weight"],
            held["embeddings.LayerNorm.bias"],
        )
        for place, piece in enumerate(numbers)
    ]
    for layer in range(LAYERS):
        parts = {
            ours: (held[f"encoder.layer.{layer}.{theirs}.weight"], held[f"encoder.layer.{layer}.{theirs}.bias"])
            for ours, theirs in _THEIRS.items()
        }
        state = _layer(state, parts)
    mean = [sum(row[n] for row in state) / len(state) for n in range(WIDTH)]
    length = math.sqrt(sum(value * value for value in mean))
    return [value / length for value in mean]


def _layer(state: list[list[float]], parts: dict[str, tuple[Any, list[float]]]) -> list[list[float]]:
    size = WIDTH // HEADS
    q, k, v = ([_dense(row, *parts[name]) for row in state] for name in "qkv")
    after = []
    for here, row in enumerate(state):
        seen: list[float] = []
        for head in range(HEADS):
            span = range(head * size, (head + 1) * size)
            scores = [
                math.exp(sum(q[here][n] * k[there][n] for n in span) / math.sqrt(size)) for there in range(len(state))
            ]
            seen += [sum(score * v[there][n] for there, score in enumerate(scores)) / sum(scores) for n in span]
        mixed = _normed([a + b for a, b in zip(row, _dense(seen, *parts["out"]), strict=True)], *parts["norm1"])
        wide = [value * 0.5 * (1 + math.erf(value / math.sqrt(2))) for value in _dense(mixed, *parts["up"])]
        down = _dense(wide, *parts["down"])
        after.append(_normed([a + b for a, b in zip(mixed, down, strict=True)], *parts["norm2"]))
    return after


def _dense(row: list[float], weight: list[list[float]], bias: list[float]) -> list[float]:
    return [sum(a * b for a, b in zip(row, line, strict=True)) + add for line, add in zip(weight, bias, strict=True)]


def _normed(row: list[float], weight: list[float], bias: list[float]) -> list[float]:
    mean = sum(row) / len(row)
    spread = math.sqrt(sum((value - mean) ** 2 for value in row) / len(row) + 1e-5)
    return [(value - mean) / spread * w + b for value, w, b in zip(row, weight, bias, strict=True)]


def _safetensors(held: dict[str, Numbers], dtype: str, prefix: str) -> bytes:
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    content = b""
    for name, values in held.items():
        part = _stored(values, dtype)
        where = [len(content), len(content) + len(part)]
        header[prefix + name] = {"dtype": dtype, "shape": list(values.shape), "data_offsets": where}
        content += part
    head = json.dumps(header).encode()
    return struct.pack("<Q", len(head)) + head + content


def _stored(values: Numbers, dtype: str) -> bytes:
    if dtype == "BF16":
        return (values.astype("<f4").view("<u4") >> 16).astype("<u2").tobytes()
    return values.astype({"F32": "<f4", "F16": "<f2"}[dtype]).tobytes()
