"""The difference of two curves of training: paired by the share of the training that is done.

What a training says of one step hangs on the step before, so that steps are no independent observations. A curve is cut
into ten stretches, and their means are what is tested: ten numbers, whose signs can be exchanged in 1,024 ways.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.claims.claim import LOGARITHMS
from benchmarks.errors import EvaluationError
from benchmarks.records.record import Record

STRETCHES = 10


def curves_of(record: Record) -> Mapping[str, Sequence[Sequence[float]]]:
    """The curves of what a record's encoder was trained by; none where nothing was."""
    found: Mapping[str, Sequence[Sequence[float]]] = record.training.get("curves", {})
    return found


def curve_differences(
    better: Sequence[Record], worse: Sequence[Record], name: str, scale: str
) -> NDArray[np.float64]:
    """The difference of each stretch [stretches], of means over seeds.

    Raises `EvaluationError` for a curve of too few points, and for logarithms of what is not positive.
    """
    sides = [
        np.mean([_stretches(record, name, scale) for record in side], axis=0) for side in (better, worse)
    ]
    found: NDArray[np.float64] = sides[0] - sides[1]
    return found


def _stretches(record: Record, name: str, scale: str) -> NDArray[np.float64]:
    values = np.array([value for _, value in curves_of(record)[name]], dtype=np.float64)
    if len(values) < STRETCHES:
        raise EvaluationError(
            f"{record.spec}: the curve {name!r} has {len(values)} points; a test wants {STRETCHES}"
        )
    if scale == LOGARITHMS:
        if values.min() <= 0:
            raise EvaluationError(f"{record.spec}: the curve {name!r} is not positive, and has no logarithms")
        values = np.log10(values)
    return np.array([part.mean() for part in np.array_split(values, STRETCHES)])
