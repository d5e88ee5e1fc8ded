"""Recomputes every number of every record from its run and the judgments, with no model.

What a record says is checked against its own digest, its protocol's fingerprint, its run's hash,
the judgments on this disk, and the scores computed afresh. Whether a passage holds an answer is looked up in
the collection's texts; those of more than a million documents are not read through, but taken from the cache
of a machine that has measured there: elsewhere answer recall is named as not recomputed.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence, Set
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

from benchmarks.collections.collection import Collection, open_judged
from benchmarks.collections.conventions import missing
from benchmarks.environment import cores
from benchmarks.errors import BenchError, MissingData, RecordError
from benchmarks.evaluation.measures import Scores, evaluate, needs_answers
from benchmarks.evaluation.reading import MEASURES, score_answers
from benchmarks.interfaces import Run
from benchmarks.records import answers as answer_file
from benchmarks.records import trecrun
from benchmarks.records.record import Record, digest_of, rounded
from benchmarks.records.store import Store, read_json
from benchmarks.registry import trained_leaves
from benchmarks.retrieval.resolve import kept_texts
from benchmarks.retrieval.texts import STREAMED, TextStore
from benchmarks.runner import answer_hits
from benchmarks.spec import parse
from benchmarks.storage.cache import Cache

MANY = 100
"""So many records are worth processes of their own, which take seconds to start."""

_TOLERANCE = 1.5e-6
"""Scores are kept to six decimals; another machine's logarithms may round the last one differently."""


@dataclass
class Verification:
    """What was checked, what is wrong, and which records could not be recomputed here, with the reason."""

    records: int = 0
    numbers: int = 0
    problems: list[str] = field(default_factory=list)
    not_recomputed: dict[str, str] = field(default_factory=dict)


def verify_records(store: Store) -> Verification:
    """Check every record of a store: collection after collection, or, where there are many, one on each core."""
    paths = store.paths()
    groups = [[*group] for _, group in itertools.groupby(sorted(paths, key=_cell), key=_cell)]
    if len(paths) < MANY:
        found = [_verify(store, group) for group in groups]
    else:
        groups.sort(key=len, reverse=True)  # the longest first, so that none is waited for in the end
        with ProcessPoolExecutor(cores(), mp_context=get_context("spawn")) as pool:
            found = [*pool.map(_verify, itertools.repeat(store), groups)]
    result = Verification(sum(part.records for part in found), sum(part.numbers for part in found))
    result.problems = sorted(line for part in found for line in part.problems) + _strays(store)
    result.not_recomputed = {path: why for part in found for path, why in part.not_recomputed.items()}
    return result


def _cell(path: Path) -> str:
    """Whatever the file name says of the collection: seeds and variants lie side by side."""
    return re.sub(r"(\.seed\d+)?\.json$", "", path.name)


def _verify(store: Store, paths: Sequence[Path]) -> Verification:
    """Check the records of a collection."""
    result = Verification()
    judged: dict[str, Collection | str] = {}
    trained: dict[tuple[str, str, str], Path] = {}
    for path in paths:
        result.records += 1
        try:
            record, run = _consistent(path, store)
            _check_seed(path, record, trained)
            if record.collection not in judged:
                judged[record.collection] = _judged(record.collection)
            collection = judged[record.collection]
            if isinstance(collection, str):
                result.not_recomputed[str(path)] = collection
                continue
            recomputed = _recomputed(path, record, run, collection, store)
            result.numbers += sum(len(record.scores[name]) + 1 for name in recomputed)
            if recomputed != record.scores.keys():
                result.not_recomputed[str(path)] = (
                    f"answer recall on {record.collection}: this machine's cache does not hold its "
                    f"{record.counts['documents']:,} texts"
                )
        except BenchError as error:
            result.problems.append(str(error))
    return result


def _check_seed(path: Path, record: Record, trained: dict[tuple[str, str, str], Path]) -> None:
    """Raise `RecordError` where two seeds of one trained variant have one protocol: which weights were they?"""
    if trained_leaves(parse(record.spec)):
        cell = (record.spec, record.collection, record.protocol.fingerprint)
        other = trained.setdefault(cell, path)
        if other != path:
            raise RecordError(f"{path}: has the protocol of another seed ({other.name})")


def _strays(store: Store) -> list[str]:
    """Runs and answers that no record accounts for."""
    problems = []
    for ending, kind in ((".trec.gz", "this run"), (".answers.json.gz", "these answers")):
        for path in sorted((store.root / "runs").glob(f"*/*{ending}")):
            record = store.root / "records" / path.parent.name / f"{path.name.removesuffix(ending)}.json"
            if not record.exists():
                problems.append(f"{path}: no record belongs to {kind}")
    return problems


def _consistent(path: Path, store: Store) -> tuple[Record, Run]:
    """The record and its run, if the record is what it says it is."""
    value = read_json(path)
    record = Record.from_json(value)
    if value["digest"] != digest_of(value):
        raise RecordError(f"{path}: its digest does not fit; something in it was changed by hand")
    if value["fingerprint"] != record.protocol.fingerprint:
        raise RecordError(f"{path}: its fingerprint is not that of its protocol")
    if value["means"] != record.means:
        raise RecordError(f"{path}: its means are not those of its scores")
    cell = (record.spec, record.collection, record.seed)
    if path != store.record_path(*cell):
        raise RecordError(
            f"{path}: holds {record.spec} on {record.collection}, seed {record.seed}, which belongs elsewhere"
        )
    if record.counts["evaluated"] != record.counts["queries"]:
        raise RecordError(
            f"{path}: {record.counts['evaluated']} of {record.counts['queries']} queries were evaluated"
        )
    run_path = store.run_path(*cell)
    lines = trecrun.read(run_path)
    if trecrun.digest(lines) != record.run_sha256:
        raise RecordError(f"{run_path}: is not the run its record was made from")
    return record, trecrun.loads(lines)


def _judged(id: str) -> Collection | str:
    """The collection's judgments, or why they are not here. Nothing is downloaded."""
    if id.startswith("folder:"):
        return "a folder's judgments are known where it lies, not by its name"
    if absent := missing(id):
        return f"{id} is {absent}"
    try:
        return open_judged(id)
    except MissingData as error:
        return str(error)


def _recomputed(path: Path, record: Record, run: Run, collection: Collection, store: Store) -> Set[str]:
    """The measures that were recomputed from the run, the answers and the judgments.

    Raises `RecordError` unless they give the record's scores.
    """
    for name, found in (
        ("judgments", collection.inspection.judgments_sha256),
        ("queries", collection.inspection.queries_sha256),
    ):
        if found != record.protocol.collection[name]:
            raise RecordError(
                f"{path}: the {name} of {record.collection} on this disk are not those it was scored with"
            )
    read = MEASURES[collection.conventions.answers] if record.answers_sha256 else ()
    measures = [name for name in record.scores if name not in read]
    texts = _texts(record)
    if texts is not None and not texts.finished:
        measures = [name for name in measures if not needs_answers([name])]
    hits = answer_hits(run, collection, measures, texts)
    scores = evaluate(run, collection.judgments(), measures, hits)
    if read:
        scores |= _read(record, collection, store)
    _compare(path, record, rounded(scores))
    return scores.keys()


def _texts(record: Record) -> TextStore | None:
    """Where the texts of a collection that is too large to be read through would be kept."""
    if record.counts["documents"] <= STREAMED:
        return None
    return kept_texts(Cache.default(), record.protocol.collection["documents"])


def _read(record: Record, collection: Collection, store: Store) -> Scores:
    path = store.answers_path(record.spec, record.collection, record.seed)
    content = trecrun.read(path)
    if trecrun.digest(content) != record.answers_sha256:
        raise RecordError(f"{path}: these are not the answers its record was made from")
    said, right = answer_file.loads(content), collection.answers()
    return score_answers(said, right, collection.judgments(), collection.conventions.answers)


def _compare(path: Path, record: Record, scores: Scores) -> None:
    for measure, expected in scores.items():
        recorded = record.scores[measure]
        if recorded.keys() != expected.keys():
            raise RecordError(f"{path}: {measure} covers other queries than the judgments")
        for query, value in expected.items():
            if abs(value - recorded[query]) > _TOLERANCE:
                raise RecordError(
                    f"{path}: {measure} of query {query} is {recorded[query]}, recomputed {value}"
                )
