"""The encoder that the configuration names: shipped, a folder's, or none; what cannot be used is said once."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import structlog

from monitor import encoders
from monitor.encoders import folder
from tests import networks
from tests.commands import SMALL_CONFIG, monitor, set_up

TEXT = "Earthquake in Peru, tax cut."
NUMBERS = [2, 5, 6, 7, 8, 11, 9, 10, 12, 3]


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    """Return what is logged meanwhile."""
    with structlog.testing.capture_logs() as events:
        yield events


def test_the_shipped_encoder_finds_one_happening_in_other_words() -> None:
    """Two reports of one happening are nearer than one of another, with the same people and places."""
    found = encoders.find("builtin", Path())
    assert found is not None
    assert found.complaint() == ""
    told, again, other = found.encode_all(
        [
            "Magnitude seven earthquake strikes off the coast of Peru",
            "Strong quake hits Peruvian waters, tsunami alert lifted",
            "Peru's president offers to resign over corruption inquiry",
        ]
    )
    assert told is not None
    assert again is not None
    assert other is not None
    assert float(told @ again) > float(told @ other) + 0.1


def test_odd_texts_cost_little_and_mean_nothing_or_something() -> None:
    """Empty, one word, 50 kB, other scripts: a vector or none, never an error."""
    found = encoders.find("builtin", Path())
    assert found is not None
    texts = [
        "",
        " ",
        "?!",
        "Peru",
        "word " * 10_000,
        "x" * 50_000,
        "Президент прибыл в Пекин",
        "北京 外交部",
        "\ud800 a",
    ]
    known = [sense is not None for sense in found.encode_all(texts)]
    assert known == [False, False, False, True, True, False, False, False, False]


def test_off_is_no_encoder() -> None:
    """With `encoder = "off"` nothing is read."""
    assert encoders.find("off", Path()) is None
    assert encoders.check("off", Path()) == ""


@pytest.mark.parametrize(("kind", "skipped"), [("bert", 0), ("xlm-roberta", 2)])
def test_a_folder_means_what_the_paper_says(tmp_path: Path, kind: str, skipped: int) -> None:
    """The network of a folder gives what the same network gives number by number, whatever its size."""
    found = folder.read(networks.folder(tmp_path / "model", kind=kind), fingerprint="f")
    [sense] = found.encode_all([TEXT])
    assert sense is not None
    expected = np.array(networks.slowly(NUMBERS, skipped=skipped))
    assert float(sense @ expected) / float(np.linalg.norm(sense)) > 0.999


@pytest.mark.parametrize("changes", [{"dtype": "F16"}, {"dtype": "BF16"}, {"prefix": "bert."}])
def test_weights_may_be_of_half_precision_and_named_with_a_prefix(tmp_path: Path, changes: dict[str, Any]) -> None:
    """What is stored otherwise means nearly the same."""
    plain = folder.read(networks.folder(tmp_path / "plain"), fingerprint="f").encode_all([TEXT])[0]
    other = folder.read(networks.folder(tmp_path / "other", **changes), fingerprint="f").encode_all([TEXT])[0]
    assert plain is not None
    assert other is not None
    assert float(plain @ other) > 0.99


def test_a_folder_may_hold_weights_of_our_own(tmp_path: Path) -> None:
    """An encoder.npz as tools/train_encoder.py writes it needs nothing beside it."""
    (tmp_path / "encoder.npz").write_bytes(networks.weights())
    found = encoders.find(str(tmp_path), Path("/"))
    assert found is not None
    assert found.encode_all([TEXT])[0] is not None


def test_the_folder_is_relative_to_the_configuration(tmp_path: Path) -> None:
    """`encoder = "model"` is the folder beside config.toml."""
    networks.folder(tmp_path / "model")
    found = encoders.find("model", tmp_path)
    assert found is not None
    assert found.complaint() == ""


def test_unknown_pieces_have_no_meaning_in_a_folder_either(tmp_path: Path) -> None:
    """A text of which half is unknown would resemble every other one."""
    found = folder.read(networks.folder(tmp_path / "model"), fingerprint="f")
    assert found.encode_all(["zzz yyy", "", "\ud800"]) == [None, None, None]


def test_another_encoder_is_moved_to_the_scale_of_the_shipped_one() -> None:
    """Between one happening and two lies the same middle: whoever ships other weights writes down theirs."""
    shipped = encoders.find("builtin", Path())
    assert shipped is not None
    told, again = (np.array(shipped.encode_all(texts)) for texts in zip(*folder.headlines(), strict=True))
    assert folder.middle(told, again) == pytest.approx(folder.MIDDLE, abs=0.02)
    chance = np.random.default_rng(3)
    for common in (0.0, 2.0):  # one that finds nothing alike, and one that finds everything alike
        ones = chance.standard_normal((30, 64)).astype(np.float32) + np.float32(common)
        others = ones + chance.standard_normal((30, 64)).astype(np.float32)
        move = folder._move(list(ones), list(others))
        assert folder.middle(ones + move, others + move) == pytest.approx(folder.MIDDLE, abs=0.01)


def _without(name: str) -> Any:
    return lambda path: (path / name).unlink()


def _with(name: str, content: str) -> Any:
    return lambda path: (path / name).write_text(content, encoding="utf-8")


def _more_pieces(path: Path) -> None:
    text = (path / "tokenizer.json").read_text(encoding="utf-8")
    (path / "tokenizer.json").write_text(
        text.replace('"quake":4', '"quake":4,"tremor":16').replace('"quake": 4', '"quake": 4, "tremor": 16'),
        encoding="utf-8",
    )


def _own_as_a_folder(path: Path) -> None:
    (path / "encoder.npz").mkdir()


def _short(path: Path) -> None:
    whole = (path / "model.safetensors").read_bytes()
    (path / "model.safetensors").write_bytes(whole[:-50])


def _wild(path: Path) -> None:
    whole = (path / "model.safetensors").read_bytes()
    (path / "model.safetensors").write_bytes(whole[:-4] + b"\x00\x00\xc0\x7f")


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (_without("config.json"), "config.json: cannot be read: No such file or directory"),
        (_without("model.safetensors"), "model.safetensors: cannot be read: No such file or directory"),
        (_without("tokenizer.json"), "tokenizer.json: cannot be read: No such file or directory"),
        (_with("config.json", "{"), "config.json: is no JSON"),
        (_with("config.json", "[]"), "config.json: is not what sentence-transformers writes"),
        (_with("config.json", '{"model_type": "mpnet"}'), "config.json: model_type 'mpnet' is not supported"),
        (_with("config.json", '{"model_type": "bert"}'), "config.json: num_hidden_layers, num_attention_heads"),
        (_with("config.json", '{"model_type": "bert", "hidden_act": "relu"}'), "config.json: only networks with"),
        (_with("model.safetensors", "nothing"), "model.safetensors: damaged, or not what config.json says"),
        (_with("model.safetensors", "\x05" + 7 * "\x00" + "{" * 5), "its header cannot be read"),
        (_with("tokenizer.json", "{}"), "tokenizer.json: cannot be read"),
        (_with("1_Pooling/config.json", '{"pooling_mode_cls_token": true}'), "1_Pooling/config.json: only the mean"),
        (_with("modules.json", '[{"type": "a.b.Dense"}]'), "modules.json: Dense is not supported"),
        (_more_pieces, "tokenizer.json: knows more pieces than model.safetensors"),
        (_own_as_a_folder, "encoder.npz: cannot be read: Is a directory"),
        (_short, "it ends too early"),
        (_wild, "not all numbers are finite"),
    ],
)
def test_a_folder_that_cannot_be_used_says_why(tmp_path: Path, spoil: Any, complaint: str) -> None:
    """The complaint names the file and what is wrong with it."""
    path = networks.folder(tmp_path / "model")
    spoil(path)
    found = encoders.find("model", tmp_path)
    assert found is not None
    assert complaint in found.complaint()
    assert str(path) in found.complaint()
    assert encoders.check("model", tmp_path) == found.complaint()


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"num_hidden_layers": 3}, "holds no 'encoder.layer.2.attention.self.query.weight'"),
        ({"num_attention_heads": 5}, "24 numbers a piece do not fit 5 heads"),
        ({"num_attention_heads": 0}, "damaged, or not what config.json says"),
        ({"layer_norm_eps": "small"}, "layer_norm_eps is missing or wrong"),
    ],
)
def test_a_configuration_of_another_network_is_noticed(tmp_path: Path, changes: dict[str, Any], complaint: str) -> None:
    """Sizes that do not fit the weights are told as such."""
    networks.folder(tmp_path / "model", **changes)
    found = encoders.find("model", tmp_path)
    assert found is not None
    assert complaint in found.complaint()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A misspelt name is a missing folder."""
    found = encoders.find("modle", tmp_path)
    assert found is not None
    assert f"{tmp_path / 'modle'}: there is no such folder" in found.complaint()


def test_a_missing_extra_is_named_with_its_command(tmp_path: Path) -> None:
    """Without the package `tokenizers` a folder cannot be read, and the complaint says how to install it."""
    networks.folder(tmp_path / "model")
    held = sys.modules.pop("tokenizers")
    sys.modules["tokenizers"] = None  # type: ignore[assignment]
    try:
        found = encoders.find("model", tmp_path)
        assert found is not None
        assert "pip install 'geopolitical-monitor[multilingual]'" in found.complaint()
    finally:
        sys.modules["tokenizers"] = held


@pytest.mark.parametrize("content", [b"", b"no archive", networks.weights()[:-400], networks.weights()[:3000]])
def test_damaged_weights_are_said_once_and_words_go_on(tmp_path: Path, logged: list[Any], content: bytes) -> None:
    """However often it is asked, one line is logged, and no text has a meaning."""
    (tmp_path / "encoder.npz").write_bytes(content)
    found = encoders.find(".", tmp_path)
    assert found is not None
    for _ in range(3):
        assert found.encode_all([TEXT, "Peru"]) == [None, None]
    assert [event["event"] for event in logged] == ["encoder_unusable"]
    assert "the encoder's weights are damaged" in found.complaint()


def test_an_encoder_that_fails_later_is_given_up(tmp_path: Path, logged: list[Any]) -> None:
    """What it raises stops no entry, and is logged with its traceback."""
    (tmp_path / "encoder.npz").write_bytes(networks.weights())
    found = encoders.find(".", tmp_path)
    assert found is not None
    assert found.complaint() == ""
    found._held = _Failing()
    assert found.encode_all([TEXT]) == [None]
    assert found.encode_all(["Peru"]) == [None]
    assert "it fails (ValueError: poison)" in found.complaint()
    assert [event["event"] for event in logged] == ["encoder_raised", "encoder_unusable"]


def test_an_encoder_that_fails_at_its_reading_is_given_up(tmp_path: Path, logged: list[Any]) -> None:
    """Even what nobody thought of stops neither a start nor an entry."""
    path = networks.folder(tmp_path / "model")
    text = (path / "tokenizer.json").read_text(encoding="utf-8")
    (path / "tokenizer.json").write_text(re.sub(r'("unk_token": *")', r"\1no ", text), encoding="utf-8")
    found = encoders.find("model", tmp_path)
    assert found is not None
    assert found.encode_all([TEXT]) == [None]
    assert [event["event"] for event in logged] == ["encoder_raised", "encoder_unusable"]
    assert "it fails" in found.complaint()


def test_the_same_files_are_read_once(tmp_path: Path) -> None:
    """A reload of the configuration gives the encoder that is there; other weights give another one."""
    (tmp_path / "encoder.npz").write_bytes(networks.weights())
    one = encoders.find(".", tmp_path)
    assert one is not None
    assert encoders.find(".", tmp_path) is one
    (tmp_path / "encoder.npz").write_bytes(networks.weights(more=np.zeros(9)))
    other = encoders.find(".", tmp_path)
    assert other is not None
    assert other is not one
    assert other.fingerprint != one.fingerprint != ""


def test_what_was_given_up_is_tried_again_at_a_reload(tmp_path: Path) -> None:
    """What it lacked, such as a package, may be there now though its files are the same."""
    (tmp_path / "encoder.npz").write_bytes(b"damaged")
    one = encoders.find(".", tmp_path)
    assert one is not None
    assert one.complaint() != ""
    assert encoders.find(".", tmp_path) is not one


def test_a_text_is_encoded_once(tmp_path: Path) -> None:
    """The same headline a thousand times costs one; only so many are remembered."""
    (tmp_path / "encoder.npz").write_bytes(networks.weights())
    found = encoders.find(".", tmp_path)
    assert found is not None
    assert found.complaint() == ""
    counting = networks.Counting()
    found._held = counting
    for _ in range(1000):
        assert found.encode_all([TEXT])[0] is not None
    assert counting.asked == [TEXT]
    found.encode_all([str(number) for number in range(3000)])
    assert len(found._remembered) == 2048


class _Failing:
    fingerprint = "failing"

    def encode_all(self, _texts: object) -> list[Any]:
        raise ValueError("poison")


@pytest.mark.parametrize(("value", "threads"), [(None, "1"), ("3", "3")])
def test_numbers_are_multiplied_on_one_thread(value: str | None, threads: str) -> None:
    """A thread for each core would wait busily for the others; whoever sets the variable gets more."""
    told = {name: held for name, held in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    told |= {"OPENBLAS_NUM_THREADS": value} if value else {}
    program = "import monitor, os; print(os.environ['OPENBLAS_NUM_THREADS'])"
    done = subprocess.run([sys.executable, "-c", program], env=told, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == threads


def test_the_encoder_is_read_when_something_is_compared(tmp_path: Path, logged: list[Any]) -> None:
    """An entry that matches no rule is explained without it; for one that matches, what is wrong with it is told."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "encoder.npz").write_bytes(b"damaged")
    set_up(tmp_path, config=f'{SMALL_CONFIG}[stories]\nencoder = "model"\n')
    assert monitor("explain", "Weather is fine", folder=tmp_path).status == 0
    assert logged == []
    assert monitor("explain", "Ministry threatens sanctions", folder=tmp_path).status == 0
    assert [event["event"] for event in logged] == ["encoder_unusable"]
