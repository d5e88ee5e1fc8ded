"""How long a suite takes here, from what its variants took where they were measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.collections.conventions import conventions_of, missing
from benchmarks.collections.irds import load_dataset
from benchmarks.collections.thinned import whole_of
from benchmarks.efficiency.calibration import calibrate
from benchmarks.errors import UsageError
from benchmarks.records.record import Record
from benchmarks.records.store import Store
from benchmarks.registry import trained_leaves
from benchmarks.retrieval.resolve import missing_for
from benchmarks.spec import parse
from benchmarks.suites import Suite

_PER_CELL = 20.0
"""Seconds a cell costs whatever its size: starting a process, measuring latency."""


def estimate(suite: Suite, store: Store) -> list[dict[str, Any]]:
    """Seconds for each cell, all its seeds together: by the largest measured collection and machine speed.

    `seconds` is None where the variant was never measured or the size is not known. An index
    that several cells share is counted with the first of them.
    """
    records = [record for record in store.records() if record.efficiency]
    speed = calibrate()["matrix_gflops"]
    estimates: list[dict[str, Any]] = []
    built: set[tuple[str, int]] = set()
    for spec, collection in suite.cells():
        documents = documents_of(collection, records)
        known = [r for r in records if r.spec == spec]
        seconds = None
        if known and documents is not None:
            model = max(known, key=lambda r: r.counts["documents"])
            rate = sum(model.efficiency["build"]["seconds"].values()) / model.counts["documents"]
            faster = speed / model.efficiency["calibration"]["matrix_gflops"]
            # Variants on one index, and judgments of one corpus, share what was encoded.
            index = (spec.partition("@")[0], documents)
            building = 0.0 if "(" in spec or index in built else rate * documents / faster
            built.add(index)
            times = len(suite.seeds) if trained_leaves(parse(spec)) else 1
            seconds = round(times * (_PER_CELL + building), 1)
        lacking = missing(collection) or missing_for(parse(spec))
        estimates.append(
            {
                "spec": spec,
                "collection": collection,
                "documents": documents,
                "seconds": seconds,
                "missing": lacking,
            }
        )
    return estimates


def documents_of(collection: str, records: Sequence[Record]) -> int | None:
    """How many documents a collection has, by a record or ir-datasets; nothing where neither knows.

    One with fewer distractors has at most those of the whole.
    """
    measured = next((r.counts["documents"] for r in records if r.collection == collection), None)
    if measured is not None:
        return measured
    whole, share = whole_of(collection)
    if share is not None:
        return documents_of(whole, records)
    try:
        dataset = load_dataset(conventions_of(collection).documents or collection)
    except UsageError:
        return None
    if collection.startswith("synthetic/"):
        return int(dataset.docs_count())
    count = dataset.metadata().get("docs", {}).get("count")
    return int(count) if count else None
