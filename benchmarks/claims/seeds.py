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
Side = tuple[str, dict[int, Record]]
"""A spec, and its records on a collection by seed."""


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
    lacking: list[str] = []
    found: list[Side] = []
    for pair in comparison.pairs:
        for collection in pair.collections:
            for spec in (pair.better, pair.worse):
                found.append((spec, having(spec, collection, comparison, records)))
                if not found[-1][1]:
                    lacking.append(f"{spec} on {collection}")
    trained = _trained(found)
    if trained and not lacking and not _shared(trained):
        lacking.append(f"{trained[0][0]} with a seed that the others have")
    return lacking


def paired(comparison: Comparison, records: Records) -> tuple[tuple[int, ...], list[Cell]]:
    """The seeds that all trained sides have (none where nothing was trained), and the cells with a record for each."""
    sides = [
        tuple((spec, having(spec, collection, comparison, records)) for spec in (pair.better, pair.worse))
        for pair in comparison.pairs
        for collection in pair.collections
    ]
    seeds = _shared(_trained([side for cell in sides for side in cell]))

    def each(spec: str, found: Mapping[int, Record]) -> tuple[Record, ...]:
        if _is_trained(spec):
            return tuple(found[seed] for seed in seeds)
        return (next(iter(found.values())),) * max(1, len(seeds))

    return seeds, [Cell(each(*better), each(*worse)) for better, worse in sides]


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


def having(spec: str, collection: str, comparison: Comparison, records: Records) -> dict[int, Record]:
    """The records of a cell that have the measure, or the curve, by seed."""
    return {
        seed: record
        for seed, record in records(spec, collection).items()
        if comparison.measure in (curves_of(record) if comparison.curve else record.scores)
    }


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


def _trained(sides: Sequence[Side]) -> list[Side]:
    return [side for side in sides if _is_trained(side[0])]


def _shared(trained: Sequence[Side]) -> tuple[int, ...]:
    """The seeds that each side has."""
    return tuple(sorted(set.intersection(*(set(found) for _, found in trained)))) if trained else ()


def _is_trained(spec: str) -> bool:
    return bool(trained_leaves(parse(spec)))
