"""LameR: what it shows, what it asks, what it searches for; and that good answers help and bad ones do not."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from baselines.lamer import DESIGNS, Design, _build, baseline
from baselines.lamer.augmentation import halfway, interleaved
from baselines.lamer.candidates import WithCandidates
from benchmarks.collections.collection import open_collection
from benchmarks.generation.asking import ask, generating, missing
from benchmarks.generation.generators import Generator
from benchmarks.generation.prompts import Prompt, Template, shortened
from benchmarks.interfaces import Searcher, Setting
from benchmarks.progress import Progress
from benchmarks.retrieval.resolve import open_indexes, resolve
from benchmarks.runner import Bench, search
from benchmarks.spec import parse
from benchmarks.storage.cache import Cache
from tests.generation.made import SCRIPTED, Scripted

QUIET = Progress(quiet=True)
WORLD = "synthetic/tiny/test"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Scripted:
    """The model that every generator of the test is."""
    model = Scripted(lambda prompt, sample: f"answer {sample}")
    monkeypatch.setattr("benchmarks.generation.opening._answerer", lambda _generator: model)
    return model


def made(bench: Bench, design: Design, generator: Generator = SCRIPTED) -> Searcher:
    """LameR on the generated world, its indexes open."""
    searcher = _build(generator, design, Setting(collection=WORLD, generations=bench.store.generations))
    open_indexes(searcher, open_collection(WORLD, bench.cache), bench.cache)
    return searcher


def test_the_query_stands_before_each_answer() -> None:
    """As the paper writes it; each text cut to 128 words and signs; without answers the query is left."""
    assert interleaved("q x", ["a b", "c"]) == "q x a b q x c"
    assert interleaved("q", []) == "q"
    long = " ".join(map(str, range(200)))
    assert interleaved(long, [long]) == " ".join([shortened(long, 128)] * 2)


@given(st.integers(1, 4), st.integers(1, 3))
def test_the_dense_vector_is_the_mean_of_the_halves(count: int, dimension: int) -> None:
    """Of (query + answer) / 2 over the answers, one by one."""
    rng = np.random.default_rng([count, dimension])
    query, answers = rng.normal(size=dimension), rng.normal(size=(count, dimension))
    expected = sum((query + answer) / 2 for answer in answers) / count
    np.testing.assert_allclose(halfway(query, answers), expected, atol=1e-12)


def test_a_prompt_shows_the_best_of_bm25(bench: Bench, script: Scripted) -> None:
    """Ten passages in their order, numbered, each on a line and cut; the line of the store names them."""
    searcher = made(bench, Design())
    collection = open_collection(WORLD, bench.cache)
    queries = collection.queries()[:5]
    texts = {document.id: document.contents for document in collection.documents()}
    bm25 = resolve(parse("bm25:flat"), Setting(collection=WORLD))
    open_indexes(bm25, collection, bench.cache)
    (part,) = generating(searcher)
    for prompt, query, ranking in zip(part.prompts(queries), queries, bm25.search(queries, 10), strict=True):
        assert list(prompt.candidates) == ranking.ids
        shown = re.findall(r"^(\d+)\.(.*)$", prompt.text, flags=re.MULTILINE)
        assert [int(number) for number, _ in shown] == list(range(1, len(ranking.ids) + 1))
        assert [text for _, text in shown] == [
            " ".join(shortened(texts[id], 128).split()) for id in ranking.ids
        ]
        assert prompt.text.startswith(f'Give a question "{query.text}" and its possible answering passages')
        assert prompt.text.endswith("please write a correct answering passage.")
    assert not script.asked


@pytest.mark.parametrize("name", sorted(set(DESIGNS) - {"contriever", "minilm", "minilm:M0"}))
def test_every_design_asks_what_it_says(name: str, bench: Bench, script: Scripted) -> None:
    """So many candidates of the right kind, so many answers; then it searches, and asks no more."""
    design = DESIGNS[name]
    searcher = made(bench, design)
    collection = open_collection(WORLD, bench.cache)
    queries, judged = collection.queries(), collection.judgments()
    assert ask(searcher, queries, QUIET)
    asked = sum(script.asked.values())
    assert asked == len(queries) * design.answers * design.rounds
    *_, last = generating(searcher)
    for prompt in last.prompts(queries):
        relevant = {id for id, grade in judged[prompt.query].items() if grade > 0}
        if design.shown == "gold":
            assert set(prompt.candidates) <= relevant
            assert len(prompt.candidates) == min(design.candidates, len(relevant))
        elif design.shown == "hard":
            assert not set(prompt.candidates) & relevant
        else:
            assert len(prompt.candidates) <= design.candidates
    run = search(searcher, queries, 20)
    assert len(run) == len(queries)
    assert sum(script.asked.values()) == asked
    assert not missing(searcher, queries)


def test_gold_shows_what_the_collection_has(bench: Bench, tmp_path: Path) -> None:
    """Judgments may be of a larger collection: of those documents the ones that are here, in their order."""
    collection = open_collection(WORLD, bench.cache)
    query, there = collection.queries()[0], [document.id for document in collection.documents()][:2]
    judged = {query.id: {"elsewhere": 2.0, there[0]: 1.0, there[1]: 1.0}}
    first = resolve(parse("bm25:flat"), Setting(collection=WORLD))
    open_indexes(first, collection, bench.cache)
    shown = WithCandidates(first, Template("t", 1, "{query} {candidates}"), 10, str, "gold", lambda: judged)
    shown.index(collection.documents(), tmp_path)
    (prompt,) = shown.prompts([query])
    assert prompt.candidates == tuple(sorted(there))


def test_a_second_round_shows_what_the_first_found(bench: Bench, script: Scripted) -> None:
    """Its candidates are the first round's best; the first is asked before the second, and counted beside it."""
    first, second = made(bench, Design()), made(bench, Design(rounds=2))
    queries = open_collection(WORLD, bench.cache).queries()
    assert {prompt.key for _, prompt, _ in missing(second, queries)} == {
        prompt.key for _, prompt, _ in missing(first, queries)
    }
    took = ask(second, queries, QUIET)
    assert [one["answers"] for one in took["parts"]] == [5 * len(queries)] * 2
    found = first.search(queries, 10)
    *_, last = generating(second)
    for prompt, ranking in zip(last.prompts(queries), found, strict=True):
        assert list(prompt.candidates) == ranking.ids


def answers_of(bench: Bench, kind: str) -> Callable[[Prompt, int], str]:
    """A model that knows the judgments, and says what `kind` asks."""
    collection = open_collection(WORLD, bench.cache)
    documents = list(collection.documents())
    texts = {document.id: document.text for document in documents}
    judged = collection.judgments()

    def say(prompt: Prompt, sample: int) -> str:
        grades = judged[prompt.query]
        best = max(grades, key=lambda id: (grades[id], id))
        wrong = documents[sum(map(ord, prompt.query)) % len(documents)].text
        return {"right": texts[best], "wrong": wrong, "empty": " ", "foreign": "zzq xxv kkj wwq"}[kind]

    return say


@pytest.mark.parametrize("candidates", [0, 10])
def test_good_answers_help_and_wrong_ones_hurt(candidates: int, bench: Bench, script: Scripted) -> None:
    """A right passage lifts BM25, a wrong one lowers it; an empty one, or one in no language of the world, changes nothing.

    What the model says is known: this shows the mechanism, and is no result.
    """
    from benchmarks.evaluation.measures import evaluate

    collection = open_collection(WORLD, bench.cache)
    queries, judged = collection.queries(), collection.judgments()

    def quality(searcher: Searcher) -> float:
        scores = evaluate(search(searcher, queries, 100), judged, ["nDCG@10"], None)["nDCG@10"]
        return float(np.mean(list(scores.values())))

    bm25 = resolve(parse("bm25:flat"), Setting(collection=WORLD))
    open_indexes(bm25, collection, bench.cache)
    found = {"plain": quality(bm25)}
    for kind in ("right", "wrong", "empty", "foreign"):
        script.say = answers_of(bench, kind)
        searcher = made(bench, Design(candidates=candidates, answers=2), replace(SCRIPTED, name=kind))
        ask(searcher, queries, QUIET)
        found[kind] = quality(searcher)
    assert found["wrong"] < found["plain"] < found["right"]
    assert found["empty"] == pytest.approx(found["plain"])
    assert found["foreign"] == pytest.approx(found["plain"])


def test_a_record_says_what_was_asked(
    bench: Bench, script: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answers, tokens, dollars and their origin; the protocol changes with the answers, and equal answers are not measured twice."""
    from benchmarks.generation.variants import generated_variant
    from benchmarks.registry import Baseline, baselines
    from benchmarks.runner import run_cell

    generator = replace(SCRIPTED, price_in=1.0, price_out=2.0)
    variant = generated_variant(
        generator, "bm25:flat", lambda setting: _build(generator, Design(answers=2), setting), "scripted"
    )
    known = {**baselines(), "asked": Baseline("asked", "", {"scripted": variant})}
    monkeypatch.setattr("benchmarks.registry.baselines", lambda: known)
    record = run_cell(parse("asked:scripted"), WORLD, bench)
    count = 2 * record.counts["queries"]
    usd = round(count * (7 * 1.0 + 3 * 2.0) / 1e6, 6)
    assert record.generation == {
        "answers": count, "model": "script-1", "sources": ["a script"], "cut": 0, "tokens_in": 7 * count,
        "tokens_out": 3 * count, "usd": usd, "seconds_each": 0.25,
    }  # fmt: skip
    again = run_cell(parse("asked:scripted"), WORLD, bench)
    assert again.protocol == record.protocol
    assert sum(script.asked.values()) == count
    answered = record.protocol.retrieval["generation"]["answers_sha256"]
    monkeypatch.setattr(script, "say", lambda prompt, sample: "something else")
    (path,) = bench.store.generations.glob("*/*.jsonl")
    path.unlink()
    other = run_cell(parse("asked:scripted"), WORLD, bench)
    assert other.protocol.retrieval["generation"]["answers_sha256"] != answered


def test_variants_name_their_generator(cache: Cache) -> None:
    """What a file recorded for HyDE answers no LameR; a generator of one answer has no variants about their number."""
    names = set(baseline.variants)
    assert {"gpt-3.5-turbo", "gpt-3.5-turbo:M0", "gpt-3.5-turbo:N3", "claude", "claude:round2"} <= names
    assert not any(name.startswith("text-davinci-003") for name in names)
    assert "claude:N3" not in names
