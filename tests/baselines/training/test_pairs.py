"""Judged pairs, mined negatives, and the fine-tuning that learns from them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import islice, pairwise

import numpy as np
import pytest
import torch

from baselines.training.finetuning import FineTuning
from baselines.training.mining import mined
from baselines.training.pairs import TrainingPairs, training_pairs
from baselines.training.twotowers import TwoTowers
from benchmarks.collections.collection import open_collection
from benchmarks.errors import UsageError
from benchmarks.storage.cache import Cache
from tests.baselines.training.made import QUIET, TINY, TWO_TOWERS, materials

TRAIN = "synthetic/60/train"


@pytest.fixture
def pairs(cache: Cache) -> TrainingPairs:
    """All pairs of a small generated collection."""
    return training_pairs(TRAIN, 100, cache)


def test_pairs_are_what_is_judged_relevant(pairs: TrainingPairs, cache: Cache) -> None:
    """Each query with each document of a positive grade, once; texts are the collection's."""
    collection = open_collection(TRAIN, cache)
    judged = {
        (q, d) for q, grades in collection.judgments().items() for d, grade in grades.items() if grade > 0
    }
    assert set(pairs.pairs) == judged
    assert len(pairs.pairs) == len(judged)
    ids = [document for _, document in pairs.pairs[:5]] * 2
    texts = {document.id: document for document in collection.documents()}
    assert pairs.documents(ids) == [texts[id] for id in ids]


def test_smaller_shares_are_in_larger_ones(pairs: TrainingPairs, cache: Cache) -> None:
    """A rounded share of the pairs, at least one, whatever the seed; no share is refused."""
    found = [set(training_pairs(TRAIN, share, cache).pairs) for share in (0.01, 1, 5, 33, 80, 100)]
    assert all(less <= more for less, more in pairwise(found))
    whole = len(pairs.pairs)
    assert [len(one) for one in found] == [max(1, round(whole * s / 100)) for s in (0.01, 1, 5, 33, 80, 100)]
    for wrong in (0, -1, 101):
        with pytest.raises(UsageError, match=f"a share of {wrong} of 100 pairs is none"):
            training_pairs(TRAIN, wrong, cache)


def test_an_epoch_is_a_permutation(pairs: TrainingPairs) -> None:
    """Steps go through all pairs once, then again in another order; by seed and step alone."""
    whole, size = len(pairs.pairs), 7
    stream = [pair for step in range(2 * whole // size + 1) for pair in pairs.batch(step, size, 3)]
    first, second = stream[:whole], stream[whole : 2 * whole]
    assert sorted(first) == sorted(second) == sorted(pairs.pairs)
    assert first != second
    assert pairs.batch(4, size, 3) == stream[4 * size : 5 * size] != pairs.batch(4, size, 5)


def test_by_query_each_query_comes_once_an_epoch(cache: Cache) -> None:
    """With one of its documents, any as likely as another; by seed and step alone."""
    found = training_pairs(TRAIN, 100, cache, by_query=True)
    queries = sorted(found.relevant)
    size = len(queries) // 4
    drawn = [pair for step in range(1600) for pair in found.batch(step, size, 3)]
    assert sorted(query for query, _ in drawn[: len(queries)]) == queries
    assert set(drawn) == set(found.pairs)
    most = max(queries, key=lambda query: len(found.relevant[query]))
    counts = Counter(document for query, document in drawn if query == most)
    expected = counts.total() / len(found.relevant[most])
    assert all(abs(count - expected) < 6 * expected**0.5 for count in counts.values())
    again = training_pairs(TRAIN, 100, cache, by_query=True)
    assert again.batch(5, 7, 3) == found.batch(5, 7, 3) != found.batch(5, 7, 4)


def test_a_batch_has_no_more_pairs_than_there_are(pairs: TrainingPairs) -> None:
    """Each once then, in every step."""
    for step in (0, 1, 5):
        assert sorted(pairs.batch(step, 10_000, 0)) == sorted(pairs.pairs)


def test_false_negatives_are_relevant_documents(pairs: TrainingPairs) -> None:
    """Every query with every document, by the judgments."""
    some = pairs.pairs[:20]
    queries, documents = [query for query, _ in some], [document for _, document in some]
    found = pairs.false_negatives(queries, documents)
    assert found.shape == (20, 20)
    for i, query in enumerate(queries):
        for j, document in enumerate(documents):
            assert found[i, j] == ((query, document) in pairs.pairs)


def test_mined_negatives_are_ranked_high_and_not_relevant(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The best of BM25 without what is judged relevant, in its order; found once and kept."""
    collection = open_collection(TRAIN, cache)
    judged = collection.judgments()
    found = mined("bm25:flat", 0, TRAIN, 10, cache, QUIET)
    deeper = mined("bm25:flat", 0, TRAIN, 40, cache, QUIET)
    assert found.keys() == judged.keys()
    dropped = 0
    for query, negatives in found.items():
        relevant = {document for document, grade in judged[query].items() if grade > 0}
        assert not relevant & set(negatives)
        assert len(set(negatives)) == len(negatives) <= 10
        assert deeper[query][: len(negatives)] == negatives
        dropped += 10 - len(negatives)
    assert dropped > 0
    monkeypatch.setattr("baselines.training.mining.open_indexes", None)
    assert mined("bm25:flat", 0, TRAIN, 10, cache, QUIET) == found


def tuning(cache: Cache, **options: object) -> FineTuning:
    """A tiny two-tower model on the generated pairs, whose negatives BM25 mines."""
    objective = {**TWO_TOWERS, "share": 100, "temperature": 0.5, **options}
    recipe = replace(TINY, corpus=TRAIN, start="bm25:flat", objective=objective)
    given = materials(replace(recipe, corpus="synthetic/60", start="scratch:tiny"), cache)
    return FineTuning(TwoTowers(given.start, recipe), replace(given, recipe=recipe))


@pytest.mark.parametrize("depth", [0, 10])
def test_the_loss_is_the_softmax_over_what_is_not_relevant(depth: int, cache: Cache) -> None:
    """One query at a time: its document against those of the batch (and the mined ones) that are not judged relevant."""
    one = tuning(cache, negatives=depth)
    one.model.double().eval()
    found = one.loss(2)
    data, towers = one._data, one._towers
    pairs = data.batch(2, 8, 0)
    documents = [document for _, document in pairs]
    if depth:
        rng = np.random.default_rng([0, 2])
        mining = mined("bm25:flat", 0, TRAIN, depth, cache, QUIET)
        documents += [mining[query][rng.integers(len(mining[query]))] for query, _ in pairs if mining[query]]
        assert len(documents) > len(pairs)

    def vector(tower: torch.nn.Module, ids: list[int]) -> torch.Tensor:
        bert = tower.pooled.backbone
        return tower.projection(bert(input_ids=torch.tensor([ids])).last_hidden_state[0].mean(dim=0))

    given = [
        vector(towers.document, tokens.ids) for tokens in towers.document_tokens(data.documents(documents))
    ]
    losses, masked = [], 0
    for i, (query, _) in enumerate(pairs):
        (tokens,) = towers.query_tokens([data.queries[query]])
        asked = vector(towers.query, tokens.ids)
        kept = [j for j, document in enumerate(documents) if j == i or document not in data.relevant[query]]
        masked += len(documents) - len(kept)
        scores = torch.stack([asked @ given[j] / 0.5 for j in kept])
        losses.append(torch.logsumexp(scores, 0) - asked @ given[i] / 0.5)
    torch.testing.assert_close(found.value, torch.stack(losses).mean(), atol=1e-9, rtol=0)


def test_the_batches_of_the_test_above_hold_false_negatives(cache: Cache) -> None:
    """Or it would show nothing."""
    data = training_pairs(TRAIN, 100, cache)
    steps = (data.batch(step, 8, 0) for step in range(10))
    masks = [
        data.false_negatives([q for q, _ in pairs], [d for _, d in pairs]) for pairs in islice(steps, 10)
    ]
    assert sum(mask.sum() - 8 for mask in masks) > 0


def test_gradients_of_cached_vectors_are_those_of_the_batch(cache: Cache) -> None:
    """Whatever of the two a recipe asks for."""
    plain, cached = tuning(cache, cached=False), tuning(cache, cached=True)
    cached.model.load_state_dict(plain.model.state_dict())
    for one in (plain, cached):
        one.model.eval()
        one.loss(0).value.backward()
    for first, second in zip(plain.model.parameters(), cached.model.parameters(), strict=True):
        torch.testing.assert_close(first.grad, second.grad, atol=1e-6, rtol=1e-4)
