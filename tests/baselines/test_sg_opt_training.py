"""SG-OPT trains: on whose sentences, what moves and what stays, and what comes out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from baselines.encoders.checkpoints import Checkpoint
from baselines.encoders.tower import padded
from baselines.encoders.transformer import tokenised
from baselines.sg_opt import _RECIPES, _objective, _pooled, baseline
from baselines.sg_opt.selection import Selected
from baselines.sg_opt.sentences import Sentences
from baselines.sg_opt.training import SelfGuided
from baselines.training import starts
from baselines.training.checkpoint import TrainedCheckpoint
from baselines.training.recipe import Recipe, recipes
from baselines.training.trained import Materials, Training, facts
from benchmarks.collections import open_collection
from benchmarks.errors import UsageError
from benchmarks.interfaces import Encoder, Setting
from benchmarks.progress import Progress
from benchmarks.retrieval.sentences import cosine, parted
from benchmarks.storage.cache import Cache
from tests.baselines.layouts import bert

QUIET = Progress(quiet=True)
TEXT = "synthetic/tiny/pairs/train"
SYNTHETIC = recipes(_RECIPES, "synthetic")


def recipe(**changes: object) -> Recipe:
    """The synthetic recipe of SG-OPT on a tiny BERT; what `Recipe` does not know are the objective's own."""
    known = {"start": "scratch:tiny", "corpus": TEXT, "vocabulary": "synthetic/tiny", "batch": 4, "steps": 3}
    given = {**SYNTHETIC["small:sg-opt"].objective, "head": 16}
    own = {name: value for name, value in changes.items() if hasattr(SYNTHETIC["small:sg-opt"], name)}
    rest = {name: value for name, value in changes.items() if name not in own}
    return replace(SYNTHETIC["small:sg-opt"], **{**known, **own, "objective": {**given, **rest}})  # type: ignore[arg-type]


def materials(chosen: Recipe, cache: Cache, seed: int = 0) -> Materials:
    """What an objective of `chosen` is made from."""
    start = starts.drawn(chosen, seed, cache)
    assert start is not None
    torch.manual_seed(seed)
    return Materials(chosen, seed, start, cache, QUIET)


@pytest.fixture
def guided(cache: Cache) -> Callable[..., SelfGuided]:
    """Makes an objective, in training mode as the loop sets it."""

    def make(seed: int = 0, **changes: object) -> SelfGuided:
        made = SelfGuided(materials(recipe(**changes), cache, seed))
        made.model.train()
        return made

    return make


def test_both_sentences_of_every_pair_are_read_once_an_epoch(cache: Cache) -> None:
    """In an order of the seed's and the epoch's, repeated sentences as often as they occur; nothing else."""
    expected = Counter(
        text for document in open_collection(TEXT, cache).documents() for text in parted(document.text)
    )
    sentences = Sentences(TEXT, cache)
    size = 7
    steps = len(sentences.texts) // size
    epoch = [text for step in range(steps + 1) for text in sentences.batch(step, size, 0)]
    assert Counter(epoch[: len(sentences.texts)]) == expected
    again, other = Sentences(TEXT, cache), sentences.batch(0, size, 1)
    assert again.batch(3, size, 0) == sentences.batch(3, size, 0)
    assert other != sentences.batch(0, size, 0)
    second = [text for step in range(steps, 2 * steps) for text in sentences.batch(step, size, 0)]
    assert epoch[: len(second)] != second


def test_text_without_contrast_is_refused(cache: Cache, tmp_path: Path) -> None:
    """One sentence has none to be told from."""
    (tmp_path / "qrels").mkdir()
    (tmp_path / "corpus.jsonl").write_text(json.dumps({"_id": "a", "title": "", "text": "alone"}))
    (tmp_path / "queries.jsonl").write_text(json.dumps({"_id": "q", "text": "who?"}))
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\ta\t1\n")
    with pytest.raises(UsageError, match="has 1 sentences; contrast needs two"):
        Sentences(f"folder:{tmp_path}", cache)


def test_generated_training_pairs_are_of_other_facts(cache: Cache) -> None:
    """No pair of the train split is one of the pairs that are measured."""
    train, test = (
        {document.text for document in open_collection(id, cache).documents()}
        for id in (TEXT, TEXT.removesuffix("/train"))
    )
    assert train
    assert not train & test


@pytest.mark.parametrize("loss", ["sg", "opt1", "opt2", "sg-opt"])
def test_bert_t_learns_and_bert_f_and_the_embeddings_stay(
    loss: str, guided: Callable[..., SelfGuided]
) -> None:
    """Gradients reach every layer and the head, and nothing of BERT_F or of the embeddings."""
    objective = guided(loss=loss)
    value = objective.loss(0).value
    value.backward()  # type: ignore[no-untyped-call]
    for name, parameter in objective.model.named_parameters():
        frozen = name.startswith("guide.") or ".embeddings." in name
        assert (parameter.grad is None) == frozen, name


def test_the_loss_of_a_step_is_contrast_and_lambda_times_distance(
    guided: Callable[..., SelfGuided],
) -> None:
    """At the start BERT_T is BERT_F and the distance 0; moved by 0.5 in one weight, lambda * 0.25 is added."""
    objective = guided(**{"lambda": 0.3})
    objective.model.eval()
    still = objective.loss(0)
    assert still.said["distance"] == 0
    with torch.no_grad():
        objective.backbone.encoder.layer[0].output.dense.bias[0] += 0.5
    moved = objective.loss(0)
    assert moved.said["distance"] == pytest.approx(0.25)
    assert moved.value.item() == pytest.approx(moved.said["contrast"] + 0.3 * 0.25, abs=1e-5)


def test_the_views_are_of_the_untuned_model_without_dropout(guided: Callable[..., SelfGuided]) -> None:
    """In training mode too: layer k of BERT_F, as transformers gives it, pooled; those of a lone text."""
    objective = guided(view="mean")
    texts = tokenised(objective.tokenizer, ["one sentence", "and one that is longer"], 64)
    found = objective._views(texts, 2, 0)
    reference = objective.backbone.eval()
    for row, text in enumerate(texts):
        with torch.no_grad():
            states = reference(torch.tensor([text.ids]), output_hidden_states=True).hidden_states
        expected = torch.stack([layer[0].mean(dim=0) for layer in states])
        torch.testing.assert_close(found[row], expected, atol=1e-5, rtol=1e-4)


def test_sampled_losses_see_one_layer_drawn_by_seed_and_step(guided: Callable[..., SelfGuided]) -> None:
    """Each row is one of the sentence's views; over steps all are met; the same step draws the same."""
    every, one = guided(), guided(loss="sg")
    texts = tokenised(one.tokenizer, ["a", "longer text", "and", "more of it"], 64)
    views = every._views(texts, 4, 0)
    met = set()
    for step in range(20):
        drawn = one._views(texts, 4, step)
        torch.testing.assert_close(drawn, one._views(texts, 4, step))
        for row in range(4):
            met |= {layer for layer in range(views.shape[1]) if torch.equal(drawn[row], views[row, layer])}
    assert met == set(range(views.shape[1])) == {0, 1}


@pytest.mark.parametrize("loss", ["sg", "sg-opt", "simcse"])
def test_a_step_depends_on_its_number_and_the_seed_alone(loss: str, cache: Cache) -> None:
    """After any other steps, and in another process' place, the loss of a step is the same to the last bit."""
    values = []
    for before in ([], [0, 1]):
        objective = _objective(materials(recipe(loss=loss), cache))
        objective.model.train()
        for step in before:
            objective.loss(step)
        torch.manual_seed(5)
        values.append(objective.loss(2).value.item())
    assert values[0] == values[1]
    torch.manual_seed(5)
    other = _objective(materials(recipe(loss=loss), cache, seed=1))
    assert other.loss(2).value.item() != values[0]


def trained(chosen: Recipe, name: str = "sg_opt:test") -> tuple[Path, TrainedCheckpoint]:
    """The folder of a training, and its checkpoint."""
    training = Training(name, chosen, _objective)
    return training(Setting(), QUIET), TrainedCheckpoint("", training=training)


@pytest.mark.parametrize("loss", ["sg-opt", "simcse"])
@pytest.mark.parametrize("pooling", ["first token", "mean"])
def test_what_is_saved_is_what_was_trained(loss: str, pooling: str, cache: Cache, tmp_path: Path) -> None:
    """The variant's encoder gives, from the folder, the vectors of the model in memory, without its head."""
    objective = _objective(materials(recipe(loss=loss, pooling=pooling), cache))
    optimizer = torch.optim.SGD([p for p in objective.model.parameters() if p.requires_grad], 0.1)
    torch.autograd.backward(objective.loss(0).value)
    optimizer.step()
    objective.save(tmp_path / "checkpoint")
    texts = ["a sentence", "and another one, longer", ""]
    encoder = _pooled(pooling, Checkpoint(""), Setting(checkpoint=tmp_path / "checkpoint"))
    found = encoder.encode_queries(texts)
    tower = objective.tower.eval()  # type: ignore[attr-defined]
    batch = padded(tokenised(objective.tokenizer, texts, 128), 0)  # type: ignore[attr-defined]
    with torch.no_grad():
        np.testing.assert_allclose(found, tower(batch).numpy(), atol=2e-5)


def test_a_recipe_without_a_budget_is_its_start(tmp_path: Path) -> None:
    """The untuned rows are read from a folder that holds the start's own weights."""
    chosen = recipe(steps=0)
    folder, checkpoint = trained(chosen)
    start = starts.drawn(chosen, 0, Cache.default())
    assert start is not None
    weights = checkpoint.open(Setting()).backbone().state_dict()
    for name, tensor in start.weights.backbone().state_dict().items():
        torch.testing.assert_close(weights[name], tensor, msg=name)
    assert (facts(folder) or {})["spent"]["steps"] == 0


def test_untuned_rows_of_a_start_share_one_folder() -> None:
    """Five poolings of one model are five variants of one training."""
    rows = [
        baseline.variant(f"lab:minilm:{way}").train for way in ("cls", "mean", "last2", "wk", "whitening")
    ]
    assert len({id(train) for train in rows}) == 1
    assert isinstance(rows[0], Training)
    assert rows[0].name == "sg_opt:lab:minilm:cls"


def test_a_start_of_the_hub_is_trained_from_its_folder(tmp_path: Path, cache: Cache) -> None:
    """A checkpoint in transformers' layout begins as it is: after no step its vectors are its own."""
    model = bert(tmp_path / "start")
    made = SelfGuided(Materials(recipe(), 0, starts.from_folder(tmp_path / "start"), cache, QUIET))
    made.save(tmp_path / "saved")
    text = ["query of a document"]
    ours = _pooled("first token", Checkpoint(""), Setting(checkpoint=tmp_path / "saved")).encode_queries(text)
    ids = torch.tensor(made.tokenizer(text)["input_ids"])
    with torch.no_grad():
        np.testing.assert_allclose(ours, model(ids).last_hidden_state[:, 0].numpy(), atol=1e-5)


def spearman(encoder: Encoder) -> float:
    """Spearman's correlation on the generated pairs that are measured."""
    collection = open_collection("synthetic/small/pairs", Cache.default())
    pairs = list(collection.documents())
    first, second = (encoder.encode_queries([parted(pair.text)[side] for pair in pairs]) for side in (0, 1))
    grades = collection.judgments()["all"]
    return float(spearmanr(cosine(first, second), [grades[pair.id] for pair in pairs]).statistic)


def test_the_best_of_the_looks_is_kept(cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every 50 steps, until ten looks were no better: the weights of the best come out, not the last."""
    chosen = recipe(select="synthetic/tiny/pairs")
    objective = _objective(materials(chosen, cache))
    assert isinstance(objective, Selected)
    scores = iter([0.2, 0.5, *[0.4] * 10, 0.9])
    monkeypatch.setattr(objective, "score", lambda: next(scores))
    monkeypatch.setattr(objective._objective, "loss", lambda step: step)
    bias = objective._objective.backbone.encoder.layer[0].output.dense.bias
    for step in range(0, 1_100):
        with torch.no_grad():
            bias.fill_(step)
        assert objective.loss(step) == step
    assert list(scores) == [0.9]
    objective.save(tmp_path / "checkpoint")
    saved = starts.from_folder(tmp_path / "checkpoint").weights.backbone()
    assert saved.encoder.layer[0].output.dense.bias.unique().tolist() == [100.0]


def test_a_look_scores_as_the_bench_does(
    cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spearman's correlation is that of the saved encoder, without dropout; training goes on with it."""
    chosen = recipe(select="synthetic/small/pairs", pooling="mean")
    objective = _objective(materials(chosen, cache))
    assert isinstance(objective, Selected)
    objective.model.train()
    found = objective.score()
    assert objective._objective.tower.training
    objective.save(tmp_path / "checkpoint")
    given = Setting(checkpoint=tmp_path / "checkpoint")
    assert found == pytest.approx(spearman(_pooled("mean", Checkpoint(""), given)), abs=1e-4)


def test_a_training_that_was_killed_keeps_its_best(cache: Cache) -> None:
    """What was found lies in the model's state: another objective goes on from it."""
    made = [_objective(materials(recipe(select="synthetic/tiny/pairs"), cache)) for _ in "ab"]
    first, second = (one for one in made if isinstance(one, Selected))
    with torch.no_grad():
        first._objective.backbone.encoder.layer[0].output.dense.bias.fill_(7)
    first.best.offer(first._objective.backbone, 0.5)
    first.best.offer(first._objective.backbone, 0.4)
    second.model.load_state_dict(first.model.state_dict())
    assert second.best.score.item() == 0.5
    assert second.best.waited.item() == 1
    assert second.best.backbone.encoder.layer[0].output.dense.bias.unique().tolist() == [7.0]


@pytest.mark.slow
@pytest.mark.parametrize("name", SYNTHETIC)
def test_training_learns(name: str) -> None:
    """From random weights, in a minute: the loss falls, and similarities follow people's better than untrained."""
    chosen = SYNTHETIC[name]
    folder, after = trained(chosen, f"sg_opt:synthetic:{name}")
    _, before = trained(replace(chosen, steps=0), "sg_opt:untrained")
    spent = (facts(folder) or {})["spent"]
    assert spent["last_loss"] < spent["first_loss"] / 2
    scores = [spearman(_pooled(chosen.objective["pooling"], point, Setting())) for point in (after, before)]
    assert scores[0] > scores[1] + 0.01


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bert-base:sg-opt", "bert-base:simcse"])
def test_the_papers_size_trains(name: str) -> None:
    """Two steps of BERT-base, with the paper's head: within the memory that was foretold."""
    train = baseline.variant(f"paper:{name}").train
    assert train is not None
    folder = train(Setting(random_weights=True), QUIET)
    spent = (facts(folder) or {})["spent"]
    assert spent["steps"] == 2
    assert spent["parameters"] > 85_000_000
    assert 0 < spent["peak_bytes"] < spent["estimated_bytes"]
