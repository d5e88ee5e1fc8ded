"""Candidates among real token vectors: MiniLM's, of the MS MARCO passages that systems of TREC DL 2019 found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from baselines.minilm import CHECKPOINT
from benchmarks.collections.collection import open_collection
from benchmarks.retrieval.latekeys import late_interaction
from benchmarks.spec import IndexKey
from benchmarks.storage.cache import Cache
from tests.retrieval.minilm_tokens import MiniLMTokens


@pytest.mark.slow
def test_candidates_hold_the_exact_ten_best(
    needs: Callable[[str], str], cache: Cache, tmp_path: Path
) -> None:
    """At the default setting, 99 in 100 of the passages that exact MaxSim puts among its ten best are found."""
    if lacking := CHECKPOINT.missing():
        pytest.skip(lacking)
    collection = open_collection(needs("trec-dl-pool/dl19"), cache)
    best = []
    for key in (None, IndexKey("IVF1024,PQ16")):
        retriever = late_interaction(MiniLMTokens(), key, 0)
        retriever.index(collection.documents(), tmp_path)
        best.append([set(ranking.ids) for ranking in retriever.search(collection.queries(), 10)])
    assert np.mean([len(a & b) / 10 for a, b in zip(*best, strict=True)]) >= 0.99
