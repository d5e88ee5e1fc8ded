"""The best k of a stream of score blocks, for many queries at once, exactly.

For each query a row of `width` places holds its candidates. A block's scores are compared with
the row's threshold (its k-th best so far) in one vectorised pass; what passes is appended, and
a full row is cut back to its best k. Ties at the cut follow the ranking order, so the result is
that of sorting everything.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.errors import EvaluationError
from benchmarks.evaluation.ranking import ranking_order
from benchmarks.interfaces import FloatArray

_NONE = -1


class TopK:
    """Keeps the best `depth` positions of each of `queries` rows.

    `ranks` [documents] orders the document ids: the tie-break, by position.
    """

    def __init__(self, queries: int, depth: int, ranks: NDArray[np.int32]) -> None:
        self.depth = depth
        self.ranks = ranks
        self._width = 2 * depth + 64
        self._scores: FloatArray = np.full((queries, self._width), -np.inf, dtype=np.float32)
        self._positions = np.full((queries, self._width), _NONE, dtype=np.int64)
        self._filled = np.zeros(queries, dtype=np.int64)
        # The lowest finite number: -inf, "not a candidate", never passes.
        self._threshold: FloatArray = np.full(queries, np.finfo(np.float32).min, dtype=np.float32)

    def offer(self, scores: FloatArray, start: int) -> None:
        """Consider `scores` [queries, block] of the documents `start` to `start` + block.

        -inf means "not a candidate". Raises `EvaluationError` for not-a-number.
        """
        if np.isnan(scores.min()):
            raise EvaluationError("a score is not a number; the encoder that gave it is at fault")
        if self._first(scores):
            threshold = _kth_largest(scores, self.depth)
            np.maximum(self._threshold, threshold, out=self._threshold)
        # One-dimensional nonzero and a division are several times faster than nonzero by rows.
        flat = np.flatnonzero(scores >= self._threshold[:, None])
        rows, columns = np.divmod(flat, scores.shape[1])
        values = scores.reshape(-1)[flat]
        counts = np.bincount(rows, minlength=len(self._filled))
        overfull = counts > self._width - self.depth
        if overfull.any():
            # More ties at the threshold than a row has places: cut these rows by sorting them.
            self._offer_by_sorting(scores, start, np.flatnonzero(overfull))
            keep = ~overfull[rows]
            rows, columns, values = rows[keep], columns[keep], values[keep]
            counts[overfull] = 0
        full = self._filled + counts > self._width
        if full.any():
            self._cut(np.flatnonzero(full))
        offsets = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        places = self._filled[rows] + offsets
        self._scores[rows, places] = values
        self._positions[rows, places] = columns + start
        self._filled += counts

    def finish(self) -> list[tuple[NDArray[np.int64], FloatArray]]:
        """For each query the positions and scores of its best documents, in the ranking order."""
        results = []
        for row in range(len(self._filled)):
            scores = self._scores[row, : self._filled[row]]
            positions = self._positions[row, : self._filled[row]]
            real = scores > -np.inf
            scores, positions = scores[real], positions[real]
            best = ranking_order(scores, self.ranks[positions])[: self.depth]
            results.append((positions[best], scores[best]))
        return results

    def _first(self, scores: FloatArray) -> bool:
        return scores.shape[1] > self.depth and bool((self._filled == 0).any())

    def _cut(self, rows: NDArray[np.intp]) -> None:
        """Cut rows back to their best `depth`, and raise their thresholds to the last of them."""
        scores, positions = self._scores[rows], self._positions[rows]
        best = np.argpartition(scores, self._width - self.depth, axis=1)[:, self._width - self.depth :]
        kept = np.take_along_axis(scores, best, axis=1)
        lowest = kept.min(axis=1)
        tied = (scores == lowest[:, None]).sum(axis=1) > (kept == lowest[:, None]).sum(axis=1)
        for row in np.flatnonzero(tied):
            best[row] = ranking_order(scores[row], self.ranks[positions[row]])[: self.depth]
        self._scores[rows, : self.depth] = np.take_along_axis(scores, best, axis=1)
        self._positions[rows, : self.depth] = np.take_along_axis(positions, best, axis=1)
        self._scores[rows, self.depth :] = -np.inf
        self._positions[rows, self.depth :] = _NONE
        self._filled[rows] = self.depth
        self._threshold[rows] = np.maximum(self._threshold[rows], lowest)

    def _offer_by_sorting(self, scores: FloatArray, start: int, rows: NDArray[np.intp]) -> None:
        for row in rows:
            filled = self._filled[row]
            candidates = np.flatnonzero(scores[row] > -np.inf)
            values = np.concatenate([self._scores[row, :filled], scores[row, candidates]])
            positions = np.concatenate([self._positions[row, :filled], candidates + start])
            best = ranking_order(values, self.ranks[positions])[: self.depth]
            self._filled[row] = len(best)
            self._scores[row, : len(best)] = values[best]
            self._positions[row, : len(best)] = positions[best]
            self._scores[row, len(best) :] = -np.inf
            self._positions[row, len(best) :] = _NONE
            if len(best) == self.depth:
                self._threshold[row] = values[best[-1]]


def _kth_largest(scores: FloatArray, k: int) -> FloatArray:
    at = scores.shape[1] - k
    largest: FloatArray = np.partition(scores, at, axis=1)[:, at]
    return largest
