"""Verdicts on claims: supported, contradicted, inconclusive, or not run here.

A verdict is of all claims of a paper together: their p-values are adjusted by Holm's procedure. Scores of several seeds
are averaged query by query before the test; how many there were is said, since with one seed the test knows nothing of
what another would give.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from benchmarks.claims.claim import Claim, Comparison
from benchmarks.claims.correlations import Correlations, between, examined_correlations
from benchmarks.claims.curves import curve_differences, curves_of
from benchmarks.claims.testing import Tested, examined, holm
from benchmarks.errors import EvaluationError
from benchmarks.interfaces import Run
from benchmarks.records.record import Record
from benchmarks.registry import trained_leaves
from benchmarks.spec import parse

SUPPORTED, CONTRADICTED, INCONCLUSIVE, NOT_RUN = "supported", "contradicted", "inconclusive", "not run here"
LEVEL = 0.05
CORRELATION = "Spearman"

Records = Callable[[str, str], Mapping[int, Record]]
"""From spec and collection to records by seed."""
Runs = Callable[[Record], Run]
"""From a record to its run: what correlations are compared with."""


@dataclass(frozen=True)
class Outcome:
    """What became of one comparison: the test, how many seeds it is over (0: nothing was trained), on which rungs.

    `parts` are the differences on the collections of its pairs, in order. `spoilt` says which sides ended below what
    their training started from: a difference to them says nothing of a method.
    """

    comparison: Comparison
    test: Tested
    seeds: int
    rungs: tuple[str, ...]
    parts: tuple[float, ...]
    spoilt: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether the difference lies on the claim's side."""
        below = self.comparison.below
        return self.test.difference > 0 if below is None else self.test.difference < below


@dataclass(frozen=True)
class Verdict:
    """What the measurements say of a claim. `missing` are the cells that a test would want."""

    claim: Claim
    word: str
    p_value: float = 1.0
    outcomes: tuple[Outcome, ...] = ()
    missing: tuple[str, ...] = ()


def verdicts(claims: Sequence[Claim], records: Records, runs: Runs) -> list[Verdict]:
    """A verdict on each claim of a paper."""
    found: dict[str, tuple[Outcome, ...]] = {}
    missing: dict[str, tuple[str, ...]] = {}
    for claim in claims:
        lacking = tuple(dict.fromkeys(cell for one in claim.comparisons for cell in _missing(one, records)))
        if claim.comparisons and not lacking:
            found[claim.id] = tuple(_outcome(one, records, runs) for one in claim.comparisons)
        missing[claim.id] = lacking
    adjusted = dict(zip(found, holm([_p_value(outcomes) for outcomes in found.values()]), strict=True))
    return [
        Verdict(claim, _word(found[claim.id], adjusted[claim.id]), adjusted[claim.id], found[claim.id])
        if claim.id in found
        else Verdict(claim, NOT_RUN, missing=missing[claim.id])
        for claim in claims
    ]


def _p_value(outcomes: Sequence[Outcome]) -> float:
    """Of a claim of several parts: the weakest part where all hold; the strongest that does not, times their number."""
    against = [one.test.p_value for one in outcomes if not one.holds]
    if not against:
        return max(one.test.p_value for one in outcomes)
    return min(1.0, len(outcomes) * min(against))


def _word(outcomes: Sequence[Outcome], p_value: float) -> str:
    if p_value >= LEVEL or any(one.spoilt for one in outcomes):
        return INCONCLUSIVE
    return SUPPORTED if all(one.holds for one in outcomes) else CONTRADICTED


def _missing(comparison: Comparison, records: Records) -> list[str]:
    """The cells without a record of the measure."""
    lacking = []
    for pair in comparison.pairs:
        for collection in pair.collections:
            sides = {spec: _of(spec, collection, comparison, records) for spec in (pair.better, pair.worse)}
            lacking += [f"{spec} on {collection}" for spec, found in sides.items() if not found]
    return lacking


def _outcome(comparison: Comparison, records: Records, runs: Runs) -> Outcome:
    cells = [
        tuple(_of(spec, collection, comparison, records) for spec in (pair.better, pair.worse))
        for pair in comparison.pairs
        for collection in pair.collections
    ]
    seeds = [len(side) for cell in cells for side in cell if _is_trained(side[0].spec)]
    rungs = sorted({record.rung for cell in cells for side in cell for record in side})
    below = comparison.below or 0.0
    measure = comparison.measure
    if measure == CORRELATION:
        test = examined_correlations(
            [_correlations(better, worse, measure, runs) for better, worse in cells], below
        )
        parts = tuple(_mean(better, measure) - _mean(worse, measure) for better, worse in cells)
    else:
        strata = [_parts(better, worse, comparison) for better, worse in cells]
        test = examined(strata, below)
        parts = tuple(float(stratum.mean()) for stratum in strata)
    return Outcome(comparison, test, min(seeds, default=0), tuple(rungs), parts, _spoilt(comparison, records))


def _spoilt(comparison: Comparison, records: Records) -> tuple[str, ...]:
    """The sides that training left worse than it found them, where their start was measured too."""
    found = []
    for pair in comparison.pairs:
        for collection in pair.collections:
            for spec, start in pair.sides() if not comparison.curve else ():
                sides = [_of(one, collection, comparison, records) for one in (spec, start)]
                after, before = (_mean(side, comparison.measure) if side else None for side in sides)
                if after is not None and before is not None and after < before:
                    found.append(
                        f"{spec} on {collection} has {after:.4f}, and started from {start} with {before:.4f}"
                    )
    return tuple(dict.fromkeys(found))


def _correlations(
    better: Sequence[Record], worse: Sequence[Record], measure: str, runs: Runs
) -> Correlations:
    """Of the means over seeds; how alike the two rank is that of their first seeds."""
    return Correlations(
        _mean(better, measure), _mean(worse, measure), *between(runs(better[0]), runs(worse[0]))
    )


def _mean(side: Sequence[Record], measure: str) -> float:
    return fmean(record.means[measure] for record in side)


def _of(spec: str, collection: str, comparison: Comparison, records: Records) -> list[Record]:
    found = records(spec, collection).values()
    return [
        record
        for record in found
        if comparison.measure in (record.scores if not comparison.curve else curves_of(record))
    ]


def _is_trained(spec: str) -> bool:
    return bool(trained_leaves(parse(spec)))


def _parts(better: Sequence[Record], worse: Sequence[Record], comparison: Comparison) -> NDArray[np.float64]:
    """What the two differ by: query by query, or of a curve stretch by stretch."""
    if not comparison.curve:
        return _differences(better, worse, comparison.measure)
    return curve_differences(better, worse, comparison.measure, comparison.curve)


def _differences(better: Sequence[Record], worse: Sequence[Record], measure: str) -> NDArray[np.float64]:
    """Per query, in order of id, the difference of the means over seeds [queries].

    Raises `EvaluationError` where the two were not asked the same queries.
    """
    queries = sorted(better[0].scores[measure])
    if any(sorted(record.scores[measure]) != queries for record in (*better, *worse)):
        raise EvaluationError(
            f"{better[0].spec} and {worse[0].spec} were not asked the same queries of {better[0].collection}"
        )
    means = [
        np.array([[record.scores[measure][query] for query in queries] for record in side]).mean(axis=0)
        for side in (better, worse)
    ]
    found: NDArray[np.float64] = means[0] - means[1]
    return found
