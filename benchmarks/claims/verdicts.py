"""Verdicts on claims: supported, contradicted, inconclusive, or not run here.

A verdict is of all claims of a paper together: their p-values are adjusted by Holm's procedure. Scores of several seeds
are averaged query by query before the test, which knows nothing of what another seed would give: so a difference must also
fall on the same side with each seed that both sides were trained with. How many there were is said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from benchmarks.claims import seeds
from benchmarks.claims.claim import Claim, Comparison, Pair
from benchmarks.claims.correlations import Correlations, between, examined_correlations
from benchmarks.claims.seeds import Cell, Records
from benchmarks.claims.testing import Tested, examined, holm
from benchmarks.interfaces import Run
from benchmarks.records.record import Record

SUPPORTED, CONTRADICTED, INCONCLUSIVE, NOT_RUN = "supported", "contradicted", "inconclusive", "not run here"
LEVEL = 0.05
CORRELATION = "Spearman"

Runs = Callable[[Record], Run]
"""From a record to its run: what correlations are compared with."""


@dataclass(frozen=True)
class Outcome:
    """What became of one comparison: the test, the difference with each seed (none: nothing was trained), and the rungs.

    `parts` are the differences on the collections of its pairs, in order. `spoilt` says which sides ended below what
    their training started from: a difference to them says nothing of a method.
    """

    comparison: Comparison
    test: Tested
    by_seed: Mapping[int, float]
    rungs: tuple[str, ...]
    parts: tuple[float, ...]
    spoilt: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether the difference lies on the claim's side."""
        return self._on_its_side(self.test.difference)

    @property
    def wavers(self) -> bool:
        """Whether some seed puts the difference on the other side."""
        return any(self._on_its_side(one) != self.holds for one in self.by_seed.values())

    @property
    def p_value(self) -> float:
        """That of the test; 1 where the comparison is not fair, or its seeds do not agree."""
        return 1.0 if self.spoilt or self.wavers else self.test.p_value

    def _on_its_side(self, difference: float) -> bool:
        below = self.comparison.below
        return difference > 0 if below is None else difference < below


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
        lacking = tuple(
            dict.fromkeys(cell for one in claim.comparisons for cell in seeds.missing(one, records))
        )
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
    against = [one.p_value for one in outcomes if not one.holds]
    if not against:
        return max(one.p_value for one in outcomes)
    return min(1.0, len(outcomes) * min(against))


def _word(outcomes: Sequence[Outcome], p_value: float) -> str:
    if p_value >= LEVEL:
        return INCONCLUSIVE
    return SUPPORTED if all(one.holds for one in outcomes) else CONTRADICTED


def _outcome(comparison: Comparison, records: Records, runs: Runs) -> Outcome:
    shared, cells = seeds.paired(comparison, records)
    strata = [seeds.differences(cell, comparison) for cell in cells]
    below = comparison.below or 0.0
    if comparison.measure == CORRELATION:
        test = examined_correlations([_correlations(cell, runs) for cell in cells], below)
    else:
        test = examined(strata, below)
    return Outcome(
        comparison,
        test,
        seeds.with_each_seed(comparison, shared, cells),
        tuple(sorted({record.rung for cell in cells for record in (*cell.better, *cell.worse)})),
        tuple(float(stratum.mean()) for stratum in strata),
        _spoilt(comparison, records),
    )


def _spoilt(comparison: Comparison, records: Records) -> tuple[str, ...]:
    """The sides that training left worse than it found them, where their start was measured too."""
    found = []
    for pair in comparison.pairs:
        for collection in pair.collections:
            for spec, start in pair.sides() if pair.starts and not comparison.curve else ():
                change = Comparison(comparison.measure, (Pair(spec, start, (collection,)),))
                if seeds.missing(change, records):
                    continue
                _, (cell,) = seeds.paired(change, records)
                after, before = (_mean(side, comparison.measure) for side in (cell.better, cell.worse))
                if after < before:
                    found.append(
                        f"{spec} on {collection} has {after:.4f}, and started from {start} with {before:.4f}"
                    )
    return tuple(dict.fromkeys(found))


def _correlations(cell: Cell, runs: Runs) -> Correlations:
    """Of the means over seeds; how alike the two rank is that of their first seeds."""
    better, worse = cell.better, cell.worse
    return Correlations(
        _mean(better, CORRELATION), _mean(worse, CORRELATION), *between(runs(better[0]), runs(worse[0]))
    )


def _mean(side: Sequence[Record], measure: str) -> float:
    return fmean(record.means[measure] for record in side)
