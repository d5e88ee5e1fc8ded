"""The cells of a comparison, paired by seed: what a difference was with each seed, and on the average over them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.claims.claim import Comparison
from benchmarks.claims.curves import curve_differences, curves_of
from benchmarks.errors import EvaluationError
from benchmarks.records.record import Record
from benchmarks.registry import trained_leaves
from benchmarks.spec import parse

Records = Callable[[str, str], Mapping[int, Record]]
"""From spec and collection to records by seed."""


@dataclass(frozen=True)
class Side:
    """A system on a collection, and its records by seed."""

    spec: str
    collection: str
    records: Mapping[int, Record]


@dataclass(frozen=True)
class Cell:
    """Two systems on a collection, a record of each for every seed; what nothing was trained for is the same for all."""

    better: tuple[Record, ...]
    worse: tuple[Record, ...]

    def alone(self, place: int) -> Cell:
        """With one of its seeds."""
        return Cell((self.better[place],), (self.worse[place],))


def missing(comparison: Comparison, records: Records) -> list[str]:
    """What a test would want: the cells without a record of the measure, or a seed that all have."""
    sides = _sides(comparison, records)
    lacking = [f"{side.spec} on {side.collection}" for side in sides if not side.records]
    trained = [side for side in sides if _is_trained(side.spec)]
    if trained and not lacking and not _shared(sides):
        return [f"{trained[0].spec} with a seed that the others have"]
    return lacking


def paired(comparison: Comparison, records: Records) -> tuple[tuple[int, ...], list[Cell]]:
    """The seeds that all trained sides have (none where nothing was trained), and the cells with a record for each."""
    sides = _sides(comparison, records)
    seeds = _shared(sides)

    def each(side: Side) -> tuple[Record, ...]:
        if _is_trained(side.spec):
            return tuple(side.records[seed] for seed in seeds)
        return (next(iter(side.records.values())),) * max(1, len(seeds))

    return seeds, [
        Cell(each(better), each(worse)) for better, worse in zip(sides[::2], sides[1::2], strict=True)
    ]


def differences(cell: Cell, comparison: Comparison) -> NDArray[np.float64]:
    """What the two differ by, on the average over seeds: query by query, or of a curve stretch by stretch."""
    if comparison.curve:
        return curve_differences(cell.better, cell.worse, comparison.measure, comparison.curve)
    return _by_query(cell, comparison.measure)


def with_each_seed(comparison: Comparison, seeds: tuple[int, ...], cells: list[Cell]) -> dict[int, float]:
    """The difference that each seed alone would give, averaged over the cells."""
    return {
        seed: float(np.mean([differences(cell.alone(place), comparison).mean() for cell in cells]))
        for place, seed in enumerate(seeds)
    }


def _sides(comparison: Comparison, records: Records) -> list[Side]:
    """Of each pair on each collection the better side and the worse, with the records that have the measure."""

    def having(spec: str, collection: str) -> dict[int, Record]:
        return {
            seed: record
            for seed, record in records(spec, collection).items()
            if comparison.measure in (curves_of(record) if comparison.curve else record.scores)
        }

    return [
        Side(spec, collection, having(spec, collection))
        for pair in comparison.pairs
        for collection in pair.collections
        for spec in (pair.better, pair.worse)
    ]


def _by_query(cell: Cell, measure: str) -> NDArray[np.float64]:
    """In order of query id [queries]. Raises `EvaluationError` where the two were not asked the same."""
    first = cell.better[0]
    queries = sorted(first.scores[measure])
    if any(sorted(record.scores[measure]) != queries for record in (*cell.better, *cell.worse)):
        raise EvaluationError(
            f"{first.spec} and {cell.worse[0].spec} were not asked the same queries of {first.collection}"
        )
    better, worse = (
        np.array([[record.scores[measure][query] for query in queries] for record in side]).mean(axis=0)
        for side in (cell.better, cell.worse)
    )
    found: NDArray[np.float64] = better - worse
    return found


def _shared(sides: Sequence[Side]) -> tuple[int, ...]:
    """The seeds that each trained side has; none where nothing was trained."""
    trained = [set(side.records) for side in sides if _is_trained(side.spec)]
    return tuple(sorted(set.intersection(*trained))) if trained else ()


def _is_trained(spec: str) -> bool:
    return bool(trained_leaves(parse(spec)))
