"""Fine-tune a small sentence encoder to tell stories apart, and write the weights that `dedupe.Encoder` reads.

usage: python tools/train_encoder.py MODEL_FOLDER STORIES.jsonl OUT.npz [EPOCHS]

MODEL_FOLDER  all-MiniLM-L6-v2 as it is published: model.safetensors, tokenizer.json, vocab.txt (Apache 2.0)
STORIES       one object a line: {"title", "summary", "story"}; entries of one story have one "story"
EPOCHS        2 when it is left out; 0 writes the weights as they come

Needs torch and tokenizers, which the program itself does not. A batch is one story and those nearest to it, so that the
entries that must be parted are the ones that are hard to part; the loss is supervised contrastive (Khosla et al. 2020)
at temperature 0.05. Seed 7. What it gives is in docs/stories.md.

The file: `vocab` (pieces, one a line), `layers`, and for each matrix bytes `.q` with a float `.scale` for every row.
"""

import json
import random
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import nn
from torch.nn import functional

SEED, TEMPERATURE, RATE, STORIES_A_BATCH, PIECES = 7, 0.05, 3e-5, 20, 96
TITLES_ALONE = 0.15  # of the texts that are trained without their summary
HEADS = 12
CHARS = 600


class Layer(nn.Module):
    """One layer of BERT, under the names that `dedupe.Encoder` gives its parts."""

    def __init__(self, width: int, wide: int) -> None:
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(width, width) for _ in range(3))
        self.out, self.up, self.down = nn.Linear(width, width), nn.Linear(width, wide), nn.Linear(wide, width)
        self.norm1, self.norm2 = (nn.LayerNorm(width, eps=1e-12) for _ in range(2))

    def forward(self, state: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return the next state."""
        batch, count, width = state.shape
        q, k, v = (
            part(state).view(batch, count, HEADS, width // HEADS).transpose(1, 2) for part in (self.q, self.k, self.v)
        )
        seen = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        state = self.norm1(state + self.out(seen.transpose(1, 2).reshape(batch, count, width)))
        return self.norm2(state + self.down(functional.gelu(self.up(state))))


class Network(nn.Module):
    """The whole network: pieces in, one vector of length 1.0 a text out."""

    def __init__(self, stored: dict[str, torch.Tensor]) -> None:
        super().__init__()
        pieces = stored["embeddings.word_embeddings.weight"]
        places = stored["embeddings.position_embeddings.weight"] + stored["embeddings.token_type_embeddings.weight"][0]
        self.pieces = nn.Embedding.from_pretrained(pieces.clone(), freeze=False)
        self.places = nn.Parameter(places[:PIECES].clone())
        self.norm = nn.LayerNorm(pieces.shape[1], eps=1e-12)
        _fill(self.norm, stored, "embeddings.LayerNorm")
        self.layers = nn.ModuleList()
        while f"encoder.layer.{len(self.layers)}.output.dense.weight" in stored:
            self.layers.append(_layer(stored, f"encoder.layer.{len(self.layers)}."))

    def forward(self, numbers: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return the meanings of a batch."""
        state = self.norm(self.pieces(numbers) + self.places[: numbers.shape[1]])
        for layer in self.layers:
            state = layer(state, mask[:, None, None, :].bool())
        shown = mask[..., None].to(state.dtype)
        return functional.normalize((state * shown).sum(1) / shown.sum(1), dim=-1)


def main(folder: Path, stories: Path, out: Path, epochs: int) -> None:
    """Train, and write the weights."""
    torch.manual_seed(SEED)
    random.seed(SEED)
    network = Network(_read_safetensors(folder / "model.safetensors"))
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(PIECES)
    tokenizer.enable_padding(pad_id=0, pad_token="[PAD]")  # noqa: S106 (a piece, not a password)
    if epochs:
        rows = [json.loads(line) for line in stories.read_text(encoding="utf-8").splitlines()]
        _train(network, tokenizer, rows, epochs)
    np.savez(out, **_stored(network, (folder / "vocab.txt").read_bytes()))


def _train(network: Network, tokenizer: Tokenizer, rows: list[dict[str, Any]], epochs: int) -> None:
    by_story: dict[str, list[int]] = {}
    for number, row in enumerate(rows):
        by_story.setdefault(row["story"], []).append(number)
    stories = [by_story[name] for name in sorted(by_story)]
    meanings = _encode(network, tokenizer, [_text(row) for row in rows])
    centres = functional.normalize(torch.stack([meanings[numbers].mean(0) for numbers in stories]), dim=-1)
    steps = epochs * (len(stories) // STORIES_A_BATCH)
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=0.01)
    rate = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1.0, 10 * (step + 1) / steps) * max(0.0, 1 - step / steps)
    )
    network.train()
    done = 0
    for _ in range(epochs):
        for batch in _batches(centres):
            texts = [rows[number] for story in batch for number in stories[story]]
            labels = torch.tensor([story for story in batch for _ in stories[story]])
            loss = _loss(network(*_pieces(tokenizer, [_text(row, chance=TITLES_ALONE) for row in texts])), labels)
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            rate.step()
            optimizer.zero_grad()
            done += 1
            sys.stderr.write(f"step {done} of {steps}: loss {loss.item():.3f}\n")
    network.eval()


def _batches(centres: torch.Tensor) -> list[list[int]]:
    """Return batches of stories: one drawn by chance, and the nearest of those that are left."""
    left = list(range(len(centres)))
    random.shuffle(left)
    batches = []
    while len(left) >= STORIES_A_BATCH:
        near = torch.topk(centres[left] @ centres[left[0]], STORIES_A_BATCH).indices.tolist()
        batches.append([left[n] for n in near])
        taken = set(batches[-1])
        left = [story for story in left if story not in taken]
    random.shuffle(batches)
    return batches


def _loss(meanings: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    itself = torch.eye(len(labels), dtype=torch.bool)
    chances = (meanings @ meanings.T / TEMPERATURE).masked_fill(itself, -1e9).log_softmax(1)
    same = (labels[:, None] == labels[None]) & ~itself
    told = same.any(1)
    return -((chances * same).sum(1)[told] / same.sum(1)[told]).mean()


def _encode(network: Network, tokenizer: Tokenizer, texts: list[str]) -> torch.Tensor:
    with torch.inference_mode():
        parts = [network(*_pieces(tokenizer, texts[n : n + 32])) for n in range(0, len(texts), 32)]
    return torch.cat(parts).clone()


def _pieces(tokenizer: Tokenizer, texts: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
    found = tokenizer.encode_batch(texts)
    return torch.tensor([one.ids for one in found]), torch.tensor([one.attention_mask for one in found])


def _text(row: dict[str, Any], chance: float = 0.0) -> str:
    if random.random() < chance:  # noqa: S311 (nothing is kept secret)
        return str(row["title"])
    return f"{row['title']}. {row.get('summary') or ''}"[:CHARS]


def _layer(stored: dict[str, torch.Tensor], prefix: str) -> Layer:
    wide, width = stored[f"{prefix}intermediate.dense.weight"].shape
    layer = Layer(width, wide)
    for part, name in (
        (layer.q, "attention.self.query"),
        (layer.k, "attention.self.key"),
        (layer.v, "attention.self.value"),
        (layer.out, "attention.output.dense"),
        (layer.norm1, "attention.output.LayerNorm"),
        (layer.up, "intermediate.dense"),
        (layer.down, "output.dense"),
        (layer.norm2, "output.LayerNorm"),
    ):
        _fill(part, stored, prefix + name)
    return layer


def _fill(part: nn.Module, stored: dict[str, torch.Tensor], name: str) -> None:
    part.load_state_dict({"weight": stored[f"{name}.weight"], "bias": stored[f"{name}.bias"]})


def _stored(network: Network, vocab: bytes) -> dict[str, np.ndarray]:
    out: dict[str, np.ndarray] = {
        "vocab": np.frombuffer(vocab, np.uint8),
        "layers": np.array(len(network.layers)),
    }
    for name, values in network.state_dict().items():
        plain = name.replace("layers.", "layer").removesuffix(".weight") if values.ndim > 1 else name
        matrix = values.numpy().astype(np.float32)
        if matrix.ndim == 1:
            out[name.replace("layers.", "layer")] = matrix
            continue
        scale = np.maximum(np.abs(matrix).max(axis=1), 1e-9) / 127
        out[f"{plain}.q"] = np.clip(np.round(matrix / scale[:, None]), -127, 127).astype(np.int8)
        out[f"{plain}.scale"] = scale
    return out


def _read_safetensors(path: Path) -> dict[str, torch.Tensor]:
    content = path.read_bytes()
    length = struct.unpack("<Q", content[:8])[0]
    found = {}
    for name, what in json.loads(content[8 : 8 + length]).items():
        if name != "__metadata__" and what["dtype"] == "F32":
            start, end = what["data_offsets"]
            values = np.frombuffer(content[8 + length + start : 8 + length + end], np.float32).reshape(what["shape"])
            found[name] = torch.from_numpy(values.copy())
    return found


if __name__ == "__main__":
    if len(sys.argv) not in {4, 5}:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else 2)
