"""Late interaction: MaxSim over ragged documents, end to end and as a re-ranker."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.errors import EvaluationError
from benchmarks.evaluation.ranking import rank
from benchmarks.interfaces import Document, FloatArray, Query, TokenEncoder
from benchmarks.retrieval.late import LateInteraction
from benchmarks.retrieval.latekeys import late_interaction
from tests.retrieval.stubs import Half, Ragged


class Empty(Ragged):
    """An encoder that gives no vector for some text."""

    def _matrix(self, text: str) -> FloatArray:
        return super()._matrix(text)[: len(text) % 2]


DOCUMENTS = [Document(f"d{number}", "", "x" * (number % 23) + str(number)) for number in range(3000)]
QUERIES = [Query(f"q{number}", f"query {number}") for number in range(20)]


def exact(encoder: TokenEncoder) -> LateInteraction:
    """Vectors kept as the encoder says, every document scored."""
    return late_interaction(encoder, None, 0)


def test_search_is_scoring_every_document(tmp_path: Path) -> None:
    """Two shards, several blocks, more queries than go together: the best ten of all pairs scored one by one."""
    retriever = exact(Ragged())
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
    retriever = exact(Ragged())
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
        retriever = exact(kind())
        retriever.index(DOCUMENTS, tmp_path / kind.__name__)
        again = exact(kind())
        again.index((), tmp_path / kind.__name__)
        assert [r.ids for r in again.search(QUERIES, 5)] == [r.ids for r in retriever.search(QUERIES, 5)]
        sizes.append(retriever.index_bytes())
    vectors = sum(len(matrix) for matrix in Ragged().encode_documents(DOCUMENTS)) * 8
    assert sizes[0] - sizes[1] == pytest.approx(2 * vectors, abs=1024)


def test_a_text_without_a_vector_is_refused(tmp_path: Path) -> None:
    """MaxSim over nothing has no value; the encoder is told so."""
    with pytest.raises(EvaluationError, match="no vector"):
        exact(Empty()).index(DOCUMENTS[:10], tmp_path)
