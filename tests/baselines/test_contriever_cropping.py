"""Contriever's views: where crops come from, how long they are, what is done to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from baselines.contriever.cropping import (
    VIEWS,
    Chunks,
    Views,
    crops,
    deleted,
    inverse_cloze,
    masked,
    replaced,
    span,
)
from baselines.training.wordpiece import SPECIAL
from benchmarks.storage.cache import Cache
from tests.baselines.articles import places, tokenizer, words_of, written

LENGTHS = (1, 40, 300, 2, 900)
SHARES = (0.05, 0.5)
Draw = Callable[[np.random.Generator], Any]


@pytest.fixture
def pieces() -> Any:
    """A tokenizer that knows the articles' words."""
    return tokenizer(words_of(LENGTHS))


@pytest.fixture
def chunks(pieces: Any, monkeypatch: pytest.MonkeyPatch, cache: Cache) -> Chunks:
    """Chunks of 256 tokens."""
    return Chunks([written("one", LENGTHS, pieces, monkeypatch, cache)], 256)


def test_a_chunk_is_consecutive_tokens_of_one_article(chunks: Chunks, pieces: Any) -> None:
    """256 of them, or the whole article; an article of one token is never drawn."""
    rng = np.random.default_rng(0)
    for _ in range(500):
        found = places(chunks.draw(rng), pieces)
        article, first = found[0]
        assert found == [(article, first + place) for place in range(min(256, LENGTHS[article]))]
        assert article > 0


def test_articles_are_drawn_by_their_tokens_and_chunks_begin_anywhere(chunks: Chunks, pieces: Any) -> None:
    """Of 20,000 chunks each article has its share, and so have the begin, the middle and the end of the longest."""
    rng = np.random.default_rng(1)
    starts = [places(chunks.draw(rng)[:1], pieces)[0] for _ in range(20_000)]
    total = sum(length for length in LENGTHS if length > 1)
    counts = Counter(article for article, _ in starts)
    for article, length in enumerate(LENGTHS[1:], start=1):
        assert counts[article] / 20_000 == pytest.approx(length / total, abs=0.015), article
    begun = np.array([place for article, place in starts if article == 4])
    assert (begun.min(), begun.max()) == (0, 900 - 256)
    thirds = np.histogram(begun, bins=3)[0] / len(begun)
    np.testing.assert_allclose(thirds, 1 / 3, atol=0.02)


def test_corpora_are_drawn_uniformly_whatever_their_size(
    pieces: Any, monkeypatch: pytest.MonkeyPatch, cache: Cache
) -> None:
    """The first is a thousand tokens, the second ten: each gives half of the chunks."""
    names = (("large", (0, 0, 0, 0, 900)), ("small", (10,)))
    drawn = Chunks([written(name, sizes, pieces, monkeypatch, cache) for name, sizes in names], 256)
    rng = np.random.default_rng(2)
    lengths = Counter(len(drawn.draw(rng)) for _ in range(4_000))
    assert lengths[10] / 4_000 == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("draw", VIEWS.values(), ids=list(VIEWS))
def test_a_span_is_between_a_twentieth_and_a_half_of_its_chunk(
    draw: Callable[..., Views], chunks: Chunks, pieces: Any
) -> None:
    """Lengths of the query are uniform between 13 and 128 of 256; the tokens are consecutive."""
    rng = np.random.default_rng(3)
    chunk = np.arange(5, 261, dtype=np.int32)
    lengths = []
    for _ in range(8_000):
        query, _ = draw(chunk, SHARES, rng)
        assert (np.diff(query) == 1).all()
        lengths.append(len(query))
    assert (min(lengths), max(lengths)) == (13, 128)
    assert np.mean(lengths) == pytest.approx(0.275 * 256, rel=0.02)
    quarters = np.histogram(lengths, bins=4)[0] / len(lengths)
    np.testing.assert_allclose(quarters, 1 / 4, atol=0.02)


def test_the_two_crops_are_independent() -> None:
    """Neither their lengths nor their begins are correlated, and they overlap as often as two such spans do."""
    rng, other = np.random.default_rng(4), np.random.default_rng(5)
    chunk = np.arange(256, dtype=np.int32)
    pairs = [crops(chunk, SHARES, rng) for _ in range(6_000)]
    lengths = np.array([[len(first), len(second)] for first, second in pairs])
    begins = np.array([[first[0], second[0]] for first, second in pairs])
    for values in (lengths, begins):
        assert abs(np.corrcoef(values.T)[0, 1]) < 0.05
    spans = [(span(256, SHARES, other), span(256, SHARES, other)) for _ in range(6_000)]
    alone = np.mean([max(a.start, b.start) < min(a.stop, b.stop) for a, b in spans])
    together = np.mean([len(np.intersect1d(first, second)) > 0 for first, second in pairs])
    assert together == pytest.approx(alone, abs=0.03)


@given(length=st.integers(2, 400), seed=st.integers(0, 1_000))
def test_the_key_of_the_cloze_task_is_what_the_query_leaves(length: int, seed: int) -> None:
    """Every token of the chunk is in one of the two, in order, and neither is empty."""
    chunk = np.arange(length, dtype=np.int32)
    query, key = inverse_cloze(chunk, SHARES, np.random.default_rng(seed))
    assert len(query) > 0 and len(key) > 0
    np.testing.assert_array_equal(np.sort(np.concatenate([query, key])), chunk)
    assert (np.diff(key) > 0).all()


def test_a_tenth_is_deleted_and_the_order_stays() -> None:
    """Each token on its own; something is always left."""
    rng = np.random.default_rng(6)
    ids = np.arange(100, 20_100, dtype=np.int32)
    found = deleted(ids, 0.1, None, rng)
    assert len(found) / len(ids) == pytest.approx(0.9, abs=0.01)
    assert (np.diff(found) > 0).all()
    assert all(len(deleted(ids[:2], 0.99, None, rng)) >= 1 for _ in range(200))
    halves = np.array(
        [
            [7 in (gone := deleted(np.array([7, 8], np.int32), 0.5, None, rng)), 8 in gone]
            for _ in range(4_000)
        ]
    )
    assert halves[:, 0].mean() == pytest.approx(halves[:, 1].mean(), abs=0.04)


def test_a_tenth_is_masked_and_the_rest_stays(pieces: Any) -> None:
    """[MASK] and nothing else."""
    ids = np.resize(np.arange(5, 500, dtype=np.int32), 20_000)
    found = masked(ids, 0.1, pieces, np.random.default_rng(7))
    changed = found != ids
    assert changed.mean() == pytest.approx(0.1, abs=0.01)
    assert set(found[changed]) == {pieces.mask_token_id}


def test_a_tenth_is_replaced_by_any_ordinary_piece(pieces: Any) -> None:
    """By no special one; every part of the vocabulary is as likely as another."""
    ids = np.full(60_000, 5, dtype=np.int32)
    found = replaced(ids, 0.1, pieces, np.random.default_rng(8))
    changed = found[found != ids]
    assert len(changed) / len(ids) == pytest.approx(0.1, abs=0.01)
    assert changed.min() >= len(SPECIAL) and changed.max() == len(pieces) - 1
    np.testing.assert_allclose(np.histogram(changed, bins=5)[0] / len(changed), 0.2, atol=0.03)


@pytest.mark.parametrize("change", [deleted, masked, replaced])
def test_a_chunk_is_not_changed_by_what_is_made_of_it(change: Any, pieces: Any) -> None:
    """The corpus is memory-mapped and shared: views are copies."""
    ids = np.arange(5, 205, dtype=np.int32)
    change(ids, 0.5, pieces, np.random.default_rng(9))
    np.testing.assert_array_equal(ids, np.arange(5, 205))
