"""Single-vector retrieval against brute-force NumPy and faiss."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.errors import DamagedCache, EvaluationError, UsageError
from benchmarks.interfaces import Document, Query
from benchmarks.retrieval.dense import DenseRetriever
from benchmarks.spec import IndexKey
from tests.retrieval.stubs import HashEncoder, documents

DOCUMENTS = documents(5000)
QUERIES = [Query(f"q{number}", f"query {number}") for number in range(20)]


@pytest.fixture
def retriever(tmp_path: Path) -> DenseRetriever:
    """5,000 documents in three shards."""
    made = DenseRetriever(HashEncoder())
    made.index(DOCUMENTS, tmp_path / "index")
    return made


def test_exact_search_is_brute_force(retriever: DenseRetriever) -> None:
    """Every query's best 100 by inner product, over all shards."""
    encoder = HashEncoder()
    vectors = encoder.encode_documents(DOCUMENTS)
    ids = np.array([document.id for document in DOCUMENTS])
    for query, ranking in zip(QUERIES, retriever.search(QUERIES, 100), strict=True):
        scores = vectors @ encoder.encode_queries([query.text])[0]
        order = np.lexsort((ids, -scores))[:100]
        assert ranking.ids == ids[order].tolist()
        np.testing.assert_allclose(ranking.scores, scores[order], rtol=1e-5)


def test_ties_are_ordered_by_id(tmp_path: Path) -> None:
    """Documents with one text tie; a cut through a tie keeps the first by id."""
    same = [Document(f"x{number:02d}", "", "same") for number in reversed(range(50))]
    made = DenseRetriever(HashEncoder())
    made.index(same, tmp_path)
    assert made.search([Query("q", "any")], 7)[0].ids == [f"x{number:02d}" for number in range(7)]


def test_given_documents_are_scored_as_found_ones(retriever: DenseRetriever) -> None:
    """`score` gives the scores `search` gave, and -inf for ids it does not know."""
    found = retriever.search(QUERIES, 10)
    scores = retriever.score(QUERIES, [["nobody", *ranking.ids] for ranking in found])
    for row, ranking in zip(scores, found, strict=True):
        assert row[0] == -np.inf
        np.testing.assert_allclose(row[1:], ranking.scores, rtol=1e-5)


@pytest.mark.parametrize(
    "key",
    [
        IndexKey("Flat"),
        IndexKey("HNSW32", (("efSearch", 512),)),
        IndexKey("IVF16,Flat", (("nprobe", 16),)),
        IndexKey("SQ8"),
    ],
)
def test_faiss_indexes_find_what_exact_search_finds(
    key: IndexKey, retriever: DenseRetriever, tmp_path: Path
) -> None:
    """At generous parameters nine of the exact ten best are found, and the order is the ranking order."""
    approximate = DenseRetriever(HashEncoder(), key)
    approximate.index(DOCUMENTS, tmp_path / "index")
    exact, found = retriever.search(QUERIES, 10), approximate.search(QUERIES, 10)
    overlap = [len(set(a.ids) & set(b.ids)) / 10 for a, b in zip(exact, found, strict=True)]
    assert np.mean(overlap) > 0.9
    assert all((np.diff(ranking.scores) <= 0).all() for ranking in found)
    assert approximate.index_protocol == retriever.index_protocol
    assert approximate.protocol != retriever.protocol


@pytest.mark.parametrize("factory", ["HNSW16", "IVF16,PQ4x4"])
def test_an_index_built_twice_is_the_same_index(factory: str, tmp_path: Path) -> None:
    """Graphs and quantisers come out alike: the same file, byte for byte."""
    files = []
    for name in ("one", "two"):
        made = DenseRetriever(HashEncoder(), IndexKey(factory))
        made.index(DOCUMENTS, tmp_path / name)
        (file,) = (tmp_path / name).glob("faiss-*.index")
        files.append(file.read_bytes())
    assert files[0] == files[1]


@pytest.mark.parametrize(
    ("factory", "parameters", "message"),
    [
        ("Nonsense7", (), "not a faiss factory key"),
        ("HNSW16", (("nprobe", 3),), "no search parameter"),
        ("IVF9999,Flat", (), "cannot be trained"),
    ],
)
def test_faiss_errors_are_for_the_reader(
    factory: str, parameters: tuple[tuple[str, int], ...], message: str, tmp_path: Path
) -> None:
    """A wrong key, a wrong parameter and too few documents are one line each."""
    with pytest.raises(UsageError, match=message):
        DenseRetriever(HashEncoder(), IndexKey(factory, parameters)).index(DOCUMENTS[:200], tmp_path)


def test_a_finished_index_is_not_encoded_again(retriever: DenseRetriever, tmp_path: Path) -> None:
    """A second process opens what the first wrote, without reading documents."""

    def untouchable() -> object:
        raise AssertionError("the documents were read again")
        yield

    again = DenseRetriever(HashEncoder())
    again.index(untouchable(), tmp_path / "index")  # type: ignore[arg-type]
    assert again.search(QUERIES, 5)[3].ids == retriever.search(QUERIES, 5)[3].ids


@pytest.mark.parametrize("damage", ["truncated", "flipped", "gone", "manifest"])
def test_damage_is_one_clear_line(damage: str, retriever: DenseRetriever, tmp_path: Path) -> None:
    """A truncated shard, a flipped byte, a missing file, a broken manifest: named, never searched."""
    folder = tmp_path / "index"
    shard = folder / "vectors-000001.npy"
    content = bytearray(shard.read_bytes())
    if damage == "truncated":
        shard.write_bytes(content[: len(content) // 2])
    elif damage == "flipped":
        content[-100] ^= 1
        shard.write_bytes(content)
    elif damage == "gone":
        shard.unlink()
    else:
        (folder / "manifest.json").write_text("{broken")
    with pytest.raises(DamagedCache, match=r"delete .* and run again") as raised:
        DenseRetriever(HashEncoder()).index(DOCUMENTS, folder)
    assert "\n" not in str(raised.value)


def test_an_encoder_that_breaks_its_word_is_refused(tmp_path: Path) -> None:
    """Wrong types, shapes and values never reach an index."""

    class Wrong(HashEncoder):
        def __init__(self, spoil: object) -> None:
            super().__init__()
            self.spoil = spoil

        def encode_documents(self, documents: object) -> object:
            return self.spoil(super().encode_documents(documents))  # type: ignore[operator, arg-type]

    spoilers = [
        lambda v: v.astype(np.float64),
        lambda v: v[:-1],
        lambda v: v[0],
        lambda v: v * np.nan,
        lambda v: v.tolist(),
    ]
    for number, spoil in enumerate(spoilers):
        with pytest.raises(EvaluationError):
            DenseRetriever(Wrong(spoil)).index(DOCUMENTS[:10], tmp_path / str(number))


def test_an_id_that_occurs_twice_is_refused(tmp_path: Path) -> None:
    """Two documents under one id have no one score."""
    with pytest.raises(EvaluationError, match="'d0' occurs twice"):
        DenseRetriever(HashEncoder()).index([DOCUMENTS[0], DOCUMENTS[1], DOCUMENTS[0]], tmp_path)
    with pytest.raises(EvaluationError, match="no documents"):
        DenseRetriever(HashEncoder()).index([], tmp_path / "empty")
