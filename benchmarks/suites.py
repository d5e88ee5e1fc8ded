"""Suites: named grids of cells. Distributions add theirs with an entry point that names a TOML file.

A suite with a `question` is an experiment: it compares variants that are trained here, each with several
`seeds`, and has a page of its own, which shows its `measures`.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from itertools import product
from pathlib import Path
from typing import Any

from benchmarks.errors import UnknownName, UsageError
from benchmarks.registry import trained_leaves
from benchmarks.spec import parse

GROUP = "retriever_bench.suites"
Cell = tuple[str, str]
"""A spec and a collection id."""
Plan = dict[int, list[Cell]]
"""What is measured with each seed."""


@dataclass(frozen=True)
class Suite:
    """A named grid: pairs of variants and collections.

    An experiment's page shows its `measures`, or all where it names none, and draws its `curves`: of what a training
    said of its steps, by name.
    """

    name: str
    summary: str
    grids: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
    question: str = ""
    seeds: tuple[int, ...] = (0,)
    measures: tuple[str, ...] = ()
    curves: tuple[str, ...] = ()

    @property
    def is_experiment(self) -> bool:
        """Whether it asks a question of variants that are trained here."""
        return bool(self.question)

    @property
    def collections(self) -> tuple[str, ...]:
        """Every collection once, in order."""
        return tuple(dict.fromkeys(collection for _, collections in self.grids for collection in collections))

    @property
    def variants(self) -> tuple[str, ...]:
        """Every variant once, in order."""
        return tuple(dict.fromkeys(variant for variants, _ in self.grids for variant in variants))

    def cells(self, variants: Sequence[str] = (), collections: Sequence[str] = ()) -> list[Cell]:
        """The grid, collection by collection, narrowed to what is named; variants may be new ones."""
        if collections:
            kept = [tuple(c for c in grid if c in collections) for _, grid in self.grids]
            outside = tuple(c for c in collections if c not in self.collections)
            pairs = [*zip((v for v, _ in self.grids), kept, strict=True), (self.variants, outside)]
        else:
            pairs = [(v, c) for v, c in self.grids]
        cells = [
            (str(parse(variant)), collection)
            for grid_variants, grid_collections in pairs
            for collection, variant in product(grid_collections, variants or grid_variants)
        ]
        return list(dict.fromkeys(cells))

    def plan(self, variants: Sequence[str] = (), collections: Sequence[str] = ()) -> Plan:
        """The cells of each seed: all with the first, with the others those of variants trained here."""
        first, *others = self.seeds
        cells = self.cells(variants, collections)
        trained = [cell for cell in cells if trained_leaves(parse(cell[0]))]
        return {first: cells, **dict.fromkeys(others, trained)}


@functools.cache
def suites() -> dict[str, Suite]:
    """All installed suites by name. Raises `UsageError` when two files declare one, or one lacks what it owes."""
    found: dict[str, Suite] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        path: Path = point.load()
        for name, entry in tomllib.loads(path.read_text("utf-8")).items():
            if name in found:
                raise UsageError(f"two files declare the suite {name!r}; rename the one in {path}")
            found[name] = _suite(name, entry, path)
    return found


def _suite(name: str, entry: Mapping[str, Any], path: Path) -> Suite:
    grids = tuple((tuple(grid["variants"]), tuple(grid["collections"])) for grid in entry["grid"])
    question, seeds = entry.get("question", ""), tuple(entry.get("seeds", (0,)))
    if not question and seeds != (0,):
        raise UsageError(f"{path}: suite {name} has seeds and no question; seeds belong to an experiment")
    if not seeds or len(set(seeds)) < len(seeds):
        raise UsageError(f"{path}: suite {name} needs at least one seed, each once")
    summary = entry.get("summary", question)
    measures, curves = tuple(entry.get("measures", ())), tuple(entry.get("curves", ()))
    return Suite(name, summary, grids, question, seeds, measures, curves)


def suite(name: str) -> Suite:
    """A suite by name. Raises `UnknownName`."""
    if name not in suites():
        raise UnknownName("suite", name, suites())
    return suites()[name]
