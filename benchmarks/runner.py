"""One cell, read top to bottom: load, index, search, rank, score, time, record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.collections.collection import Collection, open_collection
from benchmarks.efficiency.foresight import check_room
from benchmarks.environment import describe
from benchmarks.errors import EvaluationError, RecordError, UsageError
from benchmarks.evaluation import reading
from benchmarks.evaluation.answers import MATCHING, find_answers
from benchmarks.evaluation.measures import Hits, depth_of, evaluate, needs_answers, provider
from benchmarks.evaluation.ranking import rank, without
from benchmarks.generation.asking import ask
from benchmarks.interfaces import Answer, Query, Ranking, Run, Searcher, Setting
from benchmarks.progress import Progress
from benchmarks.protocol import CANDIDATES, Protocol
from benchmarks.records import answers as answer_file
from benchmarks.records import trecrun
from benchmarks.records.record import Record, rounded
from benchmarks.records.store import Store, file_name, read_json, seed_mark
from benchmarks.registry import trained_leaves, variant_of
from benchmarks.retrieval.reading import Reading
from benchmarks.retrieval.resolve import (
    Build,
    Track,
    canonical_spec,
    keeps_texts,
    missing_for,
    open_indexes,
    open_texts,
    resolve,
    training_of,
)
from benchmarks.retrieval.texts import TextStore
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


@dataclass(frozen=True)
class _Finished:
    """A cell that was measured: its record, the lines of its run, and its answers where it reads."""

    record: Record
    run: bytes
    answers: bytes = b""


def run_cell(spec: Spec, collection_id: str, bench: Bench) -> Record:
    """Measure one variant on one collection, or take what was measured before under the same protocol.

    Raises any `BenchError`.
    """
    spec = canonical_spec(spec)
    if bench.checkpoint is not None:
        _check_one_model(spec)
    own_weights = bench.checkpoint is not None or bench.random_weights
    # Of what is trained here the seed counts, and without its weights the cell says so itself.
    if not own_weights and not trained_leaves(spec) and (lacking := missing_for(spec)):
        bench.progress.say(f"    {spec}: {lacking}")
    collection = open_collection(collection_id, bench.cache, strict=bench.strict)
    _tell_problems(collection, bench.progress)
    setting = Setting(
        collection.conventions.language, bench.checkpoint, bench.seed, collection_id, bench.random_weights,
        generations=bench.store.generations,
    )  # fmt: skip
    searcher = resolve(spec, setting)
    protocol = protocol_of(searcher, collection)
    _check_seed(spec, collection_id, protocol, bench)

    finished = _finished(spec, collection, protocol, bench)
    # Candidates are there already: nothing is searched.
    efficiency = bench.efficiency and protocol.retrieval.get("kind") != CANDIDATES
    if finished is not None and (finished.record.efficiency or not efficiency):
        bench.progress.say("    measured before on this machine; --fresh measures again")
        return _kept(finished, bench)
    check_room(searcher, collection, bench.cache, bench.progress)
    build = open_indexes(searcher, collection, bench.cache, _track(collection, bench))
    if generation := ask(searcher, collection.queries(), bench.progress):
        # What was answered is part of the protocol.
        protocol = protocol_of(searcher, collection)
    if finished is None:
        finished = _measured(spec, searcher, collection, protocol, bench)
        finished = replace(finished, record=replace(finished.record, generation=generation))
    if efficiency:
        cost = _efficiency(spec, collection_id, setting, protocol, build, bench)
        finished = replace(finished, record=finished.record.with_efficiency(cost))
    _finish(finished, bench.cache)
    return _kept(finished, bench)


def keep(spec: Spec, searcher: Searcher, collection: Collection, bench: Bench) -> Record:
    """Measure what needs no index and no resolving, and keep its record. Raises any `BenchError`."""
    protocol = protocol_of(searcher, collection)
    return _kept(_measured(spec, searcher, collection, protocol, bench), bench)


def _check_one_model(spec: Spec) -> None:
    """Raise `UsageError` where one folder of weights would be given to two models."""
    models = {leaf.baseline: str(leaf) for leaf in spec.leaves if variant_of(leaf)[1].needs}
    if len(models) > 1:
        raise UsageError(
            f"{spec}: --checkpoint gives weights to one model, and {' and '.join(models.values())} need some"
        )


def _check_seed(spec: Spec, collection: str, protocol: Protocol, bench: Bench) -> None:
    """Raise `EvaluationError` where a trained variant's protocol does not tell its seeds apart.

    Indexes are named by protocols: the vectors of one seed would be taken for the other's.
    """
    if not trained_leaves(spec):
        return
    for record in bench.store.seeds(str(spec), collection):
        if record.seed != bench.seed and record.protocol.fingerprint == protocol.fingerprint:
            raise EvaluationError(
                f"{spec}: the seeds {record.seed} and {bench.seed} have one protocol; "
                "the encoder's must name its weights, or the seed that made them"
            )


def protocol_of(searcher: Searcher, collection: Collection) -> Protocol:
    """Everything that can move the cell's numbers. Raises `UsageError` for reading without answers."""
    measures = collection.conventions.measures
    providers = {name: provider(name) for name in measures}
    if isinstance(searcher, Reading):
        if not collection.answers():
            raise UsageError(f"{collection.id} has no answers, so nothing that is read can be scored")
        providers |= dict.fromkeys(reading.MEASURES[collection.conventions.answers], reading.PROVIDER)
    # A correlation is over all pairs, so none is cut off.
    depth = collection.inspection.documents if collection.conventions.kind == "pairs" else depth_of(measures)
    evaluation = {"depth": depth, "measures": providers}
    return Protocol(collection.protocol, dict(searcher.protocol), evaluation)


def search(searcher: Searcher, queries: Sequence[Query], depth: int, *, drop_self: bool = False) -> Run:
    """The run of `queries`, cut at `depth`, in the ranking order whatever the retriever's own was.

    Raises `EvaluationError` when a query comes back without a ranking.
    """
    return _run(queries, searcher.search(queries, depth + drop_self), depth, drop_self=drop_self)


def _run(queries: Sequence[Query], rankings: Sequence[Ranking], depth: int, *, drop_self: bool) -> Run:
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


def answer_hits(
    run: Run, collection: Collection, measures: Sequence[str], texts: TextStore | None = None
) -> Hits | None:
    """Which retrieved documents hold an answer, where a measure asks for it: looked up in `texts`, or streamed."""
    if not needs_answers(measures):
        return None
    depth = depth_of([name for name in measures if needs_answers([name])])
    answers, holds = collection.answers(), MATCHING[collection.conventions.answers]
    if texts is None:
        return find_answers(run, collection.documents(), answers, depth, holds)
    hits: dict[str, list[bool]] = {}
    for query, ranking in run.items():
        hits |= find_answers({query: ranking}, texts.get(ranking.ids[:depth]), answers, depth, holds)
    return hits


def _measured(
    spec: Spec, searcher: Searcher, collection: Collection, protocol: Protocol, bench: Bench
) -> _Finished:
    queries, depth = collection.queries(), protocol.evaluation["depth"]
    drop_self = collection.conventions.drop_self
    if not isinstance(searcher, Reading):
        run = search(searcher, queries, depth, drop_self=drop_self)
        return _scored(spec, searcher, collection, protocol, run, bench)
    rankings, said = searcher.read(queries, depth + drop_self)
    run = _run(queries, rankings, depth, drop_self=drop_self)
    answers = {query.id: answer for query, answer in zip(queries, said, strict=True)}
    return _scored(spec, searcher, collection, protocol, run, bench, answers)


def _scored(
    spec: Spec,
    searcher: Searcher,
    collection: Collection,
    protocol: Protocol,
    run: Run,
    bench: Bench,
    answers: Mapping[str, Answer] | None = None,
) -> _Finished:
    judgments = collection.judgments()
    evaluated = sum(query in run for query in judgments)
    if evaluated != len(judgments):
        raise EvaluationError(
            f"{len(judgments)} queries are judged and {evaluated} were answered; a mean needs all"
        )
    measures = collection.conventions.measures
    kept = keeps_texts(measures, _size(collection))
    texts = open_texts(collection, bench.cache, _track(collection, bench)) if kept else None
    scores = evaluate(run, judgments, measures, answer_hits(run, collection, measures, texts))
    if answers is not None:
        scores |= reading.score_answers(
            answers, collection.answers(), judgments, collection.conventions.answers
        )
    lines = trecrun.dumps(run, file_name(str(spec)))
    said = answer_file.dumps(answers) if answers is not None else b""
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
        answers_sha256=trecrun.digest(said) if said else "",
        training=training_of(searcher),
    )  # fmt: skip
    return _Finished(record, lines, said)


def _rung(spec: Spec, collection: Collection, bench: Bench) -> str:
    """The collection's rung; weights trained here or given by hand are never set against published numbers."""
    own_weights = bench.checkpoint is not None or bool(trained_leaves(spec))
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


def _cell_folder(spec: str, collection: str, protocol: Protocol, seed: int, cache: Cache) -> Path:
    # The seed besides: of a variant that draws nothing, the protocol does not tell it.
    name = f"{protocol.fingerprint}{seed_mark(seed)}-{file_name(spec)}-{file_name(collection)}"
    return cache.cell(name[:120])


def _finished(spec: Spec, collection: Collection, protocol: Protocol, bench: Bench) -> _Finished | None:
    """A cell finished earlier on this machine."""
    folder = _cell_folder(str(spec), collection.id, protocol, bench.seed, bench.cache)
    if bench.fresh or not (folder / "record.json").exists():
        return None
    try:
        record = Record.from_json(read_json(folder / "record.json"))
        lines = trecrun.read(folder / "run.trec.gz")
        said = trecrun.read(folder / "answers.json.gz") if record.answers_sha256 else b""
    except RecordError:
        # A cell whose files are damaged, or of another version's schema, is not finished.
        return None
    hashes = (trecrun.digest(lines), trecrun.digest(said) if said else "")
    whole = hashes == (record.run_sha256, record.answers_sha256)
    return _Finished(record, lines, said) if whole else None


def _finish(finished: _Finished, cache: Cache) -> None:
    record = finished.record
    folder = _cell_folder(record.spec, record.collection, record.protocol, record.seed, cache)
    trecrun.write(folder / "run.trec.gz", finished.run)
    if finished.answers:
        trecrun.write(folder / "answers.json.gz", finished.answers)
    write_json(folder / "record.json", record.to_json())


def _kept(finished: _Finished, bench: Bench) -> Record:
    record = finished.record
    if not record.efficiency:
        # What was timed before is not lost to a measurement without: the retriever is the same.
        there = bench.store.find(record.spec, record.collection, record.seed)
        if there and (there.protocol, there.run_sha256) == (record.protocol, record.run_sha256):
            record = record.with_efficiency(there.efficiency)
    bench.store.write(record, finished.run, finished.answers)
    return record


def _track(collection: Collection, bench: Bench) -> Track:
    return lambda stream: bench.progress.documents(stream, _size(collection))


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
