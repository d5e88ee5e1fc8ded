"""The gate: what was planted is caught and named, what did not change raises nothing, what was not measured is no success."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from baselines.bm25 import baseline as bm25
from benchmarks.collections import collection as collections
from benchmarks.interfaces import Document, FloatArray, Query, Ranking, Setting
from benchmarks.progress import Progress
from benchmarks.records.store import Store
from benchmarks.registry import Baseline, Variant, baselines
from benchmarks.regressions.gate import Gate, run_gate
from benchmarks.regressions.history import accept
from benchmarks.regressions.quality import CHANGED, UNCHANGED, Change
from benchmarks.rendering.regressions import comment, to_json
from benchmarks.retrieval.dense import DenseRetriever
from benchmarks.retrieval.shards import Shards
from benchmarks.spec import IndexKey
from tests.retrieval.stubs import HashEncoder

WORLD = "synthetic/tiny"
LSA = ("lsa:svd256", WORLD)
BM25 = ("bm25:flat", WORLD)
Measure = Callable[..., Gate]


@pytest.fixture
def measure(tmp_path: Path) -> Measure:
    """The gate over cells, in scratch; the first time what it measures is accepted."""
    accepted, folder = Store(tmp_path / "accepted"), tmp_path / "fresh"

    def measured(*cells: tuple[str, str]) -> Gate:
        gate = run_gate(cells, accepted, folder, None, Progress(quiet=True))
        if not accepted.paths():
            accept(Store(folder / "results"), accepted, "the first")
        return gate

    return measured


def moved(measure: Measure, cell: tuple[str, str]) -> Change:
    """The change of a cell that was planted between two measurements."""
    gate = measure(cell)
    (change,) = gate.changes.values()
    assert not gate.passed
    assert change.word == CHANGED
    return change


def test_nothing_accepted_is_nothing_compared(measure: Measure) -> None:
    """The first measurement of a cell has nothing to be held against, and that is said."""
    gate = measure(BM25)
    assert not gate.passed
    assert "nothing was accepted yet" in gate.unmeasured[BM25]
    assert "Nothing was compared" in comment(gate)


def test_no_change_is_no_change(measure: Measure) -> None:
    """With the indexes built anew; the comment is short, and the same as JSON."""
    measure(BM25, LSA)
    gate = measure(BM25, LSA)
    assert gate.passed
    assert {change.word for change in gate.changes.values()} == {UNCHANGED}
    assert "Nothing moved" in comment(gate)
    assert json.loads(json.dumps(to_json(gate)))["passed"] is True


def test_what_cannot_be_had_is_no_success(measure: Measure, monkeypatch: pytest.MonkeyPatch) -> None:
    """A collection that is not here is named, beside what was compared; nor does a grid of nothing pass."""
    measure(BM25)
    monkeypatch.setattr("benchmarks.grid.unavailable", lambda id: "" if id == WORLD else "not on this disk")
    away = ("bm25:flat", "beir/scifact/test")
    gate = measure(BM25, away)
    assert gate.changes[BM25].word == UNCHANGED
    assert gate.unmeasured == {away: "not on this disk"}
    assert not gate.passed
    assert "### Could not be measured" in comment(gate)
    assert not measure().passed


def test_a_changed_stemmer(measure: Measure, monkeypatch: pytest.MonkeyPatch) -> None:
    """The code's: scores move under an equal protocol. Each moved query has the rank of its first relevant document."""
    measure(BM25)
    monkeypatch.setattr("benchmarks.retrieval.analysis._stem", lambda word: word[:3])
    change = moved(measure, BM25)
    assert change.causes == (
        "protocol and environment are as they were: the code has changed, or what it stored",
    )
    assert change.count >= len(change.moved) > 0
    assert all(one.rank_before != 0 or one.rank_after != 0 for one in change.moved if one.before != one.after)
    sizes = [abs(one.after - one.before) for one in change.moved]
    assert sizes == sorted(sizes, reverse=True)


def test_titles_left_out(measure: Measure, monkeypatch: pytest.MonkeyPatch) -> None:
    """A document that is its text alone."""
    measure(BM25)
    monkeypatch.setattr(Document, "contents", property(lambda self: self.text))
    assert moved(measure, BM25).count


def test_a_declared_change_is_named(measure: Measure, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the field, what it was and what it is: here the constant of BM25."""
    measure(BM25)
    tuned = replace(bm25, variants={**bm25.variants, "flat": bm25.variants["tuned"]})
    known = {**baselines(), "bm25": tuned}
    monkeypatch.setattr("benchmarks.registry.baselines", lambda: known)
    (why,) = moved(measure, BM25).causes
    assert "the protocol's retrieval differs" in why
    assert "k1 was 0.9, is 0.82" in why


def test_scores_of_half_precision(measure: Measure, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever they do to the measures."""
    measure(LSA)
    search = DenseRetriever.search

    def rounded(self: DenseRetriever, queries: Sequence[Query], depth: int) -> list[Ranking]:
        return [
            Ranking(one.ids, one.scores.astype(np.float16).astype(np.float32))
            for one in search(self, queries, depth)
        ]

    monkeypatch.setattr(DenseRetriever, "search", rounded)
    assert "all scores have become float16" in moved(measure, LSA).causes


def test_a_shard_in_another_order(measure: Measure, monkeypatch: pytest.MonkeyPatch) -> None:
    """Vectors that lie under other documents' ids."""
    measure(LSA)
    write = Shards._write

    def shuffled(self: Shards, arrays: Any, shard: list[Document], number: int) -> None:
        write(self, lambda some: {name: array[::-1] for name, array in arrays(some).items()}, shard, number)

    monkeypatch.setattr(Shards, "_write", shuffled)
    (why,) = moved(measure, LSA).causes
    assert "vectors and ids are out of step" in why


class Prefixed(HashEncoder):
    """Puts words before a query, and says so."""

    def __init__(self, prefix: str) -> None:
        super().__init__()
        self._prefix = prefix

    @property
    def protocol(self) -> dict[str, Any]:
        """With the words."""
        return {**super().protocol, "query_prefix": self._prefix}

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        """Of the words and each text."""
        return super().encode_queries([self._prefix + text for text in texts])


@pytest.mark.parametrize(
    ("planted", "named"),
    [
        (lambda _: Prefixed(""), "query_prefix was query: , is "),
        (lambda _: DenseRetriever(Prefixed("query: "), IndexKey("PQ8")), "index was exact, is absent"),
    ],
)
def test_a_prefix_dropped_and_a_lossy_index(
    planted: Callable[[Setting], Any], named: str, measure: Measure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of an encoder that is somebody's plugin."""

    def declare(build: Callable[[Setting], Any]) -> None:
        mine = Baseline("mine", "", {"one": Variant(build, "")})
        monkeypatch.setattr("benchmarks.registry.baselines", lambda: {"mine": mine})

    declare(lambda _: Prefixed("query: "))
    cell = ("mine:one", WORLD)
    measure(cell)
    declare(planted)
    (why,) = moved(measure, cell).causes
    assert named in why


def test_the_self_match_kept(measure: Measure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a change of the collection's conventions, and by a defect that no protocol tells."""
    folder = tmp_path / "own"
    (folder / "qrels").mkdir(parents=True)
    texts = {f"d{n}": f"word{n} word{n + 1} common" for n in range(6)}
    for name, lines in (
        ("corpus.jsonl", [{"_id": id, "title": "", "text": text} for id, text in texts.items()]),
        ("queries.jsonl", [{"_id": id, "text": text} for id, text in texts.items()]),
    ):
        (folder / name).write_text("".join(json.dumps(line) + "\n" for line in lines))
    judged = "".join(f"d{n}\td{(n + 1) % 6}\t1\n" for n in range(6))
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + judged)
    cell = ("bm25:flat", f"folder:{folder}")
    plain = collections.conventions_of
    dropping = lambda id: replace(plain(id), drop_self=True)  # noqa: E731
    with monkeypatch.context() as patched:
        patched.setattr(collections, "conventions_of", dropping)
        measure(cell)
    declared = moved(measure, cell)
    assert "self_match was dropped, is kept" in declared.causes[0]
    monkeypatch.setattr(collections, "conventions_of", dropping)
    monkeypatch.setattr("benchmarks.runner.without", lambda ranking, id, depth: ranking)
    defect = moved(measure, cell)
    assert defect.causes == ("6 queries now find themselves: the self-match rule",)
    assert {one.rank_before < one.rank_after for one in defect.moved} == {True}
