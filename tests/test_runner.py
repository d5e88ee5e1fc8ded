"""One cell, and a grid of them."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from benchmarks.collections import open_collection
from benchmarks.errors import EvaluationError, UnknownName, UsageError
from benchmarks.evaluation.ranking import rank
from benchmarks.grid import run_grid
from benchmarks.interfaces import Query, Ranking
from benchmarks.records import trecrun
from benchmarks.runner import Bench, run_cell, search
from benchmarks.spec import parse


def test_a_cell_leaves_a_record_that_says_everything(bench: Bench) -> None:
    """Protocol, counts, scores of every judged query, environment, seed, and the run's hash."""
    record = run_cell(parse("lsa"), "synthetic/tiny", bench)
    assert record.spec == "lsa:svd256"
    assert record.rung == "synthetic"
    assert record.counts["evaluated"] == record.counts["queries"] == len(record.scores["nDCG@10"])
    assert record.protocol.retrieval["model"] == "lsa"
    assert record.protocol.evaluation["depth"] == 100
    lines = trecrun.read(bench.store.run_path(record.spec, record.collection))
    assert trecrun.digest(lines) == record.run_sha256
    assert 0 < record.means["nDCG@10"] < 1


def test_the_second_time_nothing_is_done(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A finished cell is recognised from its protocol; no index is opened, the files are the same bytes."""
    first = run_cell(parse("bm25"), "synthetic/tiny", bench)
    path = bench.store.record_path(first.spec, first.collection)
    before = path.read_bytes()
    path.unlink()

    def forbidden(*_: object) -> None:
        raise AssertionError("an index was opened")

    monkeypatch.setattr("benchmarks.runner.open_indexes", forbidden)
    run_cell(parse("bm25:flat"), "synthetic/tiny", bench)
    assert path.read_bytes() == before


def test_another_protocol_is_another_cell(bench: Bench) -> None:
    """A seed that moves an encoder is a new measurement, not a cached one."""
    first = run_cell(parse("lsa"), "synthetic/tiny", bench)
    bench.seed = 1
    second = run_cell(parse("lsa"), "synthetic/tiny", bench)
    assert first.protocol.fingerprint != second.protocol.fingerprint


def test_seeded_is_repeatable(bench: Bench, tmp_path: Path) -> None:
    """The same seed in an empty cache gives the same run, byte for byte."""
    from benchmarks.storage.cache import Cache

    hashes = set()
    for name in ("one", "two"):
        bench.cache = Cache(tmp_path / name)
        hashes.add(run_cell(parse("rerank(bm25,lsa,depth=50)"), "synthetic/tiny", bench).run_sha256)
    assert len(hashes) == 1


class Echo:
    """A searcher that finds the query's own document first, in no order."""

    protocol: ClassVar[dict[str, object]] = {}

    def search(self, queries: list[Query], depth: int) -> list[Ranking]:
        """The query itself and three others, as many as asked."""
        ids = ["b", "{}", "a", "c"][:depth]
        return [
            Ranking([i.format(q.id) for i in ids], np.array([1, 3, 1, 2][:depth], dtype=np.float32))
            for q in queries
        ]


def test_the_query_is_not_its_own_answer() -> None:
    """With the self-match rule one more is asked for, and the depth still holds."""
    queries = [Query("q1", "x"), Query("q2", "y")]
    assert search(Echo(), queries, 3)["q1"].ids == ["q1", "a", "b"]
    assert search(Echo(), queries, 3, drop_self=True)["q2"].ids == ["c", "a", "b"]


def test_a_retriever_that_loses_queries_fails_the_cell() -> None:
    """Fewer rankings than queries is no measurement."""

    class Lossy(Echo):
        def search(self, queries: list[Query], depth: int) -> list[Ranking]:
            return super().search(queries, depth)[:-1]

    with pytest.raises(EvaluationError, match="2 queries were asked and 1 rankings"):
        search(Lossy(), [Query("a", ""), Query("b", "")], 3)


def test_answers_are_looked_for_in_the_text(bench: Bench) -> None:
    """AnswerRecall@20 of a perfect run is 1: every question's passage tells its answer."""
    from benchmarks.evaluation.measures import evaluate, mean
    from benchmarks.runner import answer_hits

    collection = open_collection("synthetic/tiny", bench.cache)
    run = {
        query: rank(list(judged), np.array(list(judged.values()), dtype=np.float32))
        for query, judged in collection.judgments().items()
    }
    hits = answer_hits(run, collection, ["AnswerRecall@20"])
    assert mean(evaluate(run, collection.judgments(), ["AnswerRecall@20"], hits)["AnswerRecall@20"]) == 1.0


def test_a_grid_goes_on_past_what_cannot_run(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An unreachable collection costs one line and its own cells; the others run."""
    monkeypatch.setenv("IR_DATASETS_HOME", str(tmp_path))
    monkeypatch.setattr("benchmarks.collections.reach.reachable", lambda host: False)
    cells = [
        ("bm25:flat", "beir/scifact/test"),
        ("bm25:tuned", "beir/scifact/test"),
        ("bm25:flat", "synthetic/tiny"),
    ]
    outcome = run_grid(cells, bench)
    assert [record.collection for record in outcome.records] == ["synthetic/tiny"]
    assert len(outcome.not_run) == 2
    assert not outcome.failed


def test_wrong_names_end_a_grid_at_once(bench: Bench) -> None:
    """A name nobody knows is wrong use, not a failed cell."""
    with pytest.raises(UnknownName, match="did you mean bm25"):
        run_grid([("bm24", "synthetic/tiny")], bench)


def test_names_are_checked_before_anything_runs(bench: Bench) -> None:
    """A typing error in the last cell costs nothing of the first."""
    with pytest.raises(UsageError, match="no synthetic size 'tny'"):
        run_grid([("bm25:flat", "synthetic/tiny"), ("bm25:flat", "synthetic/tny")], bench)
    assert not bench.store.paths()


def test_what_is_wrong_with_one_cell_fails_that_cell(bench: Bench) -> None:
    """An index key that does not fit 300 documents is no reason to stop."""
    outcome = run_grid([("lsa@[IVF512,Flat]", "synthetic/tiny"), ("bm25", "synthetic/tiny")], bench)
    assert "cannot be trained" in outcome.failed["lsa@[IVF512,Flat]", "synthetic/tiny"]
    assert len(outcome.records) == 1


def test_a_damaged_cell_is_a_cell_that_is_not_finished(bench: Bench) -> None:
    """Half a cached record, or no cached run: the cell runs again and says the same."""
    first = run_cell(parse("bm25"), "synthetic/tiny", bench)
    (record,) = bench.cache.root.glob("cells/*/record.json")
    record.write_text(record.read_text().replace('"schema": 1', '"schema": 0'))
    assert run_cell(parse("bm25"), "synthetic/tiny", bench).run_sha256 == first.run_sha256
    for name in ("record.json", "run.trec.gz"):
        (path,) = bench.cache.root.glob(f"cells/*/{name}")
        path.write_bytes(path.read_bytes()[:100])
        assert run_cell(parse("bm25"), "synthetic/tiny", bench).run_sha256 == first.run_sha256


def test_approximate_indexes_declare_what_they_search_with() -> None:
    """efSearch and nprobe are in the protocol, given or not."""
    from benchmarks.retrieval.dense import DenseRetriever
    from benchmarks.spec import IndexKey
    from tests.retrieval.stubs import HashEncoder

    def searched_with(key: IndexKey) -> object:
        return DenseRetriever(HashEncoder(), key).protocol["index"]["parameters"]

    assert searched_with(IndexKey("HNSW32")) == {"efSearch": 256}
    assert searched_with(IndexKey("HNSW32", (("efSearch", 40),))) == {"efSearch": 40}
    assert searched_with(IndexKey("IVF64,PQ48")) == {"nprobe": 16}
