"""Contriever's fine-tuning: the negatives of its two phases, and who mines them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from baselines.contriever.finetuning import OneNegativeEach
from baselines.encoders.transformer import Conventions
from baselines.training import trained
from baselines.training.checkpoint import trained_variant
from baselines.training.recipe import Recipe
from baselines.training.towers import OneTower
from baselines.training.trained import Materials, Training
from benchmarks.collections.collection import open_collection
from benchmarks.interfaces import Setting
from benchmarks.progress import Progress
from benchmarks.registry import Baseline, baselines
from benchmarks.storage.cache import Cache
from tests.baselines.training.made import materials

QUIET = Progress(quiet=True)
TRAIN = "synthetic/tiny/train"
CONVENTIONS = Conventions(normalised=False, query_tokens=16, document_tokens=32)


def recipe(hard: float, **options: Any) -> Recipe:
    """A few steps on the tiny world's training pairs, with negatives mined by BM25."""
    own = {"share": 100, "temperature": 0.5, "hard": hard, "negatives": 10, "miner": "bm25:flat", **options}
    return Recipe(
        "scratch:tiny", TRAIN, 16, 1e-3, "synthetic/tiny", steps=2, query_tokens=16, document_tokens=32, objective=own
    )  # fmt: skip


def objective(given: Materials) -> OneNegativeEach:
    """As the baseline makes it."""
    return OneNegativeEach(OneTower(given.start.weights, CONVENTIONS), given)


def own_negatives(made: OneNegativeEach, steps: int) -> list[tuple[str, str]]:
    """Query and its own negative, of all steps."""
    found = []
    for step in range(steps):
        pairs = made._data.batch(step, 16, 0)
        documents = made.candidates(pairs, step).documents
        assert documents[: len(pairs)] == [document for _, document in pairs]
        found += [
            (query, negative) for (query, _), negative in zip(pairs, documents[len(pairs) :], strict=True)
        ]
    return found


def test_one_negative_in_ten_is_hard_and_the_rest_are_any_document(cache: Cache) -> None:
    """Each query has one. Those that are hard are among its mined ones; the others cover the whole collection."""
    drawn = own_negatives(objective(materials(recipe(0.1), cache)), 150)
    hard = objective(materials(recipe(1.0), cache))
    assert all(
        negative in hard._negatives.mined[query]
        for query, negative in own_negatives(hard, 20)
        if hard._negatives.mined[query]
    )
    easy = own_negatives(objective(materials(recipe(0.0), cache)), 150)
    count = open_collection(TRAIN, cache).inspection.documents

    def hits(pairs: list[tuple[str, str]]) -> float:
        return sum(negative in hard._negatives.mined[query] for query, negative in pairs) / len(pairs)

    assert hits(easy) == pytest.approx(10 / count, abs=0.02)
    assert hits(drawn) == pytest.approx(0.1 + 0.9 * hits(easy), abs=0.025)
    assert len({negative for _, negative in easy}) > 0.9 * count
    assert drawn == own_negatives(objective(materials(recipe(0.1), cache)), 150)


def test_the_loss_is_the_softmax_over_all_documents_that_are_not_relevant(cache: Cache) -> None:
    """Restated with a loop for every sum: documents of the others and all negatives, but no relevant one besides its own."""
    made = objective(materials(recipe(0.5), cache))
    made.model.double().eval()
    loss = made.loss(1)
    pairs = made._data.batch(1, 16, 0)
    documents = made.candidates(pairs, 1).documents
    queries = made._towers.query_tokens([made._data.queries[query] for query, _ in pairs])
    texts = made._towers.document_tokens(made._data.documents(documents))

    def vector(ids: list[int]) -> torch.Tensor:
        hidden: torch.Tensor = made._towers.backbone(input_ids=torch.tensor([ids])).last_hidden_state[0]  # type: ignore[attr-defined]
        return hidden.mean(dim=0)

    asked, found = [vector(text.ids) for text in queries], [vector(text.ids) for text in texts]
    total: Any = 0.0
    for number, (query, _) in enumerate(pairs):
        kept = [
            place for place, document in enumerate(documents)
            if place == number or document not in made._data.relevant[query]
        ]  # fmt: skip
        shares = [torch.exp((asked[number] * found[place]).sum() / 0.5) for place in kept]
        total = total - torch.log(shares[kept.index(number)] / sum(shares))
    torch.autograd.backward(loss.value)
    gradients = {name: p.grad.clone() for name, p in made.model.named_parameters() if p.grad is not None}
    made.model.zero_grad()
    torch.autograd.backward(total / len(pairs))
    assert loss.value.item() == pytest.approx((total / len(pairs)).item(), abs=1e-9)
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradient, made.model.get_parameter(name).grad, atol=1e-9, rtol=1e-9)


def test_phase_two_starts_anew_and_its_miner_is_trained_first(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The weights depend on the miner's recipe; a miner that is not trained is trained; the miner's own start is the same."""
    easy = recipe(0.0, negatives=0)
    del easy.objective["miner"]  # type: ignore[attr-defined]
    first = Training("phases:lab:random", easy, objective)
    second = Training("phases:lab:hard", recipe(0.1, miner="phases:lab:random"), objective)
    from baselines.encoders.transformer import TransformerEncoder

    variants = {
        training.name.partition(":")[2]: trained_variant(
            training, lambda point, setting: TransformerEncoder(point, CONVENTIONS, setting), ""
        )
        for training in (first, second)
    }
    known = {**baselines(), "phases": Baseline("phases", "", variants)}
    monkeypatch.setattr("benchmarks.registry.baselines", lambda: known)
    folder = second(Setting(), QUIET)
    made_of = json.loads((folder / "training.json").read_text())["made_of"]
    assert made_of["miner"]["variant"] == "phases:lab:random"
    assert made_of["miner"]["recipe"] == easy.to_json()
    assert made_of["miner"]["start"] == made_of["start"]
    assert trained.facts(first.find(0)) is not None


def test_a_rehearsal_mines_with_bm25(cache: Cache) -> None:
    """The recipe of a second phase is rehearsed where the first was never trained."""
    training = Training("phases:lab:hard", recipe(0.1, miner="contriever:paper:crop"), objective)
    folder = training(Setting(random_weights=True), QUIET)
    assert isinstance(folder, Path)
    spent = json.loads((folder / "training.json").read_text())
    assert spent["spent"]["steps"] == 2
    assert spent["made_of"]["recipe"]["objective"]["miner"] == "bm25:flat"
