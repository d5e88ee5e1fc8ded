"""The one function that turns scores into ranks.

Every list of documents in the bench, inside an index or in a report, is in this order:
score descending, then document id ascending. trec_eval orders ties by id descending, the
MS MARCO script by input position; with one order there is nothing left to break.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.errors import EvaluationError
from benchmarks.interfaces import FloatArray, Ranking


def ranking_order(scores: NDArray[np.floating[Any]], keys: NDArray[Any]) -> NDArray[np.intp]:
    """The positions of `scores` [n], best first: score descending, then `keys` [n] ascending.

    `keys` are document ids, or integers that order as the ids do. Scores are float32 or wider;
    raises `EvaluationError` for narrower ones (float16 makes ties) and for not-a-number.
    """
    if scores.dtype.itemsize < 4:
        raise EvaluationError(f"scores of type {scores.dtype} cannot be ranked; use float32 or wider")
    if np.isnan(scores).any():
        raise EvaluationError("a score is not a number; the retriever that gave it is at fault")
    return np.lexsort((keys, -scores))


def rank(ids: Sequence[str], scores: NDArray[np.floating[Any]], depth: int | None = None) -> Ranking:
    """The ranking of `ids` [n] by `scores` [n], cut at `depth`."""
    as_float = np.asarray(scores)
    if as_float.dtype != np.float32:
        as_float = as_float.astype(np.float32)
    if len(as_float) > 1 and not (as_float[:-1] > as_float[1:]).all():
        order = ranking_order(as_float, np.asarray(ids))[:depth]
        return Ranking([ids[i] for i in order.tolist()], as_float[order])
    if np.isnan(as_float).any():
        raise EvaluationError("a score is not a number; the retriever that gave it is at fault")
    return Ranking(list(ids[:depth]), as_float[:depth])


def without(ranking: Ranking, document: str, depth: int) -> Ranking:
    """The ranking without one document, cut at `depth`: the self-match rule of ArguAna and Quora."""
    if document not in ranking.ids:
        return Ranking(ranking.ids[:depth], ranking.scores[:depth])
    at = ranking.ids.index(document)
    scores: FloatArray = np.delete(ranking.scores, at)
    return Ranking((ranking.ids[:at] + ranking.ids[at + 1 :])[:depth], scores[:depth])
