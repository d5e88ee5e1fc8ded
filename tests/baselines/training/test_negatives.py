"""The kinds of negatives: what a batch holds, who is compared with what, and what a teacher takes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

from baselines.training.finetuning import FineTuning
from baselines.training.mining import mined, negatives_of
from baselines.training.negatives import Negatives
from baselines.training.pairs import training_pairs
from baselines.training.twotowers import TwoTowers
from benchmarks.interfaces import FloatArray, Query
from benchmarks.storage.cache import Cache
from tests.baselines.training.made import QUIET, TINY, TWO_TOWERS, assert_frequencies, materials

TRAIN = "synthetic/60/train"


def tuning(cache: Cache, **options: object) -> FineTuning:
    """A tiny two-tower model on the generated pairs, whose negatives BM25 mines."""
    objective = {**TWO_TOWERS, "share": 100, "temperature": 0.5, "miner": "bm25:flat", **options}
    recipe = replace(TINY, corpus=TRAIN, objective=objective)
    given = materials(replace(recipe, corpus="synthetic/60"), cache)
    return FineTuning(TwoTowers(given.start, recipe), replace(given, recipe=recipe))


def test_a_batch_holds_what_each_query_asked_for(cache: Cache) -> None:
    """First the documents of the pairs; then two mined, three of any kind and one that answers another query, each."""
    made = tuning(cache, negatives=10, negatives_each=2, random_each=3, gold_each=1)
    pairs = made._data.batch(3, 8, 0)
    found = made.candidates(pairs, 3)
    assert found == made.candidates(pairs, 3) != made.candidates(pairs, 4)
    assert found.documents[:8] == [document for _, document in pairs]
    assert found.owners[:8] == list(range(8))
    brought = [(pairs[owner][0], id) for owner, id in zip(found.owners[8:], found.documents[8:], strict=True)]
    hard = mined("bm25:flat", 0, TRAIN, 10, cache, QUIET)
    with_hard = sum(bool(hard[query]) for query, _ in pairs)
    assert len(brought) == 2 * with_hard + 3 * 8 + 8
    assert all(id in hard[query] for query, id in brought[: 2 * with_hard])
    gold = {document for _, document in made._data.pairs}
    assert {id for _, id in brought[-8:]} <= gold
    assert not {id for _, id in brought[-32:-8]} <= gold
    assert made._negatives.each == 6


def test_random_and_gold_negatives_are_drawn_evenly(cache: Cache) -> None:
    """Every document of the collection, and every pair's document, as often as it should be."""
    data = training_pairs(TRAIN, 100, cache)
    given = materials(replace(TINY, corpus="synthetic/60"), cache, random_each=50, gold_each=50)
    negatives = Negatives(data, given)
    rng = np.random.default_rng(0)
    pairs = data.pairs[:40]
    drawn = [negatives.candidates(pairs, rng).documents for _ in range(10)]
    everything = data._texts.ids(np.arange(len(data._texts)))
    any_place = [everything.index(id) for one in drawn for id in one[40:2040]]
    assert_frequencies(any_place, np.full(len(everything), 1 / len(everything)))
    gold = [document for _, document in data.pairs]
    named = sorted(set(gold))
    shares = np.array([gold.count(id) / len(gold) for id in named])
    assert_frequencies([named.index(id) for one in drawn for id in one[2040:]], shares)


@pytest.mark.parametrize("in_batch", [True, False])
def test_without_the_batch_a_query_meets_its_own_negatives_only(in_batch: bool, cache: Cache) -> None:
    """The loss restated pair by pair, in float64; relevant documents are left out in either case."""
    made = tuning(cache, negatives=10, random_each=2, in_batch=in_batch)
    made.model.double().eval()
    pairs = made._data.batch(1, 8, 0)
    found = made.candidates(pairs, 1)
    towers, data = made._towers, made._data

    def vector(tower: torch.nn.Module, ids: list[int]) -> torch.Tensor:
        hidden = tower.pooled.backbone(input_ids=torch.tensor([ids])).last_hidden_state[0]
        return tower.projection(hidden.mean(dim=0))

    losses = []
    for number, (query, _) in enumerate(pairs):
        (tokens,) = towers.query_tokens([data.queries[query]])
        asked = vector(towers.query, tokens.ids)
        compared = [
            id for place, (owner, id) in enumerate(zip(found.owners, found.documents, strict=True))
            if place == number or ((in_batch or owner == number) and id not in data.relevant[query])
        ]  # fmt: skip
        scores = (
            torch.stack(
                [
                    asked @ vector(towers.document, text.ids)
                    for text in towers.document_tokens(data.documents(compared))
                ]
            )
            / 0.5
        )
        right = scores[compared.index(pairs[number][1])]
        losses.append(torch.logsumexp(scores, 0) - right)
    expected = torch.stack(losses).mean()
    torch.testing.assert_close(made.loss(1).value, expected, atol=1e-9, rtol=0)


class Told:
    """A teacher that gives each document the score it was told."""

    def __init__(self, scores: dict[str, float]) -> None:
        self.scores = scores

    def score(self, queries: Sequence[Query], candidates: Sequence[Sequence[str]]) -> list[FloatArray]:
        """What it was told."""
        return [np.array([self.scores[id] for id in ids], dtype=np.float32) for ids in candidates]


def test_a_teacher_takes_out_what_it_thinks_relevant(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    """What scores above the worst relevant document less the margin is no negative; the order of the others stays."""
    data = training_pairs(TRAIN, 100, cache)
    rng = np.random.default_rng(5)
    scores = {id: float(rng.random()) for id in data._texts.ids(np.arange(len(data._texts)))}
    monkeypatch.setattr("baselines.training.mining.teacher", lambda *_: Told(scores))
    options = {"miner": "bm25:flat", "negatives": 20, "filter": "minilm:l6-v2", "margin": 0.1}
    recipe = replace(TINY, corpus=TRAIN, objective=options)
    plain = mined("bm25:flat", 0, TRAIN, 20, cache, QUIET)
    found = negatives_of(recipe, 0, cache, QUIET)
    assert found.keys() == plain.keys()
    dropped = 0
    for query, ids in plain.items():
        most = min(scores[id] for id in data.relevant[query]) - 0.1
        kept = [id for id in ids if np.float32(scores[id]) <= most]
        assert found[query] == kept
        dropped += len(ids) - len(kept)
    assert dropped > 0
    assert any(found.values())
