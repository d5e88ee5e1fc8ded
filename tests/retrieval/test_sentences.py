"""Sentence collections as retrievers: cosines, features, and what is encoded how often."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest

from benchmarks.interfaces import Document, FloatArray, Query
from benchmarks.retrieval.sentences import LinearClassification, PairSimilarity, cosine
from tests.retrieval.stubs import HashEncoder


class Counting(HashEncoder):
    """An encoder with two towers that remembers what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.fitted: list[str] = []

    def fit(self, documents: Iterable[Document], folder: Path) -> None:
        """Remember the documents."""
        self.fitted = [document.text for document in documents]

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        """Vectors of no particular length."""
        self.asked += texts
        return super().encode_queries(texts) * 3

    def encode_documents(self, documents: Sequence[Document]) -> FloatArray:
        """The other tower."""
        raise AssertionError("sentences are encoded as queries")


PAIRS = [Document("p2", "", "a\tb"), Document("p1", "", "b\tc"), Document("p3", "", "c\tc")]


def test_pairs_are_ranked_by_cosine(tmp_path: Path) -> None:
    """Most alike first, with the cosines of the two vectors, whatever their lengths."""
    measured = PairSimilarity(Counting())
    measured.index(PAIRS, tmp_path)
    (ranking,) = measured.search([Query("all", "")], 3)
    vectors = dict(zip("abc", HashEncoder().encode_queries(list("abc")).astype(np.float64), strict=True))

    def alike(x: str, y: str) -> float:
        return float(vectors[x] @ vectors[y] / np.linalg.norm(vectors[x]) / np.linalg.norm(vectors[y]))

    expected = {"p2": alike("a", "b"), "p1": alike("b", "c"), "p3": 1.0}
    assert ranking.ids == sorted(expected, key=lambda id: -expected[id])
    assert ranking.scores.dtype == np.float32
    assert ranking.scores.tolist() == pytest.approx([expected[id] for id in ranking.ids], abs=1e-6)


def test_each_sentence_is_encoded_once(tmp_path: Path) -> None:
    """Fitted on the distinct sentences, encoded once, and not at all when the folder is finished."""
    first, second = Counting(), Counting()
    PairSimilarity(first).index(PAIRS, tmp_path)
    assert first.fitted == first.asked == ["a", "b", "c"]
    again = PairSimilarity(second)
    again.index(PAIRS, tmp_path)
    assert not second.asked
    assert again.protocol["fit"] == "the collection's sentences"
    assert "fit" not in PairSimilarity(HashEncoder()).protocol


def test_a_zero_vector_is_like_nothing() -> None:
    """No division by zero."""
    left = np.array([[0, 0], [3, 4]], dtype=np.float32)
    assert cosine(left, left).tolist() == [0.0, 1.0]


def item(part: str, number: int) -> Document:
    """A labelled pair of sentences whose label shows in neither."""
    return Document(f"{part}-{number}", f"class {number % 2}", f"{part} {number}\tother {number}")


class Features(HashEncoder):
    """One dimension: a sentence is 1 where its number is odd; the second of a pair is always 1."""

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        """float32[n, 1]."""
        odd = [1.0 if text.startswith("other") else int(text.split()[-1]) % 2 for text in texts]
        return np.array(odd, dtype=np.float32).reshape(-1, 1)


def test_a_pair_is_what_its_vectors_differ_in_and_share(tmp_path: Path) -> None:
    """|u-v| and u*v tell the classes of pairs apart; unseen pairs get their labels, with probabilities."""
    measured = LinearClassification(Features())
    measured.index([item("train", number) for number in range(40)], tmp_path)
    asked = [item("test", number) for number in range(9)]
    rankings = measured.search([Query(document.id, document.text) for document in asked], 1)
    assert [ranking.ids for ranking in rankings] == [[document.title] for document in asked]
    assert all(ranking.scores.dtype == np.float32 and 0.5 < ranking.scores[0] <= 1 for ranking in rankings)


def test_a_dev_set_is_not_learnt_from(tmp_path: Path) -> None:
    """Wrong labels in dev move the strength at most, and no label."""
    train = [item("train", number) for number in range(40)]
    dev = [
        Document(f"dev-{number}", f"class {1 - number % 2}", f"dev {number}\tother") for number in range(400)
    ]
    measured = LinearClassification(Features())
    measured.index(train + dev, tmp_path)
    assert measured.search([Query("test-1", "test 1\tother 1")], 1)[0].ids == ["class 1"]
