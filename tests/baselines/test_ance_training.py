"""ANCE's objective: its loss restated, which negatives a pair has, what it logs, and its checkpoints."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from baselines import ance
from baselines.ance.maxp import BestPassage
from baselines.ance.training import OneNegative
from baselines.encoders.drawn import DrawnWeights
from baselines.training import loop
from baselines.training.mining import mined
from baselines.training.recipe import Recipe, recipes
from baselines.training.starts import Start
from baselines.training.twotowers import TwoTowers
from benchmarks.errors import UsageError
from benchmarks.interfaces import Document, Encoder, Setting
from benchmarks.registry import baselines
from benchmarks.runner import Bench, run_cell
from benchmarks.spec import parse
from benchmarks.storage.cache import Cache
from tests.baselines.test_ance import saved
from tests.baselines.training.made import QUIET, assert_frequencies, materials

RECIPES = Path(ance.__file__).with_name("recipe.toml")
TRAIN = "synthetic/60/train"


def recipe(**changed: Any) -> Recipe:
    """The synthetic profile's recipe of negatives from the index, on a world of 60 documents, from a tiny BERT."""
    made = recipes(RECIPES, "synthetic")["index"]
    small: dict[str, Any] = {
        "start": "scratch:tiny", "corpus": TRAIN, "vocabulary": "synthetic/60", "batch": 8, "steps": 6,
    }  # fmt: skip
    own = {"depth": 10, "refresh": 2, "overlap": 0}
    own |= {name: changed.pop(name) for name in list(changed) if name not in Recipe.__dataclass_fields__}
    return replace(made, **{**small, **changed}, objective={**made.objective, **own})


def objective(cache: Cache, folder: Path, made: Recipe, seed: int = 0) -> OneNegative:
    """The objective of a recipe from scratch."""
    torch.manual_seed(seed)
    given = replace(materials(made, cache, seed), scratch=folder / "scratch")
    return (BestPassage if "passages" in made.objective else OneNegative)(TwoTowers(given.start, made), given)


def in_double(made: OneNegative) -> OneNegative:
    """The same in float64 and without dropout."""
    made.model.double().eval()
    return made


def encoded(tower: Any, ids: list[int]) -> torch.Tensor:
    """A text by itself: the mean of its last layer, projected, scaled to length 1, written out."""
    hidden = tower.pooled.backbone(input_ids=torch.tensor([ids])).last_hidden_state[0]
    mean = sum(hidden[place] for place in range(len(ids))) / len(ids)
    vector = tower.projection.weight @ mean + tower.projection.bias
    return vector / vector.square().sum().sqrt()


def gradients(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """What backward left, by parameter."""
    found = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    return found


@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize("kinds", [["index"], ["random"], ["mined", "random"], []])
def test_the_loss_is_that_of_each_pair_against_its_negatives(
    kinds: list[str], cached: bool, cache: Cache, tmp_path: Path
) -> None:
    """Loss, every gradient, what is said of each kind and of the vectors' gradients, restated with a loop for each sum."""
    in_batch = not kinds
    made = in_double(
        objective(
            cache, tmp_path,
            recipe(kinds=kinds, cached=cached, in_batch=in_batch, miner="bm25:flat", negatives=10, refresh=9),
        )
    )  # fmt: skip
    loss = made.loss(3)
    torch.autograd.backward(loss.value)
    watched = made.watched()
    found = gradients(made.model)
    data, towers = made._data, made._towers
    pairs = data.batch(3, 8, 0)
    candidates = made.candidates(pairs, 3)
    tower = made.model["query"]  # type: ignore[index]
    asked = [encoded(tower, text.ids) for text in towers.query_tokens([data.queries[q] for q, _ in pairs])]
    vectors = [
        encoded(tower, text.ids) for text in towers.document_tokens(data.documents(candidates.documents))
    ]
    for vector in (*asked, *vectors):
        vector.retain_grad()
    total: Any = 0.0
    by_kind: dict[str, list[float]] = {}
    for number, (query, _) in enumerate(pairs):
        right = (asked[number] * vectors[number]).sum() / 0.05
        denominator: Any = torch.exp(right)
        for place, (owner, id) in enumerate(zip(candidates.owners, candidates.documents, strict=True)):
            if place == number or id in data.relevant[query] or not (in_batch or owner == number):
                continue
            wrong = (asked[number] * vectors[place]).sum() / 0.05
            denominator = denominator + torch.exp(wrong)
            by_kind.setdefault(made._brought[place], []).append(
                math.log(1 + math.exp(float(wrong.detach() - right.detach())))
            )
        total = total - torch.log(torch.exp(right) / denominator)
    expected = total / len(pairs)
    torch.autograd.backward(expected)
    assert loss.value.item() == pytest.approx(expected.item(), abs=1e-9)
    restated = gradients(made.model)
    assert found.keys() == restated.keys()
    for name, gradient in restated.items():
        scale = max(1.0, float(gradient.abs().max()))
        torch.testing.assert_close(found[name] / scale, gradient / scale, atol=1e-9, rtol=0, msg=name)
    said = {
        name.removeprefix("loss_"): value for name, value in loss.said.items() if name.startswith("loss_")
    }
    assert set(said) == set(by_kind) == (set(kinds) or {"batch"})
    for kind, costs in by_kind.items():
        assert said[kind] == pytest.approx(sum(costs) / len(costs), abs=1e-9)
    squares = sum(float(v.grad.square().sum()) for v in (*asked, *vectors) if v.grad is not None)
    assert watched["gradient_vectors"] == pytest.approx(math.sqrt(squares), rel=1e-6)


def test_gradients_are_told_by_thirds_of_the_layers(cache: Cache, tmp_path: Path) -> None:
    """Six layers, two a third; embeddings and projection are in none; asked once, the vectors' are forgotten."""
    made = objective(cache, tmp_path, recipe(kinds=["random"], start="scratch:deep"))
    torch.autograd.backward(made.loss(0).value)
    layers = made.model["query"].pooled.backbone.encoder.layer  # type: ignore[index]
    expected = [
        math.sqrt(
            sum(
                float(p.grad.square().sum())
                for layer in layers[2 * n : 2 * n + 2]
                for p in layer.parameters()
                if p.grad is not None
            )
        )
        for n in range(3)
    ]
    told = made.watched()
    assert [told[f"gradient_{third}"] for third in ("bottom", "middle", "top")] == pytest.approx(
        expected, rel=1e-4
    )
    assert told["gradient_vectors"] > 0
    assert made.watched()["gradient_vectors"] == 0


@pytest.mark.parametrize("kinds", [["mined"], ["random"], ["mined", "random"], ["index"], []])
def test_a_pair_has_one_negative_of_a_kind(kinds: list[str], cache: Cache, tmp_path: Path) -> None:
    """From where the recipe says, each kind as often; it depends on seed and step alone."""
    made = objective(
        cache, tmp_path, recipe(kinds=kinds, miner="bm25:flat", negatives=10, in_batch=not kinds)
    )
    if "index" in kinds:
        made.loss(0)
    hard = mined("bm25:flat", 0, TRAIN, 10, cache, QUIET)
    counts = dict.fromkeys([*kinds, "batch"], 0)
    for step in range(40):
        pairs = made._data.batch(step, 8, 0)
        found = made.candidates(pairs, step)
        assert found == made.candidates(pairs, step)
        assert found.documents[:8] == [document for _, document in pairs]
        assert found.owners[:8] == list(range(8))
        assert len(set(found.owners[8:])) == len(found.owners[8:])
        for owner, id, kind in zip(found.owners[8:], found.documents[8:], made._brought[8:], strict=True):
            counts[kind] += 1
            assert kind != "mined" or id in hard[pairs[owner][0]]
            assert kind == "random" or id not in made._data.relevant[pairs[owner][0]]
    assert made.footprint().tokens == 8 * (24 + (2 if kinds else 1) * 64)
    if len(kinds) == 2:
        assert_frequencies([0] * counts["mined"] + [1] * counts["random"], np.array([0.5, 0.5]))
    elif kinds:
        assert counts[kinds[0]] > 250


def test_an_unknown_kind_names_the_known(cache: Cache, tmp_path: Path) -> None:
    """One line, for the reader of a TOML file."""
    with pytest.raises(UsageError, match="no kind 'bm25' of negatives; known: mined, random, index"):
        objective(cache, tmp_path, recipe(kinds=["bm25"]))


@pytest.mark.parametrize("profile", ["lab", "synthetic"])
def test_the_encoder_of_a_checkpoint_is_the_model_that_was_trained(
    profile: str, cache: Cache, tmp_path: Path
) -> None:
    """Through the variant, text in: the vectors of the trained tower."""
    name = {"lab": "scifact-index", "synthetic": "index"}[profile]
    shape = recipes(RECIPES, profile)[name]
    made_of = recipe(steps=3, query_tokens=shape.query_tokens, document_tokens=shape.document_tokens)
    made = objective(cache, tmp_path, made_of)
    loop.train(made, made_of, 0, tmp_path, QUIET)
    encoder = (
        baselines()["ance"].variants[f"{profile}:{name}"].build(Setting(checkpoint=tmp_path / "checkpoint"))
    )
    assert isinstance(encoder, Encoder)
    texts = ["a town by the river", "who founded it", "bridge " * 200]
    documents = [Document("d", "title", text) for text in texts]
    made.model.eval()
    with torch.inference_mode():
        asked = [encoded(made.model["query"], text.ids) for text in made._towers.query_tokens(texts)]  # type: ignore[index]
        found = [
            encoded(made.model["document"], text.ids) for text in made._towers.document_tokens(documents)
        ]  # type: ignore[index]
    np.testing.assert_allclose(encoder.encode_queries(texts), torch.stack(asked).numpy(), atol=1e-5)
    np.testing.assert_allclose(encoder.encode_documents(documents), torch.stack(found).numpy(), atol=1e-5)


@pytest.mark.parametrize("variant", ["paper:passage", "paper:doc-firstp"])
@pytest.mark.parametrize("start", ["drawn", "stored"])
def test_the_papers_tower_is_read_back_as_it_was_trained(
    variant: str, start: str, cache: Cache, tmp_path: Path
) -> None:
    """RoBERTa with its head, fresh or of a checkpoint: a step later, saved, the variant gives the tower's vectors."""
    from baselines.ance.towers import HeadedTower
    from baselines.encoders.weights import FolderWeights

    options = {"depth": 10, "refresh": 1, "asynchronous": False, "share": 100}
    paper = recipes(RECIPES, "paper")[variant.partition(":")[2]]
    made_of = replace(
        recipe(start="ance:paper:warmup" if start == "stored" else "some/roberta", steps=2, warmup=0.0),
        learning_rate=0.05, query_tokens=64, document_tokens=512, objective={**paper.objective, **options},
    )  # fmt: skip
    saved(tmp_path / "start")
    weights = FolderWeights(tmp_path / "start") if start == "stored" else DrawnWeights("roberta")
    given = replace(
        materials(recipe(), cache), recipe=made_of, start=Start(weights), scratch=tmp_path / "scratch"
    )
    towers = HeadedTower(given.start, made_of)
    assert ({name for name, _ in towers.model.named_parameters() if "backbone" not in name}
            == {"weight", "bias", "scale", "shift"})  # fmt: skip
    before = {name: p.detach().clone() for name, p in towers.model.named_parameters()}
    loop.train(OneNegative(towers, given), made_of, 0, tmp_path, QUIET)
    moved = {name for name, p in towers.model.named_parameters() if not torch.equal(before[name], p)}
    assert {"weight", "bias", "scale", "shift"} <= moved
    encoder = baselines()["ance"].variants[variant].build(Setting(checkpoint=tmp_path / "checkpoint"))
    assert isinstance(encoder, Encoder)
    texts = ["A Dense retrieval", "index of the query " * 150]
    documents = [Document(str(n), "Title", text, "http://a.b/") for n, text in enumerate(texts)]
    towers.model.eval()
    from baselines.encoders.tower import padded

    with torch.inference_mode():
        for found, tokens in (
            (encoder.encode_queries(texts), towers.query_tokens(texts)),
            (encoder.encode_documents(documents), towers.document_tokens(documents)),
        ):
            expected = [
                towers.model(padded([text], towers.tokenizer.pad_token_id))[0].numpy() for text in tokens
            ]
            np.testing.assert_allclose(found, expected, atol=2e-5)


def test_the_papers_recipes_are_as_published() -> None:
    """Section 5 and the published commands: rates, batches, warm-up, top 200, a refresh every 10,000 batches."""
    found = recipes(RECIPES, "paper")
    warmup, passage, document = found["warmup"], found["passage"], found["doc-firstp"]
    assert {one.objective["optimizer"] for one in found.values()} == {"lamb"}
    assert (warmup.learning_rate, passage.learning_rate, document.learning_rate) == (2e-4, 1e-6, 5e-6)
    assert (warmup.batch, warmup.document_tokens, passage.document_tokens) == (32, 128, 512)
    assert passage.batch * passage.accumulate == 8 * 4 * 2
    assert (
        warmup.start == "FacebookAI/roberta-base" and passage.start == document.start == "ance:paper:warmup"
    )
    assert warmup.warmup * warmup.steps == pytest.approx(1_000, rel=1e-3)
    assert passage.warmup * passage.steps == pytest.approx(5_000, rel=1e-3)
    assert document.warmup * document.steps == pytest.approx(3_000, rel=1e-3)
    assert (passage.objective["depth"], passage.objective["refresh"]) == (200, 10_000)
    assert passage.objective["asynchronous"] and not passage.objective["in_batch"]
    assert passage.objective["kinds"] == ["index"]


def test_the_lab_compares_negatives_alone() -> None:
    """Apart from where negatives are from, all trainings on a collection are one recipe from one warm-up.

    MaxP differs in what a document is besides.
    """
    about = ("kinds", "miner", "negatives", "in_batch", "asynchronous", "refresh", "passages")
    found: dict[str, list[Recipe]] = {}
    for name, one in recipes(RECIPES, "lab").items():
        if not name.endswith("-warmup"):
            plain = {key: value for key, value in one.objective.items() if key not in about}
            found.setdefault(name.partition("-")[0], []).append(replace(one, objective=plain))
    assert {name: len(rows) for name, rows in found.items()} == {"scifact": 9, "nfcorpus": 4}
    for name, rows in found.items():
        assert all(row == rows[0] for row in rows)
        assert rows[0].start == f"ance:lab:{name}-warmup" and rows[0].corpus == f"beir/{name}/train"


@pytest.mark.slow
def test_training_learns(bench: Bench) -> None:
    """On the synthetic world, from a warm-up on BM25's negatives: the loss falls, and retrieval gets better."""
    for name in ("warmup", "index"):
        train = baselines()["ance"].variants[f"synthetic:{name}"].train
        assert train is not None
        folder = train(Setting(), QUIET)
    losses = [json.loads(line)["loss"] for line in (folder / "log.jsonl").read_text().splitlines()]
    assert np.mean(losses[-10:]) < np.mean(losses[:10])
    before, after = (
        run_cell(parse(f"ance:synthetic:{name}"), "synthetic/small", bench) for name in ("warmup", "index")
    )
    assert after.means["nDCG@10"] > before.means["nDCG@10"]
    assert {"loss_index", "gradient_middle", "staleness", "overlap"} <= set(after.training["curves"])
    assert not (folder / "scratch").exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["warmup", "passage", "doc-maxp"])
def test_the_papers_profile_takes_two_steps_at_full_size(name: str) -> None:
    """BERT-base, with the batch cut; memory at the peak is within what was foreseen."""
    train = baselines()["ance"].variants[f"paper:{name}"].train
    assert train is not None
    spent = json.loads((train(Setting(random_weights=True), QUIET) / "training.json").read_text())["spent"]
    assert spent["steps"] == 2 and spent["parameters"] > 80e6
    assert math.isfinite(spent["last_loss"])
    assert spent["peak_bytes"] <= spent["estimated_bytes"]
