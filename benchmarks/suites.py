"""Suites: named grids of cells. Distributions add theirs with an entry point that names a TOML file."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from itertools import product
from pathlib import Path

from benchmarks.errors import UnknownName
from benchmarks.spec import parse

GROUP = "retriever_bench.suites"
Cell = tuple[str, str]
"""A spec and a collection id."""


@dataclass(frozen=True)
class Suite:
    """A named grid: pairs of variants and collections."""

    name: str
    summary: str
    grids: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]

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


@functools.cache
def suites() -> dict[str, Suite]:
    """All installed suites by name."""
    found: dict[str, Suite] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        path: Path = point.load()
        for name, entry in tomllib.loads(path.read_text("utf-8")).items():
            grids = tuple((tuple(grid["variants"]), tuple(grid["collections"])) for grid in entry["grid"])
            found[name] = Suite(name, entry["summary"], grids)
    return found


def suite(name: str) -> Suite:
    """A suite by name. Raises `UnknownName`."""
    if name not in suites():
        raise UnknownName("suite", name, suites())
    return suites()[name]
