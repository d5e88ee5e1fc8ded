"""TREC runs: plain, or with ir_metadata in front (Breuer, Keller and Schaer, SIGIR 2022: ir-metadata.org, version 0.1).

The metadata are comments, which trec_eval does not read: a tool that knows nothing of them wants the plain ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from benchmarks.errors import RecordError
from benchmarks.interfaces import Ranking, Run
from benchmarks.records import trecrun
from benchmarks.records.record import Record
from benchmarks.records.store import Store, file_name, seed_mark
from benchmarks.storage.atomic import write_bytes

_START, _END = "# ir_metadata.start", "# ir_metadata.end"


def write_runs(records: Iterable[Record], store: Store, folder: Path, *, metadata: bool) -> list[Path]:
    """A file for each record, `SPEC/COLLECTION.trec`."""
    files = []
    for record in records:
        lines = trecrun.dumps(untied(store.run(record)), file_name(record.spec))
        head = header(record) if metadata else ""
        name = f"{file_name(record.collection)}{seed_mark(record.seed)}.trec"
        path = folder / file_name(record.spec) / name
        write_bytes(path, head.encode() + lines)
        files.append(path)
    return files


def untied(run: Run) -> Run:
    """The run with equal scores told apart, by the least that a float32 can be lower.

    trec_eval orders equal scores by document id downwards, this bench upwards: so it ranks as was ranked here.
    """
    found: Run = {}
    for query, ranking in run.items():
        scores = ranking.scores.copy()
        for place in range(1, len(scores)):
            if scores[place] >= scores[place - 1]:
                scores[place] = np.nextafter(scores[place - 1], np.float32(-np.inf))
        found[query] = Ranking(ranking.ids, scores)
    return found


def header(record: Record) -> str:
    """The comments: where, on what, with what, how; each line begins with `# `."""
    text = yaml.safe_dump(_facts(record), sort_keys=False, allow_unicode=True, width=120)
    body = "".join(f"# {line}\n" for line in text.splitlines())
    return f"{_START}\n{body}{_END}\n"


def parse_header(text: str) -> dict[str, Any]:
    """The metadata of a run file; nothing where it has none. Raises `RecordError` for what is no YAML."""
    lines = text.splitlines()
    if not lines or lines[0].strip() != _START or _END not in map(str.strip, lines):
        return {}
    end = [line.strip() for line in lines].index(_END)
    try:
        # Every scalar a string: a date is no JSON value.
        found = yaml.load(
            "\n".join(line.removeprefix("#").removeprefix(" ") for line in lines[1:end]), yaml.BaseLoader
        )
    except yaml.YAMLError as error:
        raise RecordError(f"the run's ir_metadata are not YAML: {error}") from None
    return found if isinstance(found, dict) else {}


def _facts(record: Record) -> dict[str, Any]:
    environment = record.environment
    return {
        "tag": record.spec,
        "platform": {
            "hardware": {"cpu": {"model": environment["machine"], "number of cores": environment["cores"]}},
            "software": {"libraries": {"python": [f"{name} {one}" for name, one in environment["packages"].items()]}},
        },
        "implementation": {"executable": {"cmd": f"retriever-bench run --variant {record.spec} --collection {record.collection}"}},
        "method": {
            "automatic": "true", "indexing": {"protocol": record.protocol.fingerprint},
            "retrieval": [{"name": record.spec, "method": record.spec, **_flat(record)}],
        },
        "data": {"test_collection": {"name": record.collection, "source": "ir_datasets"}},
        "research goal": {"evaluation": {"reported measures": sorted(record.means)}},
    }  # fmt: skip


def _flat(record: Record) -> dict[str, str]:
    return {
        name: str(value)
        for name, value in sorted(record.protocol.retrieval.items())
        if isinstance(value, str | int | float)
    }
