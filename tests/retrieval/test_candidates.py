"""Candidates: the ranking that comes with a collection."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.collections import open_collection
from benchmarks.conformance import DOCUMENTS, QUERIES, check_retriever
from benchmarks.errors import EvaluationError, MissingData
from benchmarks.grid import run_grid
from benchmarks.interfaces import Query, Setting
from benchmarks.retrieval.candidates import CandidateRetriever
from benchmarks.retrieval.resolve import open_indexes, resolve
from benchmarks.runner import Bench, run_cell
from benchmarks.spec import parse

COLLECTION = "trec-dl-pool/dl19"


@pytest.fixture
def candidates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], CandidateRetriever]:
    """Candidates of a collection whose run has the given lines."""
    monkeypatch.setenv("RETRIEVER_BENCH_DATA", str(tmp_path))

    def write(lines: str) -> CandidateRetriever:
        path = tmp_path / "trec-dl-pool/runs/bm25.dl19.trec.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(lines.encode()))
        return CandidateRetriever(COLLECTION, "bm25")

    return write


@pytest.mark.parametrize(
    ("collection", "known"), [("trec-dl-pool/dl19", 0.5058), ("trec-dl-pool/dl20", 0.4796)]
)
def test_the_score_of_the_run_is_the_published_one(
    collection: str, known: float, needs: Callable[[str], str], bench: Bench
) -> None:
    """The official BM25 of TREC DL 2019 and 2020 keeps its nDCG@10 to the printed digit."""
    record = run_cell(parse("candidates:bm25"), needs(collection), bench)
    assert round(record.means["nDCG@10"], 4) == known


def test_candidates_keep_the_contract(
    candidates: Callable[[str], CandidateRetriever], tmp_path: Path
) -> None:
    """Ranking order, types, depth, and the same again when opened a second time."""
    lines = "".join(f"{q.id} Q0 {d.id} 1 {n % 3} x\n" for q in QUERIES for n, d in enumerate(DOCUMENTS))
    check_retriever(candidates(lines), candidates(lines), tmp_path / "index")


def test_scores_decide_and_not_the_ranks(candidates: Callable[[str], CandidateRetriever]) -> None:
    """The ranking order is the bench's: score descending, then id; a query the run lacks finds nothing."""
    retriever = candidates("q Q0 c 1 1.5 x\nq Q0 b 2 2 x\nq Q0 a 3 2 x\n")
    first, second = retriever.search([Query("q", ""), Query("other", "")], 2)
    assert first.ids == ["a", "b"]
    assert first.scores.tolist() == [2.0, 2.0]
    assert second.ids == []


def test_another_run_is_another_protocol(candidates: Callable[[str], CandidateRetriever]) -> None:
    """The hash is of the rankings: tags and ranks do not move it, one score does."""
    one = candidates("q Q0 a 1 2 x\nq Q0 b 2 1 x\n").protocol
    same = candidates("q Q0 b 7 1 y\nq Q0 a 9 2 y\n").protocol
    other = candidates("q Q0 a 1 2 x\nq Q0 b 2 1.5 x\n").protocol
    assert one == same
    assert one["sha256"] != other["sha256"]


def test_candidates_without_scores_are_taken_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """MS MARCO's top 1000 has no order: a cut is refused and the depth that takes all is named."""

    class Pairs:
        def __init__(self, id: str) -> None:
            assert id == "msmarco-passage/dev/small"

        def candidates(self) -> Iterator[tuple[str, str, float]]:
            return iter([("q", "b", 0.0), ("q", "a", 0.0), ("q", "c", 0.0)])

    monkeypatch.setattr("benchmarks.retrieval.candidates.DatasetSource", Pairs)
    retriever = CandidateRetriever("msmarco-passage/dev/small", "bm25")
    assert retriever.search([Query("q", "")], 3)[0].ids == ["a", "b", "c"]
    assert retriever.protocol["scored"] is False
    with pytest.raises(EvaluationError, match=r"no best 2; take them all with rerank\(..., depth=3\)"):
        retriever.search([Query("q", "")], 2)


def test_a_collection_without_candidates_is_one_line(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its cell is not run, and collections that have candidates are named; so is a file that is not there."""
    outcome = run_grid([("candidates:bm25", "synthetic/tiny"), ("bm25:flat", "synthetic/tiny")], bench)
    (why,) = outcome.not_run.values()
    assert why.startswith("synthetic/tiny has no candidates named 'bm25'; collections that have some: ")
    assert "trec-dl-pool/dl19" in why
    assert len(outcome.records) == 1
    monkeypatch.setenv("RETRIEVER_BENCH_DATA", str(tmp_path))
    with pytest.raises(MissingData, match=r"has no trec-dl-pool/runs/bm25\.dl19\.trec\.gz"):
        CandidateRetriever(COLLECTION, "bm25").search([Query("q", "")], 1)


def test_a_re_ranking_orders_exactly_the_candidates(
    candidates: Callable[[str], CandidateRetriever], bench: Bench
) -> None:
    """Whatever the second stage scores, what comes back are the first stage's documents."""
    collection = open_collection("synthetic/tiny", bench.cache)
    queries = collection.queries()[:3]
    ids = [document.id for document in collection.documents()][:5]
    candidates(
        "".join(f"{query.id} Q0 {id} 1 {place} x\n" for query in queries for place, id in enumerate(ids))
    )
    searcher = resolve(parse("rerank(candidates:bm25,bm25,depth=4)"), Setting(collection=COLLECTION))
    open_indexes(searcher, collection, bench.cache)
    assert all(set(ranking.ids) == set(ids[1:]) for ranking in searcher.search(queries, 10))
