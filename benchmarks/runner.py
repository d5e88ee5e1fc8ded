"""One cell, read top to bottom: load, index, search, rank, score, time, record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.collections.collection import Collection, open_collection
from benchmarks.environment import describe
from benchmarks.errors import EvaluationError, RecordError
from benchmarks.evaluation.answers import find_answers
from benchmarks.evaluation.measures import Hits, depth_of, evaluate, needs_answers, provider
from benchmarks.evaluation.ranking import rank, without
from benchmarks.interfaces import Query, Ranking, Run, Searcher, Setting
from benchmarks.progress import Progress
from benchmarks.protocol import Protocol
from benchmarks.records import trecrun
from benchmarks.records.record import Record, rounded
from benchmarks.records.store import Store, file_name, read_json
from benchmarks.registry import variant_of
from benchmarks.retrieval.resolve import Build, canonical_spec, missing_for, open_indexes, resolve
from benchmarks.spec import Spec
from benchmarks.storage.atomic import write_json
from benchmarks.storage.cache import Cache


@dataclass
class Bench:
    """Where a run of the bench keeps things, and how it behaves."""

    cache: Cache
    store: Store
    checkpoint: Path | None = None
    seed: int = 0
    strict: bool = False
    efficiency: bool = True
    fresh: bool = False
    random_weights: bool = False
    progress: Progress = field(default_factory=Progress)


def run_cell(spec: Spec, collection_id: str, bench: Bench) -> Record:
    """Measure one variant on one collection, or take what was measured before under the same protocol.

    Raises any `BenchError`.
    """
    spec = canonical_spec(spec)
    if bench.checkpoint is None and (lacking := missing_for(spec)):
        bench.progress.say(f"    {spec}: {lacking}")
    collection = open_collection(collection_id, bench.cache, strict=bench.strict)
    _tell_problems(collection, bench.progress)
    setting = Setting(
        collection.conventions.language, bench.checkpoint, bench.seed, collection_id, bench.random_weights
    )
    searcher = resolve(spec, setting)
    protocol = protocol_of(searcher, collection)

    finished = _finished(spec, collection, protocol, bench)
    if finished is not None and (finished[0].efficiency or not bench.efficiency):
        bench.progress.say("    measured before on this machine; --fresh measures again")
        bench.store.write(*finished)
        return finished[0]
    build = open_indexes(
        searcher, collection, bench.cache, lambda stream: bench.progress.documents(stream, _size(collection))
    )
    if finished is not None:
        record, lines = finished
    else:
        depth = protocol.evaluation["depth"]
        run = search(searcher, collection.queries(), depth, drop_self=collection.conventions.drop_self)
        record, lines = _scored(spec, collection, protocol, run, bench)
    if bench.efficiency:
        record = record.with_efficiency(_efficiency(spec, collection_id, setting, protocol, build, bench))
    _finish(record, lines, bench.cache)
    bench.store.write(record, lines)
    return record


def protocol_of(searcher: Searcher, collection: Collection) -> Protocol:
    """Everything that can move the cell's numbers."""
    measures = collection.conventions.measures
    evaluation = {"depth": depth_of(measures), "measures": {name: provider(name) for name in measures}}
    return Protocol(collection.protocol, dict(searcher.protocol), evaluation)


def search(searcher: Searcher, queries: Sequence[Query], depth: int, *, drop_self: bool = False) -> Run:
    """The run of `queries`, cut at `depth`, in the ranking order whatever the retriever's own was.

    Raises `EvaluationError` when a query comes back without a ranking.
    """
    rankings = searcher.search(queries, depth + drop_self)
    if len(rankings) != len(queries):
        raise EvaluationError(f"{len(queries)} queries were asked and {len(rankings)} rankings came back")
    run: Run = {}
    for query, ranking in zip(queries, rankings, strict=True):
        if not isinstance(ranking, Ranking):
            raise EvaluationError(
                f"search gave {type(ranking).__name__} for a query; it owes a benchmarks.Ranking"
            )
        ids, scores = ranking.ids, ranking.scores
        run[query.id] = without(rank(ids, scores), query.id, depth) if drop_self else rank(ids, scores, depth)
    return run


def answer_hits(run: Run, collection: Collection, measures: Sequence[str]) -> Hits | None:
    """Which retrieved documents hold an answer, where a measure asks for it."""
    if not needs_answers(measures):
        return None
    depth = depth_of([name for name in measures if needs_answers([name])])
    return find_answers(run, collection.documents(), collection.answers(), depth)


def _scored(
    spec: Spec, collection: Collection, protocol: Protocol, run: Run, bench: Bench
) -> tuple[Record, bytes]:
    judgments = collection.judgments()
    evaluated = sum(query in run for query in judgments)
    if evaluated != len(judgments):
        raise EvaluationError(
            f"{len(judgments)} queries are judged and {evaluated} were answered; a mean needs all"
        )
    measures = collection.conventions.measures
    scores = evaluate(run, judgments, measures, answer_hits(run, collection, measures))
    lines = trecrun.dumps(run, file_name(str(spec)))
    found = collection.inspection
    record = Record(
        spec=str(spec),
        collection=collection.id,
        rung=_rung(spec, collection, bench),
        protocol=protocol,
        counts={
            "documents": found.documents, "queries": len(judgments), "evaluated": evaluated,
            "skipped": found.skipped, "doubtful": found.doubtful,
        },
        scores=rounded(scores),
        efficiency={},
        environment=describe(),
        seed=bench.seed,
        run_sha256=trecrun.digest(lines),
    )  # fmt: skip
    return record, lines


def _rung(spec: Spec, collection: Collection, bench: Bench) -> str:
    """The collection's rung; weights trained here or given by hand are never set against published numbers."""
    own_weights = bench.checkpoint is not None or any(
        variant_of(leaf)[1].trained_here for leaf in spec.leaves
    )
    return "lab" if own_weights and collection.conventions.rung == "paper" else collection.conventions.rung


def _efficiency(
    spec: Spec, collection_id: str, setting: Setting, protocol: Protocol, build: Build, bench: Bench
) -> dict[str, Any]:
    from benchmarks.efficiency.probe import measure

    bench.progress.say("    measuring latency in a process of its own")
    measured = measure(str(spec), collection_id, protocol.evaluation["depth"], setting, bench.cache.root)
    seconds = {name: round(value, 3) for name, value in sorted(build.seconds.items())}
    return {
        "build": {"index_bytes": build.bytes, "seconds": seconds},
        **measured,
    }


def _cell_folder(spec: str, collection: str, protocol: Protocol, cache: Cache) -> Path:
    return cache.cell(f"{protocol.fingerprint}-{file_name(spec)}-{file_name(collection)}"[:120])


def _finished(
    spec: Spec, collection: Collection, protocol: Protocol, bench: Bench
) -> tuple[Record, bytes] | None:
    """A cell finished earlier on this machine, with its run."""
    folder = _cell_folder(str(spec), collection.id, protocol, bench.cache)
    if bench.fresh or not (folder / "record.json").exists():
        return None
    try:
        record = Record.from_json(read_json(folder / "record.json"))
        lines = trecrun.read(folder / "run.trec.gz")
    except RecordError:
        # A cell whose files are damaged, or of another version's schema, is not finished.
        return None
    return (record, lines) if trecrun.digest(lines) == record.run_sha256 else None


def _finish(record: Record, lines: bytes, cache: Cache) -> None:
    folder = _cell_folder(record.spec, record.collection, record.protocol, cache)
    trecrun.write(folder / "run.trec.gz", lines)
    write_json(folder / "record.json", record.to_json())


def _size(collection: Collection) -> int:
    return collection.inspection.documents


def _tell_problems(collection: Collection, progress: Progress) -> None:
    found = collection.inspection
    if found.skipped or found.doubtful:
        progress.say(
            f"    {collection.id}: {found.skipped} items skipped, {found.doubtful} kept but doubtful, such as"
        )
        for problem in found.problems[:3]:
            progress.say(f"      {problem['where']}: {problem['what']}")
