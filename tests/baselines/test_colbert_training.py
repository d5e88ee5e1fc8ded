"""ColBERT's training: the loss of triples one text at a time, what lies on disk, and whether it learns."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from baselines import colbert
from baselines.colbert.encoder import ColbertEncoder
from baselines.colbert.triples import Triples
from baselines.training import loop, starts
from baselines.training.recipe import Recipe, recipes
from baselines.training.twotowers import TwoTowers
from benchmarks.errors import MissingWeights
from benchmarks.interfaces import Document, Encoder, Setting, TokenEncoder
from benchmarks.progress import Progress
from benchmarks.registry import baselines
from benchmarks.retrieval.maxsim import maxsim
from benchmarks.runner import Bench, run_cell
from benchmarks.spec import parse
from benchmarks.storage.cache import Cache
from tests.baselines.test_colbert_interaction import SLOW
from tests.baselines.training.made import TINY, TWO_TOWERS, assert_frequencies, materials

QUIET = Progress(True)
PAPER = recipes(Path(colbert.__file__).with_name("recipe.toml"), "paper")
OBJECTIVE: dict[str, Any] = {
    "share": 100, "dimension": 8, "interaction": "MaxSim", "augmented": True, "miner": "bm25:flat", "negatives": 20,
}  # fmt: skip
RECIPE = Recipe(
    "scratch:tiny", "synthetic/tiny/train", 5, 1e-3, "synthetic/tiny", steps=3, query_tokens=16, document_tokens=32,
    objective=OBJECTIVE,
)  # fmt: skip


def made(cache: Cache, seed: int = 0, **options: Any) -> Triples:
    """A tiny ColBERT on the tiny world, with BM25's negatives."""
    torch.manual_seed(seed)
    return colbert._objective(materials(RECIPE, cache, seed, **options))


def vectors(objective: Triples, text: str, longest: int, *, query: bool) -> list[torch.Tensor]:
    """One text by itself: markers, masks and punctuation as section 3.2 has them, each vector through W."""
    tokenizer, head = objective._tower.tokenizer, objective._tower.model
    pieces = [
        "[CLS]",
        "[unused0]" if query else "[unused1]",
        *tokenizer.tokenize(text)[: longest - 3],
        "[SEP]",
    ]
    filled = pieces + ["[MASK]"] * (longest - len(pieces) if query and objective._options["augmented"] else 0)
    ids = torch.tensor([tokenizer.convert_tokens_to_ids(filled)])
    seen = torch.tensor([[1] * len(pieces) + [0] * (len(filled) - len(pieces))])
    hidden = head.backbone(input_ids=ids, attention_mask=seen).last_hidden_state[0]
    found = [
        head.weight @ state
        for state, piece in zip(hidden, filled, strict=True)
        if query or piece not in ".,?!-'"
    ]
    if objective._options["interaction"] == "first token":
        return found
    return [vector / vector.norm() for vector in found]


@pytest.mark.parametrize(
    "options",
    [{"interaction": name} for name in SLOW]
    + [{"augmented": False}, {"negatives_each": 2}, {"cached": True}],
    ids=str,
)
def test_the_loss_is_the_pairwise_softmax_of_one_triple_at_a_time(
    options: dict[str, Any], cache: Cache
) -> None:
    """-log(e^right / (e^right + e^wrong)) averaged over the triples, with the gradients of all parameters."""
    objective = made(cache, **options)
    objective.model.double().eval()
    loss = objective.loss(2)
    pairs = objective._data.batch(2, 5, 0)
    candidates = objective.candidates(pairs, 2)
    texts = [document.contents for document in objective._data.documents(candidates.documents)]
    interaction = SLOW[objective._options["interaction"]]
    total: Any = 0.0
    for owner, text in list(zip(candidates.owners, texts, strict=True))[len(pairs) :]:
        query = vectors(objective, objective._data.queries[pairs[owner][0]], 16, query=True)
        right, wrong = (
            torch.exp(interaction(query, vectors(objective, one, 32, query=False)))
            for one in (texts[owner], text)
        )
        total = total - torch.log(right / (right + wrong))
    total = total / (len(texts) - len(pairs))
    assert loss.value.item() == pytest.approx(total.item(), abs=1e-9)
    names, learnt = zip(*objective.model.named_parameters(), strict=True)
    torch.autograd.backward(loss.value)
    found = [parameter.grad for parameter in learnt]
    for name, fast, slow in zip(
        names, found, torch.autograd.grad(total, learnt, allow_unused=True), strict=True
    ):
        if slow is not None:
            torch.testing.assert_close(fast, slow, atol=1e-9, rtol=1e-7, msg=name)
        else:
            assert fast is None, name


def test_a_triples_negative_is_one_of_the_best_as_likely_as_another(cache: Cache) -> None:
    """Never one that is judged relevant; the same for the same step and seed, and another for another."""
    objective = made(cache)
    pairs = objective._data.batch(0, 1, 0)
    query = pairs[0][0]
    mined = objective._negatives.mined[query]
    assert 0 < len(mined) <= 20
    assert not objective._data.relevant[query] & set(mined)
    drawn = [mined.index(objective.candidates(pairs, step).documents[1]) for step in range(600)]
    assert_frequencies(drawn, np.full(len(mined), 1 / len(mined)))
    steps = range(20)
    assert [made(cache).candidates(pairs, 3) for _ in range(2)] == [objective.candidates(pairs, 3)] * 2
    other = made(cache, seed=1)
    assert [other.candidates(pairs, n) for n in steps] != [objective.candidates(pairs, n) for n in steps]


def test_masks_are_not_counted_as_read(cache: Cache) -> None:
    """With and without augmentation a step costs as much of the budget."""
    assert made(cache).loss(0).tokens == made(cache, augmented=False).loss(0).tokens


def test_a_vocabulary_without_markers_is_given_them(cache: Cache) -> None:
    """Two pieces of their own, drawn with the seed, and no word's embedding changes."""
    objective, again, other = made(cache), made(cache), made(cache, seed=1)
    tokenizer, words = objective._tower.tokenizer, objective._tower.model.backbone.embeddings.word_embeddings
    query, document = tokenizer.convert_tokens_to_ids(["[unused0]", "[unused1]"])
    assert (query, document) == (len(tokenizer) - 2, len(tokenizer) - 1)
    start = starts.drawn(RECIPE, 0, cache)
    assert start is not None
    plain = start.weights.backbone().embeddings.word_embeddings.weight
    assert torch.equal(words.weight[:-2], plain)
    assert 0.005 < words.weight[-2:].std().item() < 0.05
    assert torch.equal(words.weight, again._tower.model.backbone.embeddings.word_embeddings.weight)
    assert torch.equal(objective._tower.model.weight, again._tower.model.weight)
    assert not torch.equal(objective._tower.model.weight, other._tower.model.weight)


def test_two_towers_are_a_start_with_the_bert_of_the_queries(cache: Cache, tmp_path: Path) -> None:
    """The checkpoints of Chang et al.'s tasks begin a ColBERT; their projection is left behind."""
    towers = TwoTowers(
        (given := materials(TINY, cache, **{**TWO_TOWERS, "shared": True})).start, given.recipe
    )
    towers.save(tmp_path)
    backbone = starts.from_folder(tmp_path).weights.backbone()
    expected = towers.plain[0].pooled.backbone.state_dict()  # type: ignore[union-attr]
    assert backbone.state_dict().keys() == expected.keys()
    for name, tensor in backbone.state_dict().items():
        assert torch.equal(tensor, expected[name]), name


def encoder_of(interaction: str, folder: Path) -> Any:
    """The encoder of a recipe like this file's, on a checkpoint."""
    recipe = Recipe(
        "scratch:tiny", "synthetic/tiny/train", 5, query_tokens=16, document_tokens=32,
        objective={**OBJECTIVE, "interaction": interaction},
    )  # fmt: skip
    return colbert._encoder(recipe, colbert.V1, Setting(checkpoint=folder))  # type: ignore[arg-type]


@pytest.mark.parametrize("interaction", SLOW)
def test_a_checkpoint_scores_as_the_model_that_was_trained(
    interaction: str, cache: Cache, tmp_path: Path
) -> None:
    """Through the encoder, text in: of a query and documents the scores of training, but for what ranks alike (L2)."""
    objective = made(cache, interaction=interaction)
    spent = loop.train(objective, RECIPE, 0, tmp_path, QUIET)
    assert spent.steps == 3
    tensors = load_file(tmp_path / "checkpoint" / "model.safetensors")
    assert tensors["linear.weight"].shape == (8, 32)
    encoder = encoder_of(interaction, tmp_path / "checkpoint")
    documents = [
        Document("1", "a title", "the river, of a city."), Document("2", "", "who founded it " * 20), Document("3", "", ""),
    ]  # fmt: skip
    query = "which river has a bridge?"
    asked, found = encoder.encode_queries([query]), encoder.encode_documents(documents)
    if interaction in ("average", "first token"):
        assert isinstance(encoder, Encoder) and not isinstance(encoder, TokenEncoder)
        assert encoder.encode_documents([]).shape == (0, 8)
        scores = (asked @ found.T)[0]
    else:
        assert isinstance(encoder, ColbertEncoder)
        scores = maxsim(asked, np.concatenate(found), np.array([len(one) for one in found]))[0]
        if interaction == "MaxSim L2":
            scores = 2 * scores - 2 * len(asked[0])
    objective.model.eval()
    with torch.no_grad():
        own = vectors(objective, query, 16, query=True)
        expected = [
            float(SLOW[interaction](own, vectors(objective, document.contents, 32, query=False)))
            for document in documents
        ]
    np.testing.assert_allclose(scores, expected, atol=1e-4)


def test_a_second_training_goes_on_with_the_first_ones_linear_layer(cache: Cache, tmp_path: Path) -> None:
    """What starts from a ColBERT is that ColBERT; one of another dimension is refused in one line."""
    from dataclasses import replace

    from baselines.training.trained import Materials

    first = made(cache)
    first.save(tmp_path)
    recipe = replace(RECIPE, start="colbert:lab:maxsim:scifact")
    start = starts.from_folder(tmp_path)
    second = colbert._objective(Materials(recipe, 5, start, cache, QUIET))
    for (name, one), other in zip(
        first.model.state_dict().items(), second.model.state_dict().values(), strict=True
    ):
        assert torch.equal(one, other), name
    wider = replace(recipe, objective={**OBJECTIVE, "dimension": 16})
    with pytest.raises(MissingWeights, match=r"linear\.weight is \[8, 32\], and \[16, 32\] is needed"):
        colbert._objective(Materials(wider, 5, start, cache, QUIET))


def test_the_papers_recipe_is_as_published() -> None:
    """Section 4.1 and the released code's defaults."""
    recipe = PAPER["cosine"]
    assert (recipe.batch, recipe.steps, recipe.learning_rate) == (32, 200_000, 3e-6)
    assert (recipe.query_tokens, recipe.document_tokens, recipe.objective["dimension"]) == (32, 180, 128)
    assert not recipe.decay and recipe.warmup == 0 and recipe.weight_decay == 0
    assert PAPER["cls"].objective["dimension"] == 4096


@pytest.mark.slow
def test_training_learns(bench: Bench) -> None:
    """On the synthetic world the loss falls, and MaxSim ranks better than the same encoder untrained."""
    variants = baselines()["colbert"].variants
    for name in ("none", "maxsim"):
        train = variants[f"synthetic:{name}"].train
        assert train is not None
        folder = train(Setting(), QUIET)
    losses = [json.loads(line)["loss"] for line in (folder / "log.jsonl").read_text().splitlines()]
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) - 0.1
    none, learnt = (
        run_cell(parse(f"colbert:synthetic:{name}"), "synthetic/small", bench).means["nDCG@10"]
        for name in ("none", "maxsim")
    )
    assert learnt > none


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cosine", "cls"])
def test_the_papers_size_takes_two_steps_in_the_memory_that_was_foreseen(name: str) -> None:
    """BERT-base with the published lengths, on generated text, eight triples at a time."""
    train = baselines()["colbert"].variants[f"paper:{name}"].train
    assert train is not None
    spent = json.loads((train(Setting(random_weights=True), QUIET) / "training.json").read_text())["spent"]
    assert spent["steps"] == 2 and spent["parameters"] > 85e6
    assert math.isfinite(spent["last_loss"])
    assert spent["peak_bytes"] < spent["estimated_bytes"]
