"""Late interaction: MaxSim over ragged documents, end to end and as a re-ranker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.errors import EvaluationError
from benchmarks.evaluation.ranking import rank
from benchmarks.interfaces import Document, FloatArray, Query
from benchmarks.retrieval.late import LateInteraction
from benchmarks.retrieval.maxsim import maxsim


def slowly(query: FloatArray, document: FloatArray) -> float:
    """MaxSim as a triple loop."""
    total = 0.0
    for word in query:
        best = -np.inf
        for token in document:
            best = max(best, sum(float(a) * float(b) for a, b in zip(word, token, strict=True)))
        total += best
    return total


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=3),
    st.lists(st.integers(1, 5), min_size=1, max_size=6),
    st.integers(0, 99),
)
def test_maxsim_is_a_triple_loop(queries: list[int], lengths: list[int], seed: int) -> None:
    """Ragged queries against ragged documents, every pair."""
    generator = np.random.default_rng(seed)
    asked = [generator.standard_normal((rows, 4), dtype=np.float32) for rows in queries]
    documents = [generator.standard_normal((rows, 4), dtype=np.float32) for rows in lengths]
    found = maxsim(asked, np.concatenate(documents), np.array(lengths))
    expected = [[slowly(query, document) for document in documents] for query in asked]
    np.testing.assert_allclose(found, expected, atol=1e-4)


class Ragged:
    """An encoder of one to nine vectors a text, drawn from its length."""

    token_vectors = "float32"

    @property
    def protocol(self) -> Mapping[str, Any]:
        """Its name."""
        return {"model": "ragged"}

    def encode_queries(self, texts: Sequence[str]) -> list[FloatArray]:
        """A matrix a text."""
        return [self._matrix(text) for text in texts]

    def encode_documents(self, documents: Sequence[Document]) -> list[FloatArray]:
        """A matrix a document."""
        return [self._matrix(document.text) for document in documents]

    def _matrix(self, text: str) -> FloatArray:
        generator = np.random.default_rng(list(text.encode()))
        return generator.standard_normal((1 + len(text) % 9, 8), dtype=np.float32)


class Half(Ragged):
    """The same, kept in half precision."""

    token_vectors = "float16"


class Empty(Ragged):
    """An encoder that gives no vector for some text."""

    def _matrix(self, text: str) -> FloatArray:
        return super()._matrix(text)[: len(text) % 2]


DOCUMENTS = [Document(f"d{number}", "", "x" * (number % 23) + str(number)) for number in range(3000)]
QUERIES = [Query(f"q{number}", f"query {number}") for number in range(20)]


def test_search_is_scoring_every_document(tmp_path: Path) -> None:
    """Two shards, several blocks, more queries than go together: the best ten of all pairs scored one by one."""
    retriever = LateInteraction(Ragged())
    retriever.index(DOCUMENTS, tmp_path)
    found = retriever.search(QUERIES, 10)
    matrices = [Ragged().encode_documents([document])[0] for document in DOCUMENTS]
    for query, ranking in zip(QUERIES[:3] + QUERIES[-1:], found[:3] + found[-1:], strict=True):
        words = Ragged().encode_queries([query.text])[0]
        scores = np.array([(words @ matrix.T).max(axis=1).sum() for matrix in matrices], dtype=np.float32)
        expected = rank([document.id for document in DOCUMENTS], scores, 10)
        assert ranking.ids == expected.ids
        np.testing.assert_allclose(ranking.scores, expected.scores, rtol=1e-5)


def test_scores_of_candidates_are_those_of_search(tmp_path: Path) -> None:
    """Re-ranking what search found changes nothing; unknown ids score -inf; no candidates, no scores."""
    retriever = LateInteraction(Ragged())
    retriever.index(DOCUMENTS, tmp_path)
    found = retriever.search(QUERIES, 50)
    scores = retriever.score(QUERIES, [ranking.ids for ranking in found])
    for ranking, row in zip(found, scores, strict=True):
        np.testing.assert_allclose(row, ranking.scores, rtol=1e-5)
    assert retriever.score(QUERIES[:2], [["nobody"], []])[0][0] == -np.inf
    assert len(retriever.score(QUERIES[:1], [[]])[0]) == 0


def test_an_index_is_opened_without_documents_and_weighs_what_it_says(tmp_path: Path) -> None:
    """A second instance reads no document; half precision takes half the bytes of the vectors."""
    sizes = []
    for kind in (Ragged, Half):
        retriever = LateInteraction(kind())
        retriever.index(DOCUMENTS, tmp_path / kind.__name__)
        again = LateInteraction(kind())
        again.index((), tmp_path / kind.__name__)
        assert [r.ids for r in again.search(QUERIES, 5)] == [r.ids for r in retriever.search(QUERIES, 5)]
        sizes.append(retriever.index_bytes())
    vectors = sum(len(matrix) for matrix in Ragged().encode_documents(DOCUMENTS)) * 8
    assert sizes[0] - sizes[1] == pytest.approx(2 * vectors, abs=1024)


def test_a_text_without_a_vector_is_refused(tmp_path: Path) -> None:
    """MaxSim over nothing has no value; the encoder is told so."""
    with pytest.raises(EvaluationError, match="no vector"):
        LateInteraction(Empty()).index(DOCUMENTS[:10], tmp_path)
