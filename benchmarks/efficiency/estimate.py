"""How long a suite takes here, from what its variants took where they were measured."""

from __future__ import annotations

from typing import Any

from benchmarks.collections.conventions import missing
from benchmarks.efficiency.calibration import calibrate
from benchmarks.records.record import Record
from benchmarks.records.store import Store
from benchmarks.retrieval.resolve import missing_for
from benchmarks.spec import parse
from benchmarks.suites import Suite

_PER_CELL = 20.0
"""Seconds a cell costs whatever its size: starting a process, measuring latency."""


def estimate(suite: Suite, store: Store) -> list[dict[str, Any]]:
    """Seconds for each cell: those of the largest measured collection, by documents and machine speed.

    `seconds` is None where the variant was never measured or the size is not known. An index
    that several cells share is counted with the first of them.
    """
    records = [record for record in store.records() if record.efficiency]
    speed = calibrate()["matrix_gflops"]
    estimates: list[dict[str, Any]] = []
    for spec, collection in suite.cells():
        documents = _documents(collection, records)
        known = [r for r in records if r.spec == spec]
        seconds = None
        if known and documents is not None:
            model = max(known, key=lambda r: r.counts["documents"])
            rate = sum(model.efficiency["build"]["seconds"].values()) / model.counts["documents"]
            faster = speed / model.efficiency["calibration"]["matrix_gflops"]
            building = 0.0 if "(" in spec else rate * documents / faster
            seconds = round(_PER_CELL + building, 1)
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


def _documents(collection: str, records: list[Record]) -> int | None:
    measured = next((r.counts["documents"] for r in records if r.collection == collection), None)
    if measured is not None:
        return measured
    import ir_datasets

    try:
        count = ir_datasets.load(collection).metadata().get("docs", {}).get("count")
    except (KeyError, AttributeError):
        return None
    return int(count) if count else None
