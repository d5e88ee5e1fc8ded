"""Hugging Face's evaluation results: the `model-index` of a model card, one file a variant."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from benchmarks.exports.mteb import measure_name
from benchmarks.records.record import Record
from benchmarks.records.store import file_name
from benchmarks.storage.atomic import write_bytes


def write_cards(records: Iterable[Record], folder: Path) -> list[Path]:
    """`SPEC.md` for each variant: a card's front matter with a result for every measure of every collection."""
    from huggingface_hub import EvalResult, ModelCardData

    found: dict[str, list[EvalResult]] = {}
    for record in records:
        paired = "Spearman" in record.means
        for measure, value in record.means.items():
            found.setdefault(record.spec, []).append(
                EvalResult(
                    task_type="sentence-similarity" if paired else "text-retrieval", dataset_type=record.collection,
                    dataset_name=record.collection, dataset_revision=record.protocol.collection["documents"][:40],
                    metric_type=measure_name(measure) or measure, metric_name=measure, metric_value=value,
                )
            )  # fmt: skip
    files = []
    for spec, results in found.items():
        card = ModelCardData(model_name=spec, eval_results=results)
        path = folder / f"{file_name(spec)}.md"
        write_bytes(path, f"---\n{card.to_yaml()}\n---\n".encode())
        files.append(path)
    return sorted(files)
