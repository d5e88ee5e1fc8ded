"""Candidates from a faiss index over token vectors, and the keys that ask for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.errors import UsageError
from benchmarks.evaluation.ranking import rank
from benchmarks.interfaces import Document, Query, Setting
from benchmarks.retrieval.late import LateInteraction
from benchmarks.retrieval.latecandidates import CandidateSearch
from benchmarks.retrieval.latekeys import STORED, late_interaction
from benchmarks.retrieval.resolve import resolve
from benchmarks.spec import Leaf, parse
from tests.retrieval.stubs import Ragged

DOCUMENTS = [Document(f"d{number}", "", "x" * (number % 23) + str(number)) for number in range(3000)]
QUERIES = [Query(f"q{number}", f"query {number}") for number in range(20)]


def made(key: str, folder: Path) -> LateInteraction:
    """A retriever of the stub's vectors, its index built in `folder`; no key, exact."""
    leaf = parse(f"ragged@{key}" if key else "ragged")
    assert isinstance(leaf, Leaf)
    retriever = late_interaction(Ragged(), leaf.index, 0)
    retriever.index(DOCUMENTS, folder)
    return retriever


@pytest.mark.parametrize(
    "key", ["Flat", "[IVF16,Flat;nprobe=16]", "[float32,IVF16,SQ8;nprobe=16,nearest=2000]"]
)
def test_candidates_hold_the_exact_best(key: str, tmp_path: Path) -> None:
    """Where every cell is probed, nine in ten of the exact ten best come first with the very same scores."""
    exact, found = made("", tmp_path / "a").search(QUERIES, 10), made(key, tmp_path / "b").search(QUERIES, 10)
    shares = []
    for a, b in zip(exact, found, strict=True):
        scores = dict(zip(a.ids, a.scores.tolist(), strict=True))
        shared = [
            (scores[id], score) for id, score in zip(b.ids, b.scores.tolist(), strict=True) if id in scores
        ]
        np.testing.assert_allclose(*zip(*shared, strict=True), rtol=1e-5)
        assert (np.diff(b.scores) <= 0).all()
        shares.append(len(shared) / 10)
    assert np.mean(shares) >= 0.9


def test_all_vectors_as_candidates_is_exact_search(tmp_path: Path) -> None:
    """With k' the number of vectors and an exhaustive index nothing is missed, to any depth."""
    exact = made("", tmp_path).search(QUERIES, 500)
    found = made("[Flat;nearest=30000]", tmp_path).search(QUERIES, 500)
    for a, b in zip(exact, found, strict=True):
        np.testing.assert_allclose(a.scores, b.scores, rtol=1e-5)
        assert len(set(a.ids) & set(b.ids)) >= 499


def test_a_small_k_finds_few_and_a_large_one_more(tmp_path: Path) -> None:
    """A query of n vectors has at most n k' candidates, each of which holds one of the vectors found."""
    few = made("[Flat;nearest=1]", tmp_path)
    rankings = few.search(QUERIES, 1000)
    lengths = [len(matrix) for matrix in Ragged().encode_queries([query.text for query in QUERIES])]
    assert all(1 <= len(ranking.ids) <= length for ranking, length in zip(rankings, lengths, strict=True))
    query, best = Ragged().encode_queries([QUERIES[0].text])[0], set(rankings[0].ids)
    vectors = np.concatenate(Ragged().encode_documents(DOCUMENTS))
    owners = np.repeat(np.arange(3000), [len(matrix) for matrix in Ragged().encode_documents(DOCUMENTS)])
    assert best == {DOCUMENTS[owners[place]].id for place in (query @ vectors.T).argmax(axis=1)}


def test_indexes_over_the_same_vectors_share_them(tmp_path: Path) -> None:
    """One folder for exact search and every faiss index; another way to keep the vectors is another folder."""
    exact = made("", tmp_path)
    found = late_interaction(Ragged(), parse("ragged@[IVF16,Flat]").index, 0)  # type: ignore[union-attr]
    found.index((), tmp_path)
    assert found.index_protocol == exact.index_protocol
    assert found.protocol != exact.protocol
    assert found.index_bytes() > exact.index_bytes()
    assert made("int8", tmp_path / "bytes").index_protocol != exact.index_protocol


@pytest.mark.parametrize("factory", ["IVF16,PQ4x4", "int8,IVF16,Flat", "residual2"])
def test_an_index_built_twice_is_the_same(factory: str, tmp_path: Path) -> None:
    """The same files, byte for byte."""
    for name in ("one", "two"):
        made(f"[{factory}]", tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "one").iterdir() if path.name != "manifest.json")
    assert len(files) > 5
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.parametrize("stored", STORED)
def test_what_is_kept_is_what_is_scored(stored: str, tmp_path: Path) -> None:
    """The best ten by MaxSim over the vectors as they come back from disk, one document after the other."""
    retriever = made(stored, tmp_path)
    kept = np.concatenate([retriever.shards.vectors(number) for number in range(retriever.shards.count)])
    matrices = np.split(kept, np.cumsum(retriever.shards.lengths())[:-1])
    assert len(matrices) == len(DOCUMENTS)
    for query, ranking in zip(QUERIES[:3], retriever.search(QUERIES[:3], 10), strict=True):
        words = Ragged().encode_queries([query.text])[0]
        scores = np.array([(words @ matrix.T).max(axis=1).sum() for matrix in matrices], dtype=np.float32)
        expected = rank([document.id for document in DOCUMENTS], scores, 10)
        np.testing.assert_allclose(ranking.scores, expected.scores, rtol=1e-4)
        np.testing.assert_allclose(retriever.score([query], [ranking.ids])[0], ranking.scores, rtol=1e-4)


def test_better_kept_is_better_found(tmp_path: Path) -> None:
    """More of the exact ten best come first as vectors are kept in more bits, from one to 32 a dimension."""
    exact = made("", tmp_path / "exact").search(QUERIES, 10)
    shares = []
    for stored in ("residual1", "residual2", "residual4", "int8", "float32"):
        found = made(stored, tmp_path / stored).search(QUERIES, 10)
        shares.append(np.mean([len(set(a.ids) & set(b.ids)) / 10 for a, b in zip(exact, found, strict=True)]))
    assert shares == sorted(shares)
    assert shares[0] < shares[2] < shares[3]
    assert shares[-1] == 1


def test_what_it_costs_is_what_it_weighs(tmp_path: Path) -> None:
    """Bytes on disk foretold from a sample are those of the index, within a tenth."""
    for key in ("", "int8", "[float16,IVF16,PQ4x4]"):
        retriever = made(key, tmp_path / (key or "exact"))
        foretold = retriever.cost_of(DOCUMENTS).disk_bytes
        assert foretold == pytest.approx(retriever.index_bytes(), rel=0.1)


def test_the_protocol_says_how_candidates_are_found(tmp_path: Path) -> None:
    """k', the faiss key and its parameters, defaults spelled out."""
    retriever = late_interaction(Ragged(), parse("ragged@[int8,IVF16,PQ4x4]").index, 7)  # type: ignore[union-attr]
    assert isinstance(retriever, CandidateSearch)
    assert retriever.protocol["stored"] == "int8"
    assert retriever.protocol["index"] == {
        "factory": "IVF16,PQ4x4", "parameters": {"nprobe": 128}, "nearest": 1000,
    }  # fmt: skip
    assert retriever.protocol["seed"] == 7


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("colbert:v2@[int8;nprobe=3]", "goes with a faiss index"),
        ("colbert:v2@[IVF16;nearest=0]", "from 1 on"),
        ("colbert:v2@[IVF16,int8]", "comes first"),
        ("minilm@int8", "one vector a text"),
        ("minilm@[IVF16;nearest=5]", "one vector a text"),
        ("bm25@int8", "brings its own index"),
    ],
)
def test_keys_that_do_not_fit_are_wrong_use(spec: str, message: str) -> None:
    """One line each, before anything is encoded."""
    with pytest.raises(UsageError, match=message) as raised:
        resolve(parse(spec), Setting(collection="synthetic/tiny", random_weights=True))
    assert "\n" not in str(raised.value)


def test_a_faiss_key_that_is_none_is_one_line(tmp_path: Path) -> None:
    """Known when the index is built, as for single vectors."""
    with pytest.raises(UsageError, match="not a faiss factory key"):
        made("Nonsense7", tmp_path)
