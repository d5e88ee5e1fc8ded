"""MTEB's results: a JSON file a task, below results/MODEL/REVISION, as `mteb.ResultCache` and `TaskResult.from_disk` read them.

The revision of a model is the fingerprint of its retrieval protocol, that of a dataset the hash of its documents: MTEB's
own revisions were not read here, and are not claimed.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.collections.conventions import conventions_of
from benchmarks.protocol import fingerprint
from benchmarks.records.record import Record
from benchmarks.records.store import file_name
from benchmarks.storage.atomic import write_json

_TASKS = Path(__file__).with_name("mteb.toml")
_FORMAT = "2.0.0"
"""The version of MTEB whose result files these are like."""
_NAMES = {"nDCG": "ndcg", "R": "recall", "RR": "mrr", "AP": "map", "P": "precision"}
_CORRELATIONS = {"Spearman": "cosine_spearman", "Pearson": "cosine_pearson"}
_CUT = re.compile(r"(?P<name>[A-Za-z]+)@(?P<cut>[0-9]+)")


def write_mteb(records: Iterable[Record], folder: Path) -> tuple[list[Path], list[Record]]:
    """Write what MTEB has tasks for; the files, and the records of which it has none."""
    tasks = tomllib.loads(_TASKS.read_text("utf-8"))
    files: dict[Path, dict[str, Any]] = {}
    left = []
    for record in records:
        task = tasks.get(record.collection)
        if task is None:
            left.append(record)
            continue
        name, revision = f"retriever-bench/{file_name(record.spec)}", fingerprint(record.protocol.retrieval)
        place = folder / "results" / name.replace("/", "__") / revision
        files[place / "model_meta.json"] = _model(name, revision)
        result = files.setdefault(place / f"{task['task']}.json", _empty(task["task"], record))
        result["scores"].setdefault(task.get("split", "test"), []).append(_scores(task, record))
    for path, value in files.items():
        write_json(path, value)
    return sorted(files), left


def measure_name(measure: str) -> str:
    """What MTEB calls a measure; empty where it has none: `nDCG@10` is `ndcg_at_10`."""
    found = _CUT.fullmatch(measure)
    if found and found["name"] in _NAMES:
        return f"{_NAMES[found['name']]}_at_{found['cut']}"
    return _CORRELATIONS.get(measure, "")


def _empty(task: str, record: Record) -> dict[str, Any]:
    return {
        "dataset_revision": record.protocol.collection["documents"][:40], "task_name": task, "mteb_version": _FORMAT,
        "scores": {}, "evaluation_time": None, "kg_co2_emissions": None,
    }  # fmt: skip


def _scores(task: Mapping[str, Any], record: Record) -> dict[str, Any]:
    named = {name: value for measure, value in record.means.items() if (name := measure_name(measure))}
    main = measure_name(conventions_of(record.collection).measures[0])
    return {
        **named, "main_score": named[main], "hf_subset": task.get("subset", "default"),
        "languages": task.get("languages", ["eng-Latn"]),
    }  # fmt: skip


def _model(name: str, revision: str) -> dict[str, Any]:
    unknown = (
        "release_date", "languages", "loader", "n_parameters", "memory_usage_mb", "max_tokens", "embed_dim", "license",
        "open_weights", "public_training_code", "public_training_data", "similarity_fn_name", "use_instructions",
        "training_datasets",
    )  # fmt: skip
    return {
        **dict.fromkeys(unknown), "name": name, "revision": revision,
        "framework": [], "reference": f"retriever-bench {version('retriever-bench')}",
    }  # fmt: skip
