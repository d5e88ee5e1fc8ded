"""RetroMAE's pre-training: its loss against one text at a time, what it leaves on disk, and whether it learns."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from baselines.retromae.masks import basic, enhanced
from baselines.retromae.pretraining import RetroMAE
from baselines.training import starts
from baselines.training.loop import train
from baselines.training.masking import IGNORED, masked
from baselines.training.mlm import drawn_passages
from baselines.training.recipe import Recipe
from baselines.training.trained import Materials
from benchmarks.interfaces import Document, Encoder, Setting
from benchmarks.progress import Progress
from benchmarks.registry import Variant, baselines
from benchmarks.runner import Bench, run_cell
from benchmarks.spec import parse
from benchmarks.storage.cache import Cache

QUIET = Progress(True)
RECIPE = Recipe(
    start="scratch:tiny", corpus="synthetic/tiny", batch=6, steps=3, document_tokens=48, learning_rate=1e-3
)


def materials(cache: Cache, seed: int = 0, **objective: Any) -> Materials:
    """What a tiny BERT on the tiny world is pre-trained from."""
    plain = {"mask": 0.3, "decoder_mask": 0.5, "pooling": "first token"}
    recipe = replace(RECIPE, objective={**plain, **objective})
    start = starts.drawn(recipe, seed, cache)
    assert start is not None
    return Materials(recipe, seed, start, cache, QUIET)


def slow_loss(objective: RetroMAE, step: int, name: str, rate: float, pooling: str) -> torch.Tensor:
    """Section 3 for one text at a time: nothing is padded, every logit is computed, and the labelled are picked."""
    rng = np.random.default_rng([0, step])
    texts = drawn_passages(objective.corpus, objective.tokenizer, 48, 6, rng)
    hidden, labels = masked(texts, 0.3, objective.tokenizer, rng)
    again = [{"basic": basic, "enhanced": enhanced}[name](t, rate, objective.tokenizer, rng) for t in texts]
    backbone = objective.backbone
    embeddings = backbone.embeddings.word_embeddings.weight
    losses: dict[str, list[torch.Tensor]] = {"encoder": [], "decoder": []}
    for text, label, one in zip(hidden, labels, again, strict=True):
        states = backbone(input_ids=torch.tensor([text.ids])).last_hidden_state
        words = backbone.embeddings(input_ids=torch.tensor([one.text.ids]))
        positions = backbone.embeddings.position_embeddings(torch.arange(len(text.ids)))
        sentence = states.mean(dim=1) if pooling == "mean" else states[:, 0]
        decoded = objective.decoder(sentence, words, positions, torch.from_numpy(one.seen)[None])
        for part, rows, wanted in (("encoder", states, label), ("decoder", decoded, one.labels)):
            shares = objective.head(rows[0], embeddings).log_softmax(dim=1)
            losses[part] += [-shares[place, id] for place, id in enumerate(wanted) if id != IGNORED]
    return sum((torch.stack(some).mean() for some in losses.values()), torch.zeros(()))


@pytest.mark.parametrize(
    ("name", "rate", "layers", "pooling"),
    [("enhanced", 0.5, 1, "first token"), ("enhanced", 0.9, 1, "mean"), ("basic", 0.7, 2, "first token")],
)
def test_the_loss_is_that_of_one_text_at_a_time(
    name: str, rate: float, layers: int, pooling: str, cache: Cache
) -> None:
    """The mean over what the encoder is asked plus the mean over what the decoder is asked, with all gradients."""
    chosen = materials(cache, decoder=name, decoder_mask=rate, decoder_layers=layers, pooling=pooling)
    objective = RetroMAE(chosen)
    objective.model.double().eval()
    found = objective.loss(4)
    expected = slow_loss(objective, 4, name, rate, pooling)
    torch.testing.assert_close(found.value, expected, rtol=1e-9, atol=1e-9)
    assert found.said["encoder"] + found.said["decoder"] == pytest.approx(found.value.item())
    names, learnt = zip(*objective.model.named_parameters(), strict=True)
    gradients = [torch.autograd.grad(value, learnt, allow_unused=True) for value in (found.value, expected)]
    for parameter, fast, slow in zip(names, *gradients, strict=True):
        assert fast is not None, f"{parameter} learns nothing"
        torch.testing.assert_close(fast, slow, rtol=1e-9, atol=1e-9, msg=parameter)


def test_a_step_depends_on_seed_and_number_alone(cache: Cache) -> None:
    """The same loss whatever was asked before; another for another step, and for another seed."""
    objective, again = (RetroMAE(materials(cache, decoder="enhanced")) for _ in range(2))
    again.model.load_state_dict(objective.model.state_dict())
    for one in (objective, again):
        one.model.eval()
    objective.loss(0)
    losses = [objective.loss(3).value.item(), again.loss(3).value.item(), objective.loss(4).value.item()]
    assert losses[0] == losses[1] != losses[2]
    other = RetroMAE(materials(cache, seed=1, decoder="enhanced"))
    other.model.load_state_dict(objective.model.state_dict())
    assert other.model.eval() is other.model
    assert other.loss(3).value.item() != losses[0]


def test_the_sentence_embedding_learns_from_the_decoder(cache: Cache) -> None:
    """With nothing else shown the decoder's loss reaches the encoder, through its [CLS] alone."""
    objective = RetroMAE(materials(cache, decoder="enhanced", decoder_mask=1.0))
    objective.model.eval()
    last = objective.backbone.encoder.layer[-1]
    seen = []
    last.register_forward_hook(lambda _, __, out: seen.append(out[0] if isinstance(out, tuple) else out))
    objective.head.requires_grad_(False)
    rng = np.random.default_rng(0)
    texts = drawn_passages(objective.corpus, objective.tokenizer, 48, 2, rng)
    again = [enhanced(text, 1.0, objective.tokenizer, rng) for text in texts]
    ids = torch.tensor([(text.ids + [0] * 48)[:48] for text in texts])
    states = objective.backbone(input_ids=ids).last_hidden_state
    value, count = objective._decoded(states[:, 0], again)
    (gradient,) = torch.autograd.grad(value / count, seen[0])
    assert gradient[:, 0].abs().sum() > 0
    assert not gradient[:, 1:].any()


def test_a_checkpoint_gives_the_vectors_of_the_model_that_was_trained(cache: Cache, tmp_path: Path) -> None:
    """The mean of the last layer, read from disk by the variant's encoder; the decoder is left behind."""
    objective = RetroMAE(materials(cache, decoder="enhanced", pooling="mean"))
    spent = train(objective, objective._recipe, 0, tmp_path, QUIET)
    assert spent.steps == 3
    encoder = baselines()["retromae"].variants["lab:enhanced"].build(
        Setting(checkpoint=tmp_path / "checkpoint")
    )  # fmt: skip
    assert isinstance(encoder, Encoder)
    text = "the river of a city and its history"
    found = encoder.encode_documents([Document("1", "a title", text)])[0]
    tokens = objective.tokenizer(f"a title {text}", return_tensors="pt")
    objective.model.eval()
    with torch.inference_mode():
        expected = objective.backbone(**tokens).last_hidden_state[0].mean(dim=0).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-6)


def variant(name: str) -> Variant:
    """A variant of RetroMAE that is trained."""
    return baselines()["retromae"].variants[name]


def trained(name: str) -> dict[str, Any]:
    """What a finished training says it took."""
    train_it = variant(name).train
    assert train_it is not None
    facts: dict[str, Any] = json.loads((train_it(Setting(), QUIET) / "training.json").read_text())
    return facts["spent"]  # type: ignore[no-any-return]


@pytest.mark.slow
def test_an_encoder_that_learnt_from_scratch_finds_more_than_one_that_did_not(bench: Bench) -> None:
    """Pre-trained and fine-tuned it ranks better than as it was drawn; both losses end below their start."""
    trained("synthetic:none")
    for name, fall in (("synthetic:enhanced", 3.0), ("synthetic:enhanced:tuned", 0.5)):
        spent = trained(name)
        assert spent["last_loss"] < spent["first_loss"] - fall
        assert spent["peak_bytes"] < spent["estimated_bytes"]
    none, learnt = (
        run_cell(parse(f"retromae:synthetic:{name}"), "synthetic/small", bench).means["nDCG@10"]
        for name in ("none", "enhanced:tuned")
    )
    assert learnt > none


@pytest.mark.slow
def test_the_decoder_comes_to_use_the_sentence_embedding(cache: Cache) -> None:
    """Trained with little shown, it guesses worse from another text's embedding: in each of ten later batches."""
    recipe = replace(RECIPE, steps=150, batch=8, learning_rate=3e-3)
    made = materials(cache, decoder="enhanced", decoder_mask=0.9, pooling="mean")
    chosen = replace(made, recipe=replace(recipe, objective=made.recipe.objective))
    torch.manual_seed(0)
    objective = RetroMAE(chosen)
    train(objective, chosen.recipe, 0, cache.root / "made", QUIET)
    objective.model.eval()
    decoded = objective._decoded
    with torch.no_grad():
        own = [objective.loss(step).said["decoder"] for step in range(2_000, 2_010)]
        objective._decoded = lambda sentence, again: decoded(sentence.roll(1, 0), again)  # type: ignore[method-assign]
        others = [objective.loss(step).said["decoder"] for step in range(2_000, 2_010)]
    assert all(np.subtract(others, own) > 0)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["paper:general", "paper:msmarco"])
def test_the_papers_size_takes_two_steps_in_the_memory_that_was_foreseen(name: str) -> None:
    """BERT-base's twelve layers and the decoder's one, with the published lengths, on generated text."""
    train_it = variant(name).train
    assert train_it is not None
    folder = train_it(Setting(random_weights=True), QUIET)
    spent = json.loads((folder / "training.json").read_text())["spent"]
    assert spent["steps"] == 2
    assert spent["parameters"] > 13 * 7_087_872
    assert spent["peak_bytes"] < spent["estimated_bytes"]
