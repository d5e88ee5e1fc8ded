"""What was accepted: a cell's fresh measurement takes the place of the one before, and the history keeps why."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from benchmarks.errors import RecordError
from benchmarks.records import trecrun
from benchmarks.records.record import Record
from benchmarks.records.store import Store
from benchmarks.storage.atomic import write_bytes


@dataclass(frozen=True)
class Accepted:
    """One acceptance: the means before (none for a first measurement) and after, under which protocol, and the reason."""

    time: str
    spec: str
    collection: str
    seed: int
    reason: str
    before: Mapping[str, float]
    after: Mapping[str, float]
    fingerprint: str
    bench: str
    machine: str


def accept(
    fresh: Store, accepted: Store, reason: str, specs: Collection[str] = (), collections: Collection[str] = ()
) -> list[Accepted]:
    """Take the records of `fresh` that differ from the accepted ones, and all its timings; of what is named alone.

    Raises `RecordError` where there is none.
    """
    records = [
        one for one in fresh.records()
        if (not specs or one.spec in specs) and (not collections or one.collection in collections)
    ]  # fmt: skip
    if not records:
        raise RecordError(f"{fresh.root} holds no records of these; `retriever-bench regress` makes them")
    taken = []
    for record in records:
        cell = (record.spec, record.collection, record.seed)
        before = accepted.find(*cell)
        if before is None or _measured(before) != _measured(record):
            accepted.write(record, *_files(fresh, record))
            taken.append(_entry(before, record, reason))
        if (timing := fresh.timing_path(*cell)).exists():
            accepted.timing_path(*cell).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(timing, accepted.timing_path(*cell))
    if taken:
        there = accepted.history.read_bytes() if accepted.history.exists() else b""
        lines = "".join(f"{json.dumps(asdict(one), sort_keys=True, ensure_ascii=False)}\n" for one in taken)
        write_bytes(accepted.history, there + lines.encode())
    return taken


def history(store: Store, spec: str, collection: str, seed: int = 0) -> list[Accepted]:
    """What was accepted of a cell, the oldest first. Raises `RecordError` for a line that cannot be read."""
    if not store.history.exists():
        return []
    found = []
    for number, line in enumerate(store.history.read_text("utf-8").splitlines(), start=1):
        try:
            one = Accepted(**json.loads(line))
        except (ValueError, TypeError):
            raise RecordError(f"{store.history}, line {number}: not a line of the history") from None
        if (one.spec, one.collection, one.seed) == (spec, collection, seed):
            found.append(one)
    return found


def _measured(record: Record) -> Any:
    return record.protocol, record.run_sha256, record.answers_sha256, record.scores


def _files(store: Store, record: Record) -> tuple[bytes, bytes]:
    cell = (record.spec, record.collection, record.seed)
    answers = trecrun.read(store.answers_path(*cell)) if record.answers_sha256 else b""
    return trecrun.read(store.run_path(*cell)), answers


def _entry(before: Record | None, record: Record, reason: str) -> Accepted:
    return Accepted(
        datetime.now(UTC).isoformat(timespec="seconds"), record.spec, record.collection, record.seed, reason,
        before.means if before else {}, record.means, record.protocol.fingerprint, record.environment["bench"],
        record.environment["machine"],
    )  # fmt: skip
