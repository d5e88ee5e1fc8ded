"""HyDE and query2doc: the vector, the text, and that both search with the same passages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from baselines.hyde import PROMPTS, baseline
from baselines.hyde import _build as hyde
from baselines.hyde.vectors import mean_with_query
from baselines.query2doc import _build as query2doc
from baselines.query2doc import repeated
from benchmarks.collections.collection import open_collection
from benchmarks.collections.conventions import data_folder
from benchmarks.generation.asking import ask
from benchmarks.generation.generators import generators
from benchmarks.generation.prompts import Prompt, template_for
from benchmarks.generation.recorded import RecordedAnswers
from benchmarks.interfaces import Document, FloatArray, Query, Setting
from benchmarks.progress import Progress
from benchmarks.registry import Baseline, Variant, baselines
from benchmarks.retrieval.resolve import open_indexes, resolve
from benchmarks.runner import Bench
from benchmarks.spec import parse
from tests.generation.made import SCRIPTED, Scripted

WORLD = "synthetic/tiny/test"


class Hashed:
    """The sum of a random vector for each word: no two texts are equally near by accident."""

    protocol = {"made": "hashed"}  # noqa: RUF012 -- read only

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        """float32[n, 64]."""
        rows = [
            sum(
                (np.random.default_rng(list(word.encode())).normal(size=64) for word in text.lower().split()),
                np.zeros(64),
            )
            for text in texts
        ]
        return np.array(rows, dtype=np.float32)

    def encode_documents(self, documents: Sequence[Document]) -> FloatArray:
        """float32[n, 64]."""
        return self.encode_queries([document.contents for document in documents])


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> str:
    """A spec of an encoder that needs no weights."""
    known: dict[str, Any] = {
        **baselines(),
        "hashed": Baseline("hashed", "", {"words": Variant(lambda _: Hashed(), "")}),
    }
    monkeypatch.setattr("benchmarks.registry.baselines", lambda: known)
    return "hashed:words"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Scripted:
    """The model that every generator of the test is."""
    model = Scripted(lambda prompt, sample: f"passage {sample} about {prompt.query}")
    monkeypatch.setattr("benchmarks.generation.opening._answerer", lambda _generator: model)
    return model


def test_the_vector_is_the_mean_of_all() -> None:
    """The query counts like one passage."""
    rng = np.random.default_rng(0)
    query, passages = rng.normal(size=5), rng.normal(size=(8, 5))
    expected = [(query[n] + sum(passage[n] for passage in passages)) / 9 for n in range(5)]
    np.testing.assert_allclose(mean_with_query(query, passages), expected)


def test_query2doc_says_the_query_five_times() -> None:
    """And one passage."""
    assert repeated("a b", ["c d"]) == "a b a b a b a b a b c d"


def test_hyde_ranks_as_a_loop_does(bench: Bench, hashed: str, script: Scripted) -> None:
    """One query at a time, every document scored against the mean of nine vectors."""
    setting = Setting(collection=WORLD, generations=bench.store.generations)
    searcher = hyde(SCRIPTED, hashed, setting)
    collection = open_collection(WORLD, bench.cache)
    open_indexes(searcher, collection, bench.cache)
    queries = collection.queries()[:6]
    ask(searcher, queries, Progress(quiet=True))
    assert sum(script.asked.values()) == 8 * 6
    documents = sorted(collection.documents(), key=lambda document: document.id)
    matrix = Hashed().encode_documents(documents)
    for query, ranking in zip(queries, searcher.search(queries, 10), strict=True):
        texts = [query.text, *(f"passage {n} about {query.id}" for n in range(8))]
        scores = matrix @ Hashed().encode_queries(texts).mean(axis=0)
        best = sorted(range(len(documents)), key=lambda n: (-np.float32(scores[n]), documents[n].id))[:10]
        np.testing.assert_allclose(ranking.scores, scores[best], rtol=1e-5)
        assert ranking.ids == [documents[n].id for n in best]


def test_both_search_with_the_same_passages(bench: Bench, hashed: str, script: Scripted) -> None:
    """What HyDE asked for, query2doc does not ask for again."""
    setting = Setting(collection=WORLD, generations=bench.store.generations)
    first, second = hyde(SCRIPTED, hashed, setting), query2doc(SCRIPTED, setting)
    collection = open_collection(WORLD, bench.cache)
    queries = collection.queries()[:6]
    for searcher in (first, second):
        open_indexes(searcher, collection, bench.cache)
        ask(searcher, queries, Progress(quiet=True))
    assert sum(script.asked.values()) == 8 * 6
    bm25 = resolve(parse("bm25:flat"), setting)
    open_indexes(bm25, collection, bench.cache)
    longer = [
        Query(query.id, " ".join([query.text] * 5 + [f"passage 0 about {query.id}"])) for query in queries
    ]
    assert [r.ids for r in second.search(queries, 10)] == [r.ids for r in bm25.search(longer, 10)]


def test_a_generator_of_few_answers_gives_what_it_has(bench: Bench, hashed: str, script: Scripted) -> None:
    """And the protocol says how many."""
    setting = Setting(collection=WORLD, generations=bench.store.generations)
    searcher = hyde(replace(SCRIPTED, samples=2), hashed, setting)
    assert searcher.protocol["generation"]["samples"] == 2


def test_the_authors_passages_are_replayed() -> None:
    """Eight to each of the 43 queries of TREC DL 2019, under the hash of their file."""
    folder = data_folder()
    if folder is None or not (folder / "hyde-dl19" / "generations.jsonl").exists():
        pytest.skip("RETRIEVER_BENCH_DATA has no hyde-dl19/generations.jsonl")
    template = template_for(PROMPTS, "trec-dl-pool/dl19", "alone")
    answers = RecordedAnswers(generators()["text-davinci-003"], template)
    ((first, *others),) = answers.texts([Prompt("264014", "any")], 8)
    assert first.startswith("The life cycle of a flea")
    assert len(others) == 7
    assert "hyde:text-davinci-003:minilm" in {f"hyde:{name}" for name in baseline.variants}
