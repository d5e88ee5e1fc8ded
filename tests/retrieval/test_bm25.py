"""BM25 against its formula, against bm25s, and against Anserini's published numbers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.collections import open_collection
from benchmarks.evaluation.measures import evaluate, mean
from benchmarks.interfaces import Document, Query
from benchmarks.retrieval import analysis
from benchmarks.retrieval.analysis import unicode
from benchmarks.retrieval.bm25 import BM25Retriever, kept_by_norm
from benchmarks.storage.cache import Cache

WORDS = st.sampled_from(["apple", "pear", "plum", "fig", "nut", "oat"])
TEXTS = st.lists(st.lists(WORDS, max_size=60).map(" ".join), min_size=1, max_size=8)


def lucene_length(length: int) -> int:
    """Lucene's SmallFloat.byte4ToInt(intToByte4(length)), bit by bit, for lengths up to 40 exact."""
    if length < 24:
        return length
    rest, shift = length - 24, 0
    while rest >= 16:
        rest >>= 1
        shift += 1
    return 24 + (rest << shift)


@settings(max_examples=60, deadline=None)
@given(TEXTS, st.lists(WORDS | st.just("unknown"), max_size=6))
def test_scores_are_the_formula(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], terms: list[str]
) -> None:
    """Term by term, with repetition, with norms, in plain Python."""
    documents = [Document(f"d{number}", "", text) for number, text in enumerate(texts)]
    retriever = BM25Retriever(0.9, 0.4, language="xx")
    retriever.index(documents, tmp_path_factory.mktemp("bm25"))
    (found,) = retriever.search([Query("q", " ".join(terms))], 10)
    tokens = [unicode(text) for text in texts]
    with_text = sum(bool(t) for t in tokens)
    average = sum(map(len, tokens)) / max(1, with_text)
    expected = {}
    for number, words in enumerate(tokens):
        score, counts = 0.0, Counter(words)
        for term in terms:
            df = sum(term in other for other in tokens)
            saturation = 0.9 * (0.6 + 0.4 * lucene_length(len(words)) / max(1.0, average))
            score += (
                math.log(1 + (with_text - df + 0.5) / (df + 0.5)) * counts[term] / (counts[term] + saturation)
            )
        if score > 0:
            expected[f"d{number}"] = score
    assert set(found.ids) == set(expected)
    for id, score in zip(found.ids, found.scores.tolist(), strict=True):
        assert score == pytest.approx(expected[id], rel=1e-5)


@given(st.integers(0, 2**31 - 1))
def test_norms_are_lucenes(length: int) -> None:
    """The vectorised norm equals the bitwise one; below 40 nothing is lost, above less than an eighth."""
    kept = int(kept_by_norm(np.array([length]))[0])
    assert kept == lucene_length(length)
    assert kept == length if length < 40 else length * 7 / 8 < kept <= length


def test_agrees_with_bm25s_own_index(tmp_path: Path) -> None:
    """With every document shorter than 40 terms, norms are exact and bm25s' own indexing gives the same scores."""
    import bm25s

    texts = [
        "the cat sat on the mat",
        "a dog sat",
        "cats and dogs and cats",
        "nothing here",
        "mat mat mat cat",
    ]
    retriever = BM25Retriever(0.9, 0.4, language="xx")
    retriever.index([Document(f"d{i}", "", text) for i, text in enumerate(texts)], tmp_path)
    theirs = bm25s.BM25(k1=0.9, b=0.4, method="lucene")
    theirs.index([unicode(text) for text in texts], show_progress=False)
    (found,) = retriever.search([Query("q", "cat mat mat")], 5)
    scores = theirs.get_scores(["cat", "mat", "mat"])
    for id, score in zip(found.ids, found.scores.tolist(), strict=True):
        assert score == pytest.approx(float(scores[int(id[1:])]), rel=1e-5)


def test_fields_are_added(tmp_path: Path) -> None:
    """Multifield is the sum of the fields' own scores; documents without a title have none there."""
    documents = [Document("a", "apple", "pear pear"), Document("b", "", "apple"), Document("c", "fig", "nut")]
    query = [Query("q", "apple pear")]
    alone = {}
    for field in ("title", "text"):
        part = BM25Retriever(0.9, 0.4, (field,), "xx")
        part.index(documents, tmp_path / field)
        (ranking,) = part.search(query, 5)
        alone[field] = dict(zip(ranking.ids, ranking.scores.tolist(), strict=True))
    both = BM25Retriever(0.9, 0.4, ("title", "text"), "xx")
    both.index(documents, tmp_path / "both")
    for id, score in zip(both.search(query, 5)[0].ids, both.search(query, 5)[0].scores.tolist(), strict=True):
        assert score == pytest.approx(alone["title"].get(id, 0) + alone["text"].get(id, 0), rel=1e-5)


def test_a_query_without_known_terms_finds_nothing(tmp_path: Path) -> None:
    """Documents that share no term are not retrieved."""
    retriever = BM25Retriever(0.9, 0.4)
    retriever.index([Document("a", "", "apple")], tmp_path)
    assert retriever.search([Query("q", "zebra"), Query("r", "")], 5)[0].ids == []


def test_a_killed_count_goes_on(tmp_path: Path) -> None:
    """Stopped between shards and started again, the index has the bytes of one never stopped."""
    documents = [Document(f"d{i}", "", f"word{i % 97} common text number {i}") for i in range(20_000)]

    class Killed(Exception):
        pass

    def until(limit: int) -> object:
        for number, document in enumerate(documents):
            if number == limit:
                raise Killed
            yield document

    whole = BM25Retriever(0.9, 0.4)
    whole.index(documents, tmp_path / "whole")
    for limit in (3, 9_000, 17_000):
        with pytest.raises(Killed):
            BM25Retriever(0.9, 0.4).index(until(limit), tmp_path / "resumed")  # type: ignore[arg-type]
    resumed = BM25Retriever(0.9, 0.4)
    resumed.index(documents, tmp_path / "resumed")
    for path in (tmp_path / "whole").glob("*.npy"):
        assert path.read_bytes() == (tmp_path / "resumed" / path.name).read_bytes()


PUBLISHED = [
    ("beir/scifact/test", ("contents",), 0.6789, 0.9253),
    ("beir/scifact/test", ("title", "text"), 0.6647, 0.9076),
    ("beir/nfcorpus/test", ("contents",), 0.3218, 0.2457),
]


@pytest.mark.parametrize(("collection", "fields", "ndcg", "recall"), PUBLISHED)
def test_anserinis_numbers_to_the_printed_digit(
    collection: str,
    fields: tuple[str, ...],
    ndcg: float,
    recall: float,
    needs: Callable[[str], str],
    cache: Cache,
    tmp_path: Path,
) -> None:
    """Tokenizer, stop words, stemmer, norms and ties together: Anserini's nDCG@10 and R@100, all four digits."""
    opened = open_collection(needs(collection), cache)
    retriever = BM25Retriever(0.9, 0.4, fields)
    retriever.index(opened.documents(), tmp_path / "index")
    queries = opened.queries()
    run = {query.id: ranking for query, ranking in zip(queries, retriever.search(queries, 100), strict=True)}
    scores = evaluate(run, opened.judgments(), ["nDCG@10", "R@100"])
    assert mean(scores["nDCG@10"]) == pytest.approx(ndcg, abs=5.1e-5)
    assert mean(scores["R@100"]) == pytest.approx(recall, abs=5.1e-5)


def test_another_analyser_never_meets_postings_that_it_did_not_make(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under the old name, and with the old protocol, its folder is another; the same one finds its own again."""
    before, same = BM25Retriever(0.9, 0.4), BM25Retriever(0.9, 0.4)
    monkeypatch.setattr(analysis, "english", unicode)
    after = BM25Retriever(0.9, 0.4)
    assert before.index_protocol == same.index_protocol
    assert before.protocol == after.protocol
    assert before.index_protocol != after.index_protocol
