"""Contriever's objectives: their losses restated without a library's help, their state, and that they learn."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from baselines import contriever
from baselines.contriever.cropping import AUGMENTATIONS, Pairs
from baselines.contriever.inbatch import InBatch
from baselines.contriever.moco import MoCo, MomentumQueue
from baselines.encoders.tower import Tokens
from baselines.training import loop
from baselines.training.recipe import Recipe, recipes
from baselines.training.trained import Materials
from benchmarks.errors import UsageError
from benchmarks.interfaces import Document, Encoder, Setting
from benchmarks.progress import Progress
from benchmarks.registry import baselines
from benchmarks.runner import Bench, run_cell
from benchmarks.spec import parse
from benchmarks.storage.cache import Cache
from tests.baselines.articles import places, tokenizer, words_of, written
from tests.baselines.training.made import materials

QUIET = Progress(quiet=True)
RECIPES = recipes(Path(contriever.__file__).with_name("recipe.toml"), "synthetic")
SMALL: dict[str, Any] = {"start": "scratch:tiny", "corpus": "synthetic/tiny", "vocabulary": "synthetic/tiny"}


def small(name: str, **changed: Any) -> Recipe:
    """A recipe of the synthetic profile on a tiny world, from a tiny BERT; the objective's options may be changed."""
    recipe = RECIPES[name]
    own = {key: changed.pop(key) for key in list(changed) if key in recipe.objective}
    return replace(recipe, **{**SMALL, **changed}, objective={**recipe.objective, **own})


def made(recipe: Recipe, cache: Cache, seed: int = 0) -> Any:
    """The recipe's objective, drawn from a seed."""
    torch.manual_seed(seed)
    kind = MoCo if recipe.objective["queue"] else InBatch
    return kind(materials(recipe, cache, seed))


def in_double(objective: Any) -> Any:
    """The same in float64 and without dropout."""
    objective.model.double().eval()
    return objective


def encoded(backbone: Any, texts: list[Tokens]) -> list[torch.Tensor]:
    """Texts one by one: the mean over all their positions, written out."""
    found = []
    for text in texts:
        hidden = backbone(input_ids=torch.tensor([text.ids])).last_hidden_state[0]
        found.append(sum(hidden[place] for place in range(len(text.ids))) / len(text.ids))
    return found


def restated(asked: list[torch.Tensor], candidates: Callable[[int], list[torch.Tensor]]) -> Any:
    """Equation 1, with a loop for every sum; a query's own key is the first of its candidates."""
    total: Any = 0.0
    for number, query in enumerate(asked):
        scores = [(query * key).sum() / 0.05 for key in candidates(number)]
        highest = max(score.item() for score in scores)
        total = total - (scores[0] - highest) + torch.log(sum(torch.exp(score - highest) for score in scores))  # type: ignore[arg-type]
    return total / len(asked)


def gradients(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """What backward left, by parameter."""
    found = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    return found


def assert_same(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    """Gradients that agree to 1e-9 of the largest of each."""
    assert found.keys() == expected.keys() and found
    for name, gradient in expected.items():
        scale = max(1.0, float(gradient.abs().max()))
        torch.testing.assert_close(found[name] / scale, gradient / scale, atol=1e-9, rtol=0, msg=name)


@pytest.mark.parametrize("cached", [False, True])
def test_in_batch_is_equation_1_over_the_keys_of_the_batch(cached: bool, cache: Cache) -> None:
    """Loss and every gradient, with cached gradients and without."""
    objective = in_double(made(small("inbatch", batch=5, temperature=0.05, cached=cached), cache))
    loss = objective.loss(3)
    torch.autograd.backward(loss.value)
    found = gradients(objective.model)
    queries, keys = objective._pairs.texts(3)
    backbone = objective.model.backbone
    documents = encoded(backbone, keys)
    expected = restated(
        encoded(backbone, queries),
        lambda own: [documents[own], *(d for n, d in enumerate(documents) if n != own)],
    )
    torch.autograd.backward(expected)
    assert loss.value.item() == pytest.approx(expected.item(), abs=1e-9)
    assert_same(found, gradients(objective.model))
    assert loss.tokens == sum(len(text.ids) for text in [*queries, *keys])


def test_moco_is_equation_1_over_the_queue(cache: Cache) -> None:
    """Three steps of plain descent: losses, gradients, the keys' encoder and the queue, all restated."""
    objective = in_double(made(small("moco", batch=4, queue=6, temperature=0.05, momentum=0.75), cache))
    model = objective.model
    follower = {name: p.detach().clone() for name, p in model.query.named_parameters()}
    past: list[torch.Tensor] = []
    for step in range(3):
        loss = objective.loss(step)
        torch.autograd.backward(loss.value)
        found = gradients(model.query)
        assert not gradients(model.key)
        for name, parameter in model.query.named_parameters():
            follower[name] = 0.75 * follower[name] + 0.25 * parameter.detach()
            torch.testing.assert_close(model.key.get_parameter(name), follower[name], atol=1e-12, rtol=0)
        queries, keys = objective._pairs.texts(step)
        with torch.no_grad():
            documents = encoded(model.key.backbone, keys)
        negatives = past[-6:]
        expected = restated(encoded(model.query.backbone, queries), lambda own: [documents[own], *negatives])  # noqa: B023
        torch.autograd.backward(expected)
        assert loss.value.item() == pytest.approx(expected.item(), abs=1e-9)
        assert_same(found, restated_gradients := gradients(model.query))
        past += documents
        with torch.no_grad():
            for name, parameter in model.query.named_parameters():
                parameter.sub_(0.01 * restated_gradients.get(name, torch.zeros(())))
    held = {tuple(key.tolist()) for key in model.negatives()}
    assert len(held) == 6
    np.testing.assert_allclose(sorted(held), sorted(tuple(key.tolist()) for key in past[-6:]), atol=1e-9)


def test_a_queue_holds_the_newest_keys() -> None:
    """It begins empty, fills, and then the oldest go; more keys than it holds leave the last of them."""
    model = MomentumQueue(torch.nn.Linear(1, 1), dimension=1, size=5, momentum=0.9)
    assert model.negatives().shape == (0, 1)
    seen: list[float] = []
    for count in (2, 2, 3, 1, 9, 4, 0, 5):
        keys = [float(len(seen) + number) for number in range(count)]
        model.push(torch.tensor(keys).reshape(-1, 1))
        seen += keys
        assert sorted(model.negatives().flatten().tolist()) == sorted(seen[-5:])


def test_the_first_keys_encoder_is_the_queries() -> None:
    """Equal at first, apart after a step, and closer again when it follows; no gradient ever reaches it."""
    model = MomentumQueue(torch.nn.Linear(3, 2), dimension=2, size=4, momentum=0.9)
    model.follow()
    torch.testing.assert_close(model.key.weight, model.query.weight, atol=0, rtol=0)
    before = model.key.weight.clone()
    with torch.no_grad():
        model.query.weight += 1.0
    model.follow()
    torch.testing.assert_close(model.key.weight, before + 0.1)
    assert not any(parameter.requires_grad for parameter in model.key.parameters())


@pytest.mark.parametrize("augmentation", AUGMENTATIONS)
@pytest.mark.parametrize("views", ["crops", "inverse cloze"])
def test_a_pair_is_of_one_article_and_depends_on_seed_and_step_alone(
    views: str, augmentation: str, monkeypatch: pytest.MonkeyPatch, cache: Cache
) -> None:
    """Two steps, and two seeds, differ; the same again does not."""
    lengths = (30, 300, 80)
    pieces = tokenizer(words_of(lengths))
    written("hand", lengths, pieces, monkeypatch, cache)
    recipe = small("inbatch", corpus="hand", batch=16, chunk=64, views=views, augmentation=augmentation)

    def pairs(seed: int, step: int) -> list[tuple[list[int], list[int]]]:
        found = Pairs(Materials(recipe, seed, None, cache, QUIET), pieces)  # type: ignore[arg-type]
        return [(query.tolist(), key.tolist()) for query, key in found.drawn(step)]

    drawn = pairs(0, 0)
    assert len(drawn) == 16
    assert drawn == pairs(0, 0)
    assert drawn != pairs(0, 1) and drawn != pairs(1, 0)
    if augmentation != "replace":
        for query, key in drawn:
            assert len({article for article, _ in places([*query, *key], pieces)}) <= 1


def test_views_stand_between_cls_and_sep_whole(cache: Cache) -> None:
    """What is encoded is the view and two special tokens, and no longer than was announced to the memory's estimate."""
    for views in ("crops", "inverse cloze"):
        objective = made(small("inbatch", batch=64, views=views, augmentation="none"), cache)
        pairs, pieces = objective._pairs, objective._tower.tokenizer
        queries, keys = pairs.texts(0)
        for view, text in zip(pairs.drawn(0), zip(queries, keys, strict=True), strict=True):
            for ids, tokens in zip(view, text, strict=True):
                assert tokens.ids == [pieces.cls_token_id, *ids.tolist(), pieces.sep_token_id]
        assert max(len(text.ids) for text in queries) <= pairs.longest[0]
        assert max(len(text.ids) for text in keys) <= pairs.longest[1]


@pytest.mark.parametrize("option", ["views", "augmentation"])
def test_an_unknown_word_in_a_recipe_names_the_known(option: str, cache: Cache) -> None:
    """One line, for the reader of a TOML file."""
    with pytest.raises(UsageError, match=f"no {option} 'cropz' .* known: (crops|none), "):
        made(small("inbatch", **{option: "cropz"}), cache)


@pytest.mark.parametrize("name", ["inbatch", "moco"])
def test_a_training_that_was_killed_ends_as_if_it_never_was(
    name: str, tmp_path: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights are equal byte for byte: queue and momentum encoder are part of what is kept."""
    recipe = small(name, batch=8, tokens=0, steps=8, queue=20 if name == "moco" else 0)
    whole, killed = made(recipe, cache), made(recipe, cache)
    loop.train(whole, recipe, 0, tmp_path / "whole", QUIET)
    (tmp_path / "killed").mkdir()
    monkeypatch.setattr(loop, "SAVED_EVERY", 0.0)
    usual = killed.loss

    def dies(step: int) -> Any:
        if step == 5:
            raise KeyboardInterrupt
        return usual(step)

    monkeypatch.setattr(killed, "loss", dies)
    with pytest.raises(KeyboardInterrupt):
        loop.train(killed, recipe, 0, tmp_path / "killed", QUIET)
    again = made(recipe, cache)
    loop.train(again, recipe, 0, tmp_path / "killed", QUIET)
    for (label, expected), (_, found) in zip(
        whole.model.state_dict().items(), again.model.state_dict().items(), strict=True
    ):
        assert torch.equal(expected, found), label


@pytest.mark.parametrize("name", ["inbatch", "moco"])
def test_the_encoder_of_a_checkpoint_is_the_model_that_was_trained(name: str, cache: Cache) -> None:
    """Through the variant, text in: the vectors of the trained tower, of the queries' encoder under MoCo."""
    recipe = small(name, batch=8, tokens=0, steps=3)
    objective = made(recipe, cache)
    folder = cache.root / "here"
    folder.mkdir(parents=True)
    loop.train(objective, recipe, 0, folder, QUIET)
    variant = baselines()["contriever"].variants[f"synthetic:{name}"]
    encoder = variant.build(Setting(checkpoint=folder / "checkpoint"))
    assert isinstance(encoder, Encoder)
    texts = ["a town by the river", "who founded it", "bridge " * 200]
    tower = objective._tower
    with torch.inference_mode():
        for found, tokens in (
            (encoder.encode_queries(texts), tower.query_tokens(texts)),
            (encoder.encode_documents([Document("d", "", text) for text in texts]),
             tower.document_tokens([Document("d", "", text) for text in texts])),
        ):  # fmt: skip
            expected = torch.stack(encoded(tower.backbone.eval(), tokens)).numpy()
            np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_papers_recipes_are_as_published() -> None:
    """The released model's recipe against what section 3 and the appendix say."""
    recipe = recipes(Path(contriever.__file__).with_name("recipe.toml"), "paper")["contriever"]
    assert (recipe.batch, recipe.steps, recipe.learning_rate, recipe.weight_decay) == (
        2048,
        500_000,
        5e-5,
        0.01,
    )
    assert recipe.warmup * recipe.steps == pytest.approx(20_000)
    assert (recipe.betas, recipe.epsilon) == ((0.9, 0.98), 1e-6)
    assert recipe.objective["queue"] == 131_072 and recipe.objective["momentum"] == 0.9995
    assert recipe.objective["temperature"] == 0.05 and recipe.objective["shares"] == [0.05, 0.5]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["inbatch", "moco"])
def test_training_learns(name: str, bench: Bench) -> None:
    """From scratch on the synthetic world: the loss falls, and retrieval is better than the same encoder untrained's."""
    variant = baselines()["contriever"].variants[f"synthetic:{name}"]
    assert variant.train is not None
    folder = variant.train(Setting(), QUIET)
    log = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    losses = [entry["loss"] for entry in log]
    full = RECIPES[name].objective["queue"] // RECIPES[name].batch + 1
    assert np.mean(losses[-10:]) < np.mean(losses[full : full + 10])
    untrained_training = baselines()["contriever"].variants["synthetic:untrained"].train
    assert untrained_training is not None
    untrained_training(Setting(), QUIET)
    trained = run_cell(parse(f"contriever:synthetic:{name}"), "synthetic/small", bench)
    untrained = run_cell(parse("contriever:synthetic:untrained"), "synthetic/small", bench)
    assert trained.means["nDCG@10"] > untrained.means["nDCG@10"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["contriever", "ict", "inbatch-4096"])
def test_the_papers_profile_takes_two_steps_at_full_size(name: str) -> None:
    """BERT-base, with the batch cut; memory at the peak is within what was foreseen."""
    train = baselines()["contriever"].variants[f"paper:{name}"].train
    assert train is not None
    folder = train(Setting(random_weights=True), QUIET)
    spent = json.loads((folder / "training.json").read_text())["spent"]
    assert spent["steps"] == 2 and spent["parameters"] > 80e6
    assert math.isfinite(spent["last_loss"])
    assert spent["peak_bytes"] <= spent["estimated_bytes"]
