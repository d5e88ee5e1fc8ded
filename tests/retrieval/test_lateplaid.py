"""PLAID by fast-plaid, in an environment that has it (`nox -s plaid`)."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from benchmarks.errors import Unavailable
from benchmarks.interfaces import Document, FloatArray, Query
from benchmarks.retrieval.late import LateInteraction
from benchmarks.retrieval.latekeys import late_interaction
from benchmarks.spec import IndexKey
from tests.retrieval.stubs import Ragged

INSTALLED = find_spec("fast_plaid") is not None
needs_plaid = pytest.mark.skipif(not INSTALLED, reason="fast-plaid is not installed; `nox -s plaid` has it")
DOCUMENTS = [Document(f"d{number}", "", "x" * (number % 23) + str(number)) for number in range(3000)]
QUERIES = [Query(f"q{number}", f"query {number}") for number in range(20)]


class Unit(Ragged):
    """Vectors of length one, which is what PLAID is for."""

    def _matrix(self, text: str) -> FloatArray:
        matrix = super()._matrix(text)
        return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)


def made(key: IndexKey | None, folder: Path) -> LateInteraction:
    """A retriever of the stub's vectors, its index built in `folder`."""
    retriever = late_interaction(Unit(), key, 0)
    retriever.index(DOCUMENTS, folder)
    return retriever


@needs_plaid
def test_probing_everything_is_nearly_exact(tmp_path: Path) -> None:
    """All centroids, all documents decompressed, eight bits: its scores are MaxSim's but for what compression loses."""
    retriever = made(None, tmp_path)
    exact = retriever.search(QUERIES, 10)
    key = IndexKey("plaid8", (("n_ivf_probe", 4096), ("n_full_scores", 3000)))
    found = made(key, tmp_path).search(QUERIES, 10)
    shared = np.mean([len(set(a.ids) & set(b.ids)) / 10 for a, b in zip(exact, found, strict=True)])
    assert shared >= 0.9
    again = retriever.score(QUERIES, [ranking.ids for ranking in found])
    for ranking, scores in zip(found, again, strict=True):
        np.testing.assert_allclose(ranking.scores, scores, atol=0.05)


@needs_plaid
def test_an_index_is_opened_and_weighed(tmp_path: Path) -> None:
    """A second instance reads no document and finds the same; more bits weigh more; the documents' vectors are shared."""
    first = made(IndexKey("plaid2"), tmp_path)
    found = first.search(QUERIES, 10)
    again = late_interaction(Unit(), IndexKey("plaid2"), 0)
    again.index((), tmp_path)
    assert [ranking.ids for ranking in again.search(QUERIES, 10)] == [ranking.ids for ranking in found]
    assert made(IndexKey("plaid8"), tmp_path).index_bytes() > first.index_bytes()
    assert first.build_seconds()["index"] > 0
    assert first.index_protocol == late_interaction(Unit(), None, 0).index_protocol
    assert first.protocol["index"]["parameters"] == {"n_ivf_probe": 8, "n_full_scores": 4096}


@pytest.mark.skipif(INSTALLED, reason="fast-plaid is installed here")
def test_without_the_library_a_line_says_what_to_do() -> None:
    """Not available, and how to have it."""
    with pytest.raises(Unavailable, match="pip install"):
        assert late_interaction(Ragged(), IndexKey("plaid4"), 0).protocol
