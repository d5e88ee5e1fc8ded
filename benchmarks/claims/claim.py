"""Reads `claims.toml`: what a paper concluded, with what it printed for it, and what here can test it.

    [[claim]]
    id = "crop-beats-ict"
    statement = "random cropping > inverse cloze task"
    where = "Table 7"
    source = "the paper's full text"
    verified = true
    published = [ { better = "crop", worse = "ICT", dataset = "beir/quora/test", measure = "nDCG@10", values = [0.754, 0.276] } ]
    needs = "what it would take, where nothing here tests it"

    [[claim.comparison]]
    measure = "nDCG@10"
    relation = "greater"
    pairs = [ { better = "contriever:lab:crop", worse = "contriever:lab:ict", collections = ["vaswani", "beir/scifact/test"] } ]

A comparison is one difference, averaged over all collections of all its pairs. A claim of several comparisons holds when
all of them do. `not greater` claims that the difference is less than a `margin`.

Where training started is named with the pair (`starts`), so that no verdict rests on a training that only did harm.

What a paper shows in a figure of its training is compared on the curves of ours: `measure` is then the name of one, and
`curve` says what of it, its "values" or their "logarithms" (to base 10).
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from benchmarks.errors import RecordError
from benchmarks.registry import baselines
from benchmarks.retrieval.resolve import canonical_spec
from benchmarks.spec import parse

GROUP = "retriever_bench.claims"
GREATER, NOT_GREATER = "greater", "not greater"
VALUES, LOGARITHMS = "values", "logarithms"
MARGIN = 0.01
"""The difference that is no difference, where a comparison does not say its own."""


@dataclass(frozen=True)
class Pair:
    """Two specs, and the collections they are compared on.

    `starts` is what training both started from, or the better's start and the worse's, in that order.
    """

    better: str
    worse: str
    collections: tuple[str, ...]
    starts: tuple[str, ...] = ()

    def sides(self) -> tuple[tuple[str, str], tuple[str, str]]:
        """Each spec with what it started from, or with an empty string."""
        first, last = (self.starts[0], self.starts[-1]) if self.starts else ("", "")
        return (self.better, first), (self.worse, last)


@dataclass(frozen=True)
class Comparison:
    """One difference between measurements, and what is claimed of it."""

    measure: str
    pairs: tuple[Pair, ...]
    relation: str = GREATER
    margin: float = MARGIN
    curve: str = ""

    @property
    def below(self) -> float | None:
        """What the difference is claimed to be less than; nothing where it is claimed to be positive."""
        return self.margin if self.relation == NOT_GREATER else None


@dataclass(frozen=True)
class Printed:
    """Two published numbers that a claim rests on."""

    better: str
    worse: str
    dataset: str
    measure: str
    values: tuple[float, float]


@dataclass(frozen=True)
class Claim:
    """A conclusion, its place, and what tests it; without comparisons it says what it `needs`."""

    id: str
    statement: str
    where: str
    source: str
    verified: bool
    note: str = ""
    exceptions: str = ""
    published: tuple[Printed, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    caveat: str = ""
    needs: str = ""


@functools.cache
def claims() -> dict[str, tuple[Claim, ...]]:
    """The claims of every baseline that has some, and of other files, by key. Raises `RecordError` for a wrong file."""
    paths = {key: one.claims for key, one in baselines().items() if one.claims}
    paths |= {point.name: point.load() for point in entry_points(group=GROUP)}
    return {key: read(path) for key, path in sorted(paths.items())}


def read(path: Path) -> tuple[Claim, ...]:
    """The claims of a file. Raises `RecordError`."""
    try:
        entries = tomllib.loads(path.read_text("utf-8"))["claim"]
        found = tuple(_claim(entry) for entry in entries)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise RecordError(f"{path}: {error}") from None
    if len({claim.id for claim in found}) != len(found):
        raise RecordError(f"{path}: two claims have one id")
    return found


def _claim(entry: Mapping[str, Any]) -> Claim:
    known = {field.name for field in fields(Claim)} - {"comparisons"} | {"comparison"}
    if unknown := sorted(set(entry) - known):
        raise ValueError(f"claim {entry['id']} has a key {unknown[0]!r}")
    comparisons = tuple(_comparison(one) for one in entry.get("comparison", ()))
    if bool(comparisons) == bool(entry.get("needs")):
        raise ValueError(f"claim {entry['id']} has either comparisons or says what it needs")
    published = tuple(
        Printed(**{**one, "values": tuple(one["values"])}) for one in entry.get("published", ())
    )
    values = {name: value for name, value in entry.items() if name not in ("comparison", "published")}
    return Claim(**values, published=published, comparisons=comparisons)


def _comparison(entry: Mapping[str, Any]) -> Comparison:
    if entry.get("relation", GREATER) not in (GREATER, NOT_GREATER):
        raise ValueError(f"no relation {entry['relation']!r}; it is {GREATER!r} or {NOT_GREATER!r}")
    if entry.get("curve", VALUES) not in (VALUES, LOGARITHMS):
        raise ValueError(f"of a curve there are {VALUES!r} and {LOGARITHMS!r}, not {entry['curve']!r}")
    pairs = tuple(_pair(pair) for pair in entry["pairs"])
    return Comparison(**{**entry, "pairs": pairs})


def _pair(entry: Mapping[str, Any]) -> Pair:
    specs = {name: str(canonical_spec(parse(entry[name]))) for name in ("better", "worse")}
    collections: Sequence[str] = entry["collections"]
    starts = tuple(str(canonical_spec(parse(text))) for text in entry.get("starts", ()))
    if len(starts) > 2:
        raise ValueError(f"{specs['better']}: training starts from one thing, or each side from its own")
    return Pair(**specs, collections=tuple(collections), starts=starts)
