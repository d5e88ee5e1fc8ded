"""The blocked top-k: the same as sorting everything."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from benchmarks.errors import EvaluationError
from benchmarks.retrieval.topk import TopK


@settings(max_examples=200, deadline=None)
@given(
    st.data(),
    st.integers(1, 4),
    st.integers(1, 400),
    st.integers(1, 60),
    st.integers(1, 120),
    st.integers(1, 400),
)
def test_equals_sorting_everything(
    data: st.DataObject, queries: int, documents: int, depth: int, block: int, levels: int
) -> None:
    """Any block size, any depth, many ties or few, documents that are no candidates: the ranking order's best."""
    scores = data.draw(
        arrays.arrays(np.int64, (queries, documents), elements=st.integers(-1, levels), fill=st.nothing())
        if documents < 40
        else st.builds(
            lambda seed: np.random.default_rng(seed).integers(-1, levels, (queries, documents)),
            st.integers(0, 999),
        )
    ).astype(np.float32)
    scores[scores == -1] = -np.inf
    ranks = np.random.default_rng(documents).permutation(documents).astype(np.int32)
    best = TopK(queries, depth, ranks)
    for start in range(0, documents, block):
        best.offer(scores[:, start : start + block], start)
    for row, (positions, found) in zip(scores, best.finish(), strict=True):
        expected = sorted(
            (i for i in range(documents) if row[i] > -np.inf), key=lambda i: (-row[i], ranks[i])
        )[:depth]
        assert positions.tolist() == expected
        assert found.tolist() == row[expected].tolist()


def test_not_a_number_is_refused() -> None:
    """NaN in a block is the encoder's fault, and is said."""
    best = TopK(1, 3, np.arange(5, dtype=np.int32))
    with pytest.raises(EvaluationError, match="not a number"):
        best.offer(np.array([[1, np.nan, 2, 3, 4]], dtype=np.float32), 0)
