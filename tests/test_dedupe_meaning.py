"""The sentence encoder, with a made-up network of two layers: its arithmetic, how it cuts words, damaged weights."""

import numpy as np
import pytest

from monitor import dedupe, model
from monitor.dedupe import decide, meaning
from monitor.dedupe.pieces import WordPieces
from tests import builders
from tests.networks import PIECES, WIDTH, weights


@pytest.fixture(scope="module")
def encoder() -> dedupe.Encoder:
    """Return the small encoder."""
    return dedupe.Encoder(weights())


def test_a_meaning_has_length_one_and_is_always_the_same(encoder: dedupe.Encoder) -> None:
    """The same text gives the same vector."""
    one, again = encoder.encode("Earthquake in Peru"), encoder.encode("Earthquake in Peru")
    assert one is not None
    assert again is not None
    assert np.linalg.norm(one) == pytest.approx(1.0, abs=2e-3)
    assert np.array_equal(one, again)


def test_other_words_and_another_order_mean_something_else(encoder: dedupe.Encoder) -> None:
    """Places count: a text is no bag of words."""
    one, turned, other = encoder.encode_all(["quake in peru", "peru in quake", "tax cut"])
    assert one is not None
    assert turned is not None
    assert other is not None
    assert float(one @ other) < 0.999
    assert float(one @ turned) < 0.99999


def test_words_are_cut_into_the_longest_known_pieces(encoder: dedupe.Encoder) -> None:
    """Case and accents do not count, marks stand alone, and a word that is not covered is one unknown piece."""
    names = [PIECES[number] for number in WordPieces(PIECES).cut("Éarthquake, in\tPERU's zzz \u200btax中")]
    assert names == ["[CLS]", "earth", "##quake", ",", "in", "peru", "'", "s", "[UNK]", "tax", "[UNK]", "[SEP]"]


@pytest.mark.parametrize("text", ["", " ", "...", "中文", "z" * 50_000, "zzz yyy", "p e r u", "\ud800"])
def test_what_holds_nothing_known_has_no_meaning(encoder: dedupe.Encoder, text: str) -> None:
    """Vectors of marks, unknown words and single letters would resemble each other whatever the texts say."""
    assert encoder.encode(text) is None


def test_only_the_head_of_a_text_is_read(encoder: dedupe.Encoder) -> None:
    """50 kB of text cost no more than 94 pieces."""
    assert len(WordPieces(PIECES).cut("quake " * 9000)) == 96
    assert np.array_equal(encoder.encode("quake " * 94), encoder.encode("quake " * 9000))  # type: ignore[arg-type]


def test_many_texts_mean_what_each_means_alone(encoder: dedupe.Encoder) -> None:
    """Texts that are encoded together do not look at each other, and come back in their order."""
    texts = ["Quake in Peru", "", *(f"{'tax cut, ' * n}quake" for n in range(1, 20)), "Peru"]
    for text, sense in zip(texts, encoder.encode_all(texts), strict=True):
        alone = encoder.encode(text)
        if alone is None or sense is None:
            assert text == ""
        else:
            assert np.allclose(alone, sense, atol=2e-3)


def test_a_meaning_that_is_stored_comes_back_as_it_was(encoder: dedupe.Encoder) -> None:
    """A restart changes no decision, and a meaning takes one byte a number and four more."""
    sense = encoder.encode("Quake in Peru")
    assert sense is not None
    assert len(dedupe.packed(sense)) == WIDTH + 4
    assert np.array_equal(meaning.unpacked(dedupe.packed(sense)), sense)


@pytest.mark.parametrize("wild", [np.nan, np.inf])
def test_numbers_that_run_wild_are_damage(wild: float) -> None:
    """Weights that are not finite are refused."""
    with pytest.raises(ValueError, match="not all numbers are finite"):
        dedupe.Encoder(weights(**{"norm.bias": np.full(WIDTH, wild, np.float32)}))


def test_numbers_that_grow_beyond_measure_mean_nothing() -> None:
    """A text whose numbers overflow on their way has no meaning, and no warning is raised."""
    wild = dedupe.Encoder(weights(**{"layer1.norm2.weight": np.full(WIDTH, 3e38, np.float32)}))
    assert wild.encode_all(["Quake in Peru"]) == [None]


@pytest.mark.parametrize("damaged", [b"", b"PK\x03\x04", weights()[:-400], weights(layers=np.array(3))])
def test_damaged_weights_are_one_error(damaged: bytes) -> None:
    """Whoever loads them can fall back to words."""
    with pytest.raises(ValueError, match="the encoder's weights are damaged"):
        dedupe.Encoder(damaged)


def test_the_curve_between_the_layers_is_the_gaussian_one() -> None:
    """X times Phi(x), at points from tables of the normal distribution."""
    points = np.array([-3.0, -1.0, 0.0, 1.0, 3.0], np.float32)
    expected = np.array([-0.004050, -0.158655, 0.0, 0.841345, 2.995950])
    assert meaning._gelu(points) == pytest.approx(expected, abs=2e-6)


def test_meaning_is_mixed_in_only_where_both_sides_have_it(encoder: dedupe.Encoder) -> None:
    """A story that was learned without an encoder is compared by its words, on the same scale."""
    one = builders.an_entry(title="Earthquake in Peru", summary="", url="https://one.example/1")
    other = builders.an_entry(title="Quake in Peru", summary="", url="https://two.example/2")
    index = dedupe.Index(window=builders.NOON - builders.NOON.replace(day=14))
    index.add(1, dedupe.profile(one))
    plain = index.assign(dedupe.profile(other, encoder=encoder), builders.NOON)
    assert "meaning" not in plain.features
    index.add(1, dedupe.profile(one, encoder=encoder))
    index.add(1, dedupe.profile(one, encoder=encoder))
    mixed = index.assign(dedupe.profile(other, encoder=encoder), builders.NOON)
    assert 0.0 <= mixed.features["meaning"] <= 1.0
    assert mixed.story_id == 1


def test_merged_stories_mean_what_both_meant(encoder: dedupe.Encoder) -> None:
    """The centroid of a merged story lies between those of the two."""
    index = dedupe.Index(window=builders.NOON - builders.NOON.replace(day=14))
    profiles = [
        dedupe.profile(builders.an_entry(title=title, summary=""), encoder=encoder)
        for title in ("Quake in Peru", "Tax cut")
    ]
    for number, profile in enumerate(profiles, start=1):
        index.add(number, profile)
    index.merge(2, 1)
    held = index._stories[1].meanings
    assert held is not None
    assert profiles[0].sense is not None
    assert profiles[1].sense is not None
    assert np.allclose(held.total, profiles[0].sense + profiles[1].sense)


def test_both_scales_share_their_bounds() -> None:
    """What is at a bound with meaning mixed in is at the same bound without."""
    both = decide.bounds(0.5)
    for words, mixed, bound in zip(decide._WORDS_BOUNDS, decide._MIXED_BOUNDS, (both.join, both.same), strict=True):
        assert decide._scaled(words, None, 0.0) == pytest.approx(bound)
        assert decide._scaled(mixed, mixed, 0.0) == pytest.approx(bound)


def test_a_known_story_has_a_meaning_too(encoder: dedupe.Encoder) -> None:
    """Known stories are encoded by their title and lead."""
    seed = model.Seed("a.txt", "Quake in Peru", "A quake.\n\nMuch else.", "f")
    profile, expected = dedupe.seed_profile(seed, encoder=encoder), encoder.encode("Quake in Peru. A quake.")
    assert profile.sense is not None
    assert expected is not None
    assert np.array_equal(profile.sense, expected)
