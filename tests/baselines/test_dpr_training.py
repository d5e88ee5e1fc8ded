"""DPR's training: a step one text at a time, what it leaves on disk, whether it learns."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from baselines import dpr
from baselines.dpr.towers import SIDES, TwoBerts
from baselines.dpr.training import DualTraining
from baselines.training import starts
from baselines.training.loop import train
from baselines.training.recipe import Recipe, recipes
from baselines.training.trained import Training
from baselines.training.twotowers import TwoTowers
from benchmarks.interfaces import Document, Encoder, Setting
from benchmarks.registry import baselines
from benchmarks.runner import Bench, run_cell
from benchmarks.spec import parse
from benchmarks.storage.cache import Cache
from tests.baselines.test_dpr_losses import slow
from tests.baselines.training.made import QUIET, TWO_TOWERS, materials

OBJECTIVE = {
    "positives": "judged", "share": 100, "pooling": "mean", "similarity": "dot", "loss": "nll", "temperature": 1.0,
    "miner": "bm25:flat", "negatives": 20,
}  # fmt: skip
RECIPE = Recipe(
    "scratch:tiny", "synthetic/60/train", 8, 1e-3, "synthetic/60", steps=3, query_tokens=24, document_tokens=48,
    objective=OBJECTIVE,
)  # fmt: skip
PAPER = recipes(Path(dpr.__file__).with_name("recipe.toml"), "paper")
TEXTS = ["who founded the town", "which river", "the town\u2019s bridge"]


def encoder(name: str, folder: Path) -> Encoder:
    """The encoder of a variant, on a checkpoint."""
    built = baselines()["dpr"].variants[name].build(Setting(checkpoint=folder))
    assert isinstance(built, Encoder)
    return built


@pytest.mark.parametrize(
    ("similarity", "loss", "in_batch", "temperature"),
    [
        ("dot", "nll", True, 1.0),
        ("dot", "nll", False, 1.0),
        ("cosine", "nll", True, 0.05),
        ("l2", "triplet", True, 1.0),
    ],
)
def test_a_step_is_a_text_at_a_time(
    similarity: str, loss: str, in_batch: bool, temperature: float, cache: Cache
) -> None:
    """Each tower reads its own texts; the loss and all gradients in float64, relevant passages left out."""
    made = DualTraining(
        materials(RECIPE, cache, similarity=similarity, loss=loss, in_batch=in_batch, temperature=temperature)
    )
    # Towers that differ, as they do after a step.
    with torch.no_grad():
        for parameter in made._towers.document.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.01)
    made.model.double().eval()
    found = made.loss(1)
    pairs = made._data.batch(1, 8, 0)
    candidates = made.candidates(pairs, 1)
    towers, data = made._towers, made._data

    def vector(tower: Any, ids: list[int]) -> torch.Tensor:
        hidden: torch.Tensor = tower.backbone(input_ids=torch.tensor([ids])).last_hidden_state[0]
        return hidden.mean(dim=0)

    queries = towers.query_tokens([data.queries[query] for query, _ in pairs])
    passages = towers.document_tokens(data.documents(candidates.documents))
    asked = torch.stack([vector(towers.query, tokens.ids) for tokens in queries])
    given = torch.stack([vector(towers.document, tokens.ids) for tokens in passages])
    forbidden = torch.tensor([
        [i != j and (id in data.relevant[query] or (not in_batch and owner != i))
         for j, (id, owner) in enumerate(zip(candidates.documents, candidates.owners, strict=True))]
        for i, (query, _) in enumerate(pairs)
    ])  # fmt: skip
    if similarity == "cosine":
        asked, given = (torch.nn.functional.normalize(one, dim=1) for one in (asked, given))
        asked, similarity = asked / temperature, "dot"
    expected = slow(similarity, loss, asked, given, forbidden)
    torch.testing.assert_close(found.value, expected, atol=1e-9, rtol=1e-9)
    names, learnt = zip(*made.model.named_parameters(), strict=True)
    both = [torch.autograd.grad(value, learnt, allow_unused=True) for value in (found.value, expected)]
    for name, fast, restated in zip(names, *both, strict=True):
        torch.testing.assert_close(fast, restated, atol=1e-9, rtol=1e-9, msg=name)


def test_both_towers_begin_as_the_start_and_go_their_own_ways(cache: Cache, tmp_path: Path) -> None:
    """Equal before the first step, and two models after it."""
    given = materials(RECIPE, cache)
    made = DualTraining(given)

    def differ() -> float:
        pairs = zip(made._towers.query.parameters(), made._towers.document.parameters(), strict=True)
        return sum(float((a - b).detach().abs().sum()) for a, b in pairs)

    assert differ() == 0
    train(made, given.recipe, 0, tmp_path, QUIET)
    assert differ() > 0


def test_towers_of_a_start_are_read_without_their_projection(cache: Cache, tmp_path: Path) -> None:
    """Each side from its own folder; what is saved has no projection, whatever the start's configuration says."""
    given = materials(RECIPE, cache, **TWO_TOWERS)
    before = TwoTowers(given.start, given.recipe)
    with torch.no_grad():
        before.plain[1].pooled.backbone.embeddings.word_embeddings.weight += 0.1
    before.save(tmp_path / "start")
    towers = TwoBerts(starts.from_folder(tmp_path / "start"), RECIPE)
    for tower, start in zip((towers.query, towers.document), before.plain, strict=True):
        for (name, found), (_, expected) in zip(
            tower.backbone.state_dict().items(), start.pooled.backbone.state_dict().items(), strict=True
        ):
            assert torch.equal(found, expected), name
    towers.save(tmp_path / "saved")
    assert json.loads((tmp_path / "saved" / SIDES[0] / "config.json").read_text())["projection_dim"] == 0
    assert encoder("lab:nfcorpus", tmp_path / "saved").encode_queries(TEXTS).shape == (3, 32)


@pytest.mark.parametrize("name", ["paper:nq", "lab:in-batch-32+1", "lab:cosine", "lab:l2"])
def test_a_checkpoint_gives_the_vectors_of_the_model_that_was_trained(
    name: str, cache: Cache, tmp_path: Path
) -> None:
    """Through the variant's encoder, by the recipe's pooling; for l2 scores rank as distances do."""
    recipe = recipes(Path(dpr.__file__).with_name("recipe.toml"), name.partition(":")[0])[
        name.partition(":")[2]
    ]
    small = replace(RECIPE, objective={**OBJECTIVE, "pooling": recipe.objective["pooling"]})
    made = DualTraining(materials(small, cache))
    train(made, small, 0, tmp_path, QUIET)
    made.model.eval()
    documents = [Document(str(n), "a title" if n else "", text) for n, text in enumerate(TEXTS)]
    sides = (
        (made._towers.query, made._towers.query_tokens(TEXTS)),
        (made._towers.document, made._towers.document_tokens(documents)),
    )
    expected = []
    with torch.inference_mode():
        for tower, texts in sides:
            states = [
                tower.backbone(input_ids=torch.tensor([text.ids])).last_hidden_state[0] for text in texts
            ]
            pooled = [
                one[0] if recipe.objective["pooling"] == "first token" else one.mean(dim=0) for one in states
            ]
            expected.append(torch.stack(pooled).numpy())
    read = encoder(name, tmp_path / "checkpoint")
    asked, found = read.encode_queries(TEXTS), read.encode_documents(documents)
    if name == "lab:l2":
        distances = np.linalg.norm(expected[0][:, None] - expected[1][None], axis=2)
        squares = (expected[0] ** 2).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(asked @ found.T, (squares - distances**2) / 2, rtol=1e-4, atol=1e-4)
        return
    for vectors, wanted in zip((asked, found), expected, strict=True):
        length = np.linalg.norm(wanted, axis=1, keepdims=True) if name == "lab:cosine" else 1
        np.testing.assert_allclose(vectors, wanted / length, atol=1e-5)


def test_the_papers_recipe_is_the_released_one() -> None:
    """Sections 3.2 and 4, and the released configuration; forty times 58,880 questions whatever the batch."""
    recipe = PAPER["nq"]
    assert (recipe.batch, recipe.learning_rate, recipe.weight_decay, recipe.clip) == (128, 2e-5, 0.0, 2.0)
    assert recipe.warmup * recipe.steps == pytest.approx(1_237, abs=1)
    assert (recipe.query_tokens, recipe.document_tokens) == (256, 256)
    assert recipe.objective["negatives_each"] == 1
    for name, other in PAPER.items():
        questions = 58_880 * other.objective["share"] / 100
        assert other.batch * other.steps == pytest.approx(40 * questions, rel=2e-3), name


def trained(name: str) -> dict[str, Any]:
    """What a finished training says it took."""
    train_it = baselines()["dpr"].variants[name].train
    assert train_it is not None
    facts: dict[str, Any] = json.loads((train_it(Setting(), QUIET) / "training.json").read_text())
    return facts["spent"]  # type: ignore[no-any-return]


@pytest.mark.slow
def test_training_learns(bench: Bench) -> None:
    """From scratch on the synthetic world, by judged passages and by answers alone: more is found than before."""
    trained("synthetic:untrained")
    before = run_cell(parse("dpr:synthetic:untrained"), "synthetic/small", bench).means
    for name, measure in (("in-batch", "nDCG@10"), ("distant", "AnswerRecall@20")):
        spent = trained(f"synthetic:{name}")
        assert spent["last_loss"] < spent["first_loss"] - 1
        assert spent["peak_bytes"] <= spent["estimated_bytes"]
        after = run_cell(parse(f"dpr:synthetic:{name}"), "synthetic/small", bench).means
        assert after[measure] > 2 * before[measure]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nq", "l2-triplet"])
def test_the_papers_size_takes_two_steps_in_the_memory_that_was_foreseen(name: str) -> None:
    """Two BERT-bases on generated text, in batches of two."""
    train_it = baselines()["dpr"].variants[f"paper:{name}"].train
    assert isinstance(train_it, Training)
    small = replace(train_it, recipe=replace(train_it.recipe, batch=2))
    folder = small(Setting(random_weights=True), QUIET)
    spent = json.loads((folder / "training.json").read_text())["spent"]
    assert spent["steps"] == 2
    assert spent["parameters"] > 2 * 85e6
    assert np.isfinite(spent["last_loss"])
    assert spent["peak_bytes"] <= spent["estimated_bytes"]
