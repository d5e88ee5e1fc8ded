"""What DPR's questions learn from: gold and distant positives, and negatives that hold no answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from baselines.dpr.supervision import best_judged, by_answer, supervision
from baselines.training.pairs import training_pairs
from baselines.training.recipe import Recipe
from baselines.training.trained import Materials
from benchmarks.collections.collection import open_collection
from benchmarks.errors import UsageError
from benchmarks.evaluation.answers import has_answer
from benchmarks.interfaces import Setting
from benchmarks.retrieval.resolve import open_indexes, resolve
from benchmarks.spec import parse
from benchmarks.storage.cache import Cache
from tests.baselines.training.made import QUIET

TRAIN = "synthetic/tiny/train"


def materials(cache: Cache, positives: str, **options: Any) -> Materials:
    """What supervision is found from: no weights."""
    own = {"positives": positives, "share": 100, "miner": "bm25:flat", "negatives": 20, **options}
    recipe = Recipe("scratch:tiny", TRAIN, 8, objective=own)
    return Materials(recipe, 0, None, cache, QUIET)  # type: ignore[arg-type]


def ranked(cache: Cache, depth: int) -> dict[str, list[str]]:
    """BM25's best for each question."""
    collection = open_collection(TRAIN, cache)
    searcher = resolve(parse("bm25:flat"), Setting(collection=TRAIN))
    open_indexes(searcher, collection, cache)
    queries = collection.queries()
    found = searcher.search(queries, depth)
    return {query.id: ranking.ids for query, ranking in zip(queries, found, strict=True)}


def test_what_bm25_finds_is_parted_by_whether_it_holds_an_answer(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In its order, by the texts without their titles; looked for once and kept."""
    collection = open_collection(TRAIN, cache)
    texts = {document.id: document.text for document in collection.documents()}
    answers = collection.answers()
    recipe = materials(cache, "judged").recipe
    found = by_answer(recipe, cache, QUIET)
    for query, ids in ranked(cache, 20).items():
        hits = [has_answer(texts[id], answers[query]) for id in ids]
        assert found[query].holding == [id for id, hit in zip(ids, hits, strict=True) if hit]
        assert found[query].others == [id for id, hit in zip(ids, hits, strict=True) if not hit]
    assert any(one.holding for one in found.values()) and any(one.others for one in found.values())
    monkeypatch.setattr("baselines.dpr.supervision.open_indexes", None)
    assert by_answer(recipe, cache, QUIET) == found


def test_a_distant_positive_is_the_first_that_holds_an_answer(cache: Cache) -> None:
    """A question of which none is found is dropped; judgments count for nothing, neither for nor against a passage."""
    data, negatives = supervision(materials(cache, "distant", negatives=5))
    found = by_answer(materials(cache, "distant", negatives=5).recipe, cache, QUIET)
    expected = {query: one.holding[0] for query, one in found.items() if one.holding}
    assert dict(data.pairs) == expected
    assert 0 < len(data.pairs) < len(found)
    assert negatives == {query: one.others for query, one in found.items()}
    judged = training_pairs(TRAIN, 100, cache).relevant
    assert any(set(some) & judged[query] for query, some in negatives.items())
    assert data.relevant == {query: frozenset(one.holding) for query, one in found.items()}


def test_a_gold_positive_is_the_best_judged(cache: Cache) -> None:
    """One a question, of grade 2 in the synthetic world; negatives are neither relevant nor hold an answer."""
    collection = open_collection(TRAIN, cache)
    data, negatives = supervision(materials(cache, "gold"))
    judged = collection.judgments()
    assert sorted(query for query, _ in data.pairs) == sorted(judged)
    assert all(judged[query][document] == 2 for query, document in data.pairs)
    texts = {document.id: document.text for document in collection.documents()}
    assert negatives is not None
    held = 0
    for query, ids in negatives.items():
        assert not any(has_answer(texts[id], collection.answers()[query]) for id in ids)
        assert not set(ids) & data.relevant[query]
        held += len(ids)
    assert held > 0


def test_the_best_judged_is_the_first_of_the_highest_grade() -> None:
    """A query of which nothing is relevant has none."""
    judged = {"a": {"x": 1.0, "y": 2.0, "z": 2.0}, "b": {"x": 0.0, "y": -1.0}, "c": {"w": 1.0}, "d": {}}
    assert best_judged(judged) == {"a": "y", "c": "w"}


def test_a_share_of_the_positives_is_in_a_larger_one(cache: Cache) -> None:
    """As the judged pairs', by hash."""
    for positives in ("judged", "gold", "distant"):
        whole, some = (supervision(materials(cache, positives, share=share))[0].pairs for share in (100, 10))
        assert some == whole[: round(len(whole) / 10)]


def test_without_answers_judgments_alone_say_what_is_no_negative(cache: Cache, needs: Any) -> None:
    """Nothing is parted where there is nothing to look for; distant supervision is refused in one line."""
    given = materials(cache, "judged")
    plain = replace(given, recipe=replace(given.recipe, corpus=needs("beir/scifact/train")))
    assert supervision(plain)[1] is None
    distant = replace(
        plain, recipe=replace(plain.recipe, objective={**given.recipe.objective, "positives": "distant"})
    )
    with pytest.raises(UsageError, match=r"beir/scifact/train has no answers"):
        supervision(distant)


def test_where_no_negative_is_brought_none_is_looked_for(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A recipe with the batch alone searches nothing."""
    monkeypatch.setattr("baselines.dpr.supervision.by_answer", None)
    assert supervision(materials(cache, "gold", negatives=0))[1] is None


def test_an_unknown_word_names_the_known(cache: Cache) -> None:
    """One line."""
    with pytest.raises(UsageError, match=r"no positives 'best' .* known: judged, gold, distant"):
        supervision(materials(cache, "best"))
