"""Records and runs in a folder, one file a cell and seed; a path names both, but for the seed 0.

records/bm25.flat/beir.scifact.test.json
records/retromae.lab.enhanced/beir.scifact.test.seed1.json
runs/bm25.flat/beir.scifact.test.trec.gz
runs/read(bm25.flat,dpr.reader)/synthetic.tiny.answers.json.gz
timings/bm25.flat/beir.scifact.test.json                             rounds of searching (`benchmarks/regressions/timing.py`)
history.jsonl                                                        what was accepted, when and why
generations/gpt-3.5-turbo/beir.scifact.test.lamer-scientific.10.jsonl    what models wrote (`benchmarks/generation/store.py`)
"""

from __future__ import annotations

import functools
import glob
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.errors import RecordError
from benchmarks.interfaces import Run
from benchmarks.records import trecrun
from benchmarks.records.record import Record
from benchmarks.storage.atomic import write_json

_SCHEMA = Path(__file__).with_name("record.schema.json")
# What file systems and shells dislike in a spec or a collection id.
_FILE_NAME = str.maketrans({":": ".", "/": ".", "*": "x", "#": "."})


def file_name(name: str) -> str:
    """A spec or a collection id as a file name."""
    return name.translate(_FILE_NAME)


def seed_mark(seed: int) -> str:
    """What a seed adds to the name of a cell's files: nothing where it is 0."""
    return f".seed{seed}" if seed else ""


class Store:
    """The records below one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def generations(self) -> Path:
        """Where what language models wrote is kept."""
        return self.root / "generations"

    def record_path(self, spec: str, collection: str, seed: int = 0) -> Path:
        """Where the record of a cell lies."""
        return self._path("records", spec, collection, seed, "json")

    def run_path(self, spec: str, collection: str, seed: int = 0) -> Path:
        """Where the run of a cell lies."""
        return self._path("runs", spec, collection, seed, "trec.gz")

    def answers_path(self, spec: str, collection: str, seed: int = 0) -> Path:
        """Where the answers of a cell that reads lie."""
        return self._path("runs", spec, collection, seed, "answers.json.gz")

    def timing_path(self, spec: str, collection: str, seed: int = 0) -> Path:
        """Where the accepted timing of a cell lies (`benchmarks/regressions/timing.py`)."""
        return self._path("timings", spec, collection, seed, "json")

    @property
    def history(self) -> Path:
        """What was accepted, when and why, a JSON line each."""
        return self.root / "history.jsonl"

    def _path(self, kind: str, spec: str, collection: str, seed: int, ending: str) -> Path:
        name = f"{file_name(collection)}{seed_mark(seed)}.{ending}"
        return self.root / kind / file_name(spec) / name

    def write(self, record: Record, run_lines: bytes, answers: bytes = b"") -> None:
        """Save a cell: the run and the answers first, so that a record never lacks them."""
        cell = (record.spec, record.collection, record.seed)
        path = self.record_path(*cell)
        if path.exists():
            there = self.read(path)
            if (there.spec, there.collection, there.seed) != cell:
                raise RecordError(
                    f"{path} belongs to {there.spec} on {there.collection}, seed {there.seed}; "
                    "rename one of the two"
                )
        trecrun.write(self.run_path(*cell), run_lines)
        if answers:
            trecrun.write(self.answers_path(*cell), answers)
        write_json(path, record.to_json(), indent=1)

    def paths(self) -> list[Path]:
        """The paths of all records, sorted."""
        return sorted((self.root / "records").glob("*/*.json"))

    def read(self, path: Path) -> Record:
        """One record. Raises `RecordError` when it does not fit the schema."""
        return Record.from_json(read_json(path))

    def find(self, spec: str, collection: str, seed: int = 0) -> Record | None:
        """The record of a cell; nothing where there is none. Raises `RecordError` as `read`."""
        path = self.record_path(spec, collection, seed)
        return self.read(path) if path.exists() else None

    def run(self, record: Record) -> Run:
        """The run of a record. Raises `RecordError` for one that is missing or damaged."""
        return trecrun.loads(trecrun.read(self.run_path(record.spec, record.collection, record.seed)))

    def seeds(self, spec: str, collection: str) -> list[Record]:
        """The records of a cell, by seed."""
        folder, name = self.root / "records" / file_name(spec), glob.escape(file_name(collection))
        paths = [*folder.glob(f"{name}.json"), *folder.glob(f"{name}.seed*.json")]
        return sorted(map(self.read, paths), key=lambda record: record.seed)

    def records(self) -> Iterator[Record]:
        """All records, in order of path."""
        return (self.read(path) for path in self.paths())


def read_json(path: Path) -> dict[str, Any]:
    """A record file's JSON, checked against the schema. Raises `RecordError`."""
    import jsonschema_rs

    try:
        value: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except ValueError:
        raise RecordError(f"{path} is not JSON; restore it or run the cell again") from None
    try:
        _validator().validate(value)
    except jsonschema_rs.ValidationError as error:
        where = "/".join(map(str, error.instance_path)) or "the record"
        raise RecordError(f"{path} does not fit the schema: {where}: {error.message[:120]}") from None
    return value


@functools.cache
def _validator() -> Any:
    import jsonschema_rs

    return jsonschema_rs.Draft202012Validator(json.loads(_SCHEMA.read_text("utf-8")))
