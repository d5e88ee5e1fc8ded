"""TCT-ColBERT's training: the divergence of a batch against a loop over its pairs, its teacher, and whether it learns."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from baselines import tct_colbert
from baselines.colbert import V1
from baselines.colbert.encoder import ColbertEncoder, Conventions
from baselines.colbert.tower import begun, opened
from baselines.tct_colbert.distillation import TightlyCoupled
from baselines.tct_colbert.encoder import TctEncoder
from baselines.tct_colbert.teacher import Teacher, teacher
from baselines.training import loop
from baselines.training.finetuning import FineTuning
from baselines.training.losses import divergence
from baselines.training.recipe import Recipe, recipes
from baselines.training.trained import Training
from benchmarks.errors import UsageError
from benchmarks.interfaces import Document, Encoder, Setting
from benchmarks.progress import Progress
from benchmarks.registry import baselines
from benchmarks.retrieval.maxsim import maxsim
from benchmarks.runner import Bench, run_cell
from benchmarks.spec import parse
from benchmarks.storage.cache import Cache
from tests.baselines.training.made import materials

QUIET = Progress(True)
PAPER = recipes(Path(tct_colbert.__file__).with_name("recipe.toml"), "paper")
OBJECTIVE: dict[str, Any] = {
    "share": 100, "temperature": 1.0, "teacher": "scratch:tiny", "teacher_temperature": 0.25, "miner": "bm25:flat",
    "negatives": 20,
}  # fmt: skip
RECIPE = Recipe(
    "scratch:tiny", "synthetic/tiny/train", 4, 1e-3, "synthetic/tiny", steps=3, query_tokens=36, document_tokens=32,
    objective=OBJECTIVE,
)  # fmt: skip


def made(cache: Cache, seed: int = 0, **options: Any) -> Any:
    """A tiny student with a teacher of its own kind, neither trained."""
    torch.manual_seed(seed)
    return tct_colbert._objective(materials(RECIPE, cache, seed, **options))


def vector(objective: TightlyCoupled, text: str, *, query: bool) -> torch.Tensor:
    """The student's, of one text: the mean from the fifth position on."""
    tokenizer, backbone = objective._towers.tokenizer, objective._towers.pooled.backbone  # type: ignore[attr-defined]
    pieces = ["[CLS]", "[", "q" if query else "d", "]", *tokenizer.tokenize(text)]
    pieces = [*pieces, *["[MASK]"] * 36][:36] if query else pieces[:32]
    ids = torch.tensor([tokenizer.convert_tokens_to_ids(pieces)])
    return backbone(input_ids=ids).last_hidden_state[0, 4:].mean(dim=0)  # type: ignore[no-any-return]


def rows(objective: TightlyCoupled, text: str, *, query: bool) -> list[torch.Tensor]:
    """The teacher's, of one text."""
    tower = objective._teacher._tower
    (tokens,) = tower.query_tokens([text]) if query else tower.document_tokens([Document("", "", text)])
    seen = [place < (tokens.attended or len(tokens.ids)) for place in range(len(tokens.ids))]
    hidden = tower.model.backbone(
        input_ids=torch.tensor([tokens.ids]), attention_mask=torch.tensor([seen]).long()
    ).last_hidden_state[0]
    projected = [tower.model.weight @ hidden[place] for place in tokens.kept or range(len(tokens.ids))]
    return [one / one.norm() for one in projected]


def restated(objective: TightlyCoupled, step: int, *, in_batch: bool) -> torch.Tensor:
    """Section 3 with a loop over every query and every passage of the batch."""
    pairs = objective._data.batch(step, 4, 0)
    candidates = objective.candidates(pairs, step)
    passages = [document.contents for document in objective._data.documents(candidates.documents)]
    total: Any = 0.0
    for number, (id, _) in enumerate(pairs):
        query = objective._data.queries[id]
        student, taught = [], []
        for owner, passage in zip(candidates.owners, passages, strict=True):
            if not in_batch and owner != number:
                continue
            student.append(
                torch.exp(vector(objective, query, query=True) @ vector(objective, passage, query=False))
            )
            with torch.no_grad():
                asked, found = rows(objective, query, query=True), rows(objective, passage, query=False)
                score = sum(max((a @ b).item() for b in found) for a in asked)
            taught.append(math.exp(score / 0.25 - 100))
        for q, p in zip(student, taught, strict=True):
            share = p / sum(taught)
            total = total + share * (math.log(share) - torch.log(q / sum(student)))
    return total / len(pairs)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "options", [{}, {"in_batch": False}, {"negatives_each": 2}, {"cached": True}], ids=str
)
def test_the_loss_is_that_of_a_loop_over_all_pairs_of_the_batch(
    options: dict[str, Any], cache: Cache
) -> None:
    """With every gradient, to 1e-9; pairwise a query sees its own passages alone; the teacher has no gradient."""
    objective = made(cache, **options)
    assert isinstance(objective, TightlyCoupled)
    objective.model.double().eval()
    objective._teacher._tower.model.double()
    loss = objective.loss(1)
    expected = restated(objective, 1, in_batch=options.get("in_batch", True))
    assert loss.value.item() == pytest.approx(expected.item(), abs=1e-9)
    names, learnt = zip(*objective.model.named_parameters(), strict=True)
    torch.autograd.backward(loss.value)
    found = [parameter.grad for parameter in learnt]
    for name, fast, slow in zip(names, found, torch.autograd.grad(expected, learnt), strict=True):
        torch.testing.assert_close(fast, slow, atol=1e-9, rtol=1e-7, msg=name)
    assert all(parameter.grad is None for parameter in objective._teacher._tower.model.parameters())


def test_what_is_forbidden_has_no_share() -> None:
    """The divergence over the others alone, and no gradient for what is left out."""
    generator = torch.Generator().manual_seed(0)
    student, taught = (torch.randn(3, 5, generator=generator, dtype=torch.float64) for _ in range(2))
    student.requires_grad_()
    forbidden = torch.tensor([[0, 1, 0, 1, 0], [1, 0, 0, 0, 0], [0, 0, 1, 1, 1]]).bool()
    found = divergence(student, taught, forbidden)
    rows = [
        divergence(one[~hidden][None], other[~hidden][None])
        for one, other, hidden in zip(student, taught, forbidden, strict=True)
    ]
    torch.testing.assert_close(found, torch.stack(rows).mean(), atol=1e-12, rtol=0)
    (gradient,) = torch.autograd.grad(found, student)
    assert not gradient[forbidden].any() and gradient[~forbidden].all()


def test_the_teacher_scores_as_it_does_in_the_search(cache: Cache, tmp_path: Path) -> None:
    """All pairs, by the encoder of its checkpoint and the bench's kernel, of texts that it cuts in its own way."""
    conventions = Conventions(20, query_tokens=12, dimension=8)
    tower = begun(materials(RECIPE, cache).start.weights, conventions)
    tower.save(tmp_path)
    weights = ColbertEncoder(V1, conventions, Setting(checkpoint=tmp_path)).weights()
    queries = ["who founded the city?", "bridge", "a river " * 20]
    documents = [
        Document("1", "t", "the river, of a city."),
        Document("2", "", "long " * 90),
        Document("3", "", ""),
    ]
    found = Teacher(opened(weights, conventions)).scores(queries, documents, torch.device("cpu"))
    encoder = ColbertEncoder(V1, conventions, Setting(checkpoint=tmp_path))
    asked, told = encoder.encode_queries(queries), encoder.encode_documents(documents)
    expected = maxsim(asked, np.concatenate(told), np.array([len(one) for one in told]))
    assert found.shape == (3, 3)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-5)


def test_training_leaves_the_teacher_as_it_was_and_out_of_the_state(cache: Cache, tmp_path: Path) -> None:
    """Its parameters are the same after three steps; the student's are not, and are all that is learnt."""
    objective = made(cache)
    before = {name: one.clone() for name, one in objective._teacher._tower.model.state_dict().items()}
    start = {name: one.clone() for name, one in objective.model.state_dict().items()}
    loop.train(objective, RECIPE, 0, tmp_path, QUIET)
    for name, one in objective._teacher._tower.model.state_dict().items():
        assert torch.equal(one, before[name]), name
    assert any(not torch.equal(one, start[name]) for name, one in objective.model.state_dict().items())
    assert not any("linear" in name for name in objective.model.state_dict())


def test_a_step_depends_on_seed_and_number_alone(cache: Cache) -> None:
    """The same loss whatever was asked before; another for another step."""
    objective, again = made(cache), made(cache)
    for one in (objective, again):
        one.model.eval()
    objective.loss(0)
    losses = [objective.loss(3).value.item(), again.loss(3).value.item(), objective.loss(4).value.item()]
    assert losses[0] == losses[1] != losses[2]


def test_without_a_teacher_labels_are_contrasted_over_the_batch(cache: Cache) -> None:
    """The baseline of Table 2."""
    recipe = replace(RECIPE, objective={k: v for k, v in OBJECTIVE.items() if not k.startswith("teacher")})
    objective = tct_colbert._objective(materials(recipe, cache))
    assert isinstance(objective, FineTuning) and not isinstance(objective, TightlyCoupled)
    assert math.isfinite(objective.loss(0).value.item())


@pytest.mark.parametrize("name", ["minilm:l6-v2", "bm25:flat", "rrf(bm25:flat,minilm:l6-v2)"])
def test_what_is_no_colbert_cannot_teach(name: str, cache: Cache) -> None:
    """One line that says what could."""
    with pytest.raises(UsageError, match=r"cannot teach a TCT-ColBERT: it is no ColBERT"):
        teacher(materials(RECIPE, cache, teacher=name))


def test_what_a_stage_builds_on_is_trained_first() -> None:
    """HN+ has the first stage as start and miner, and a teacher that was tuned on what that one finds."""
    for profile, collection in (("paper", ""), ("lab", ":scifact")):
        student, taught = (
            baselines()[key].variants[f"{profile}:{name}{collection}"].train
            for key, name in (("tct_colbert", "hn+"), ("colbert", "tct-teacher-hn" if profile == "paper" else "hn"))
        )  # fmt: skip
        assert isinstance(student, Training) and isinstance(taught, Training)
        first = f"tct_colbert:{profile}:in-batch{collection}"
        assert student.recipe.start == first
        assert student._others == {"miner": first, "teacher": taught.name}
        assert taught._others == {"miner": first}


def test_a_checkpoint_gives_the_vectors_of_the_model_that_was_trained(cache: Cache, tmp_path: Path) -> None:
    """Text in, through the variant's encoder, from what training wrote."""
    objective = made(cache)
    loop.train(objective, RECIPE, 0, tmp_path, QUIET)
    encoder = baselines()["tct_colbert"].variants["lab:in-batch:scifact"].build(
        Setting(checkpoint=tmp_path / "checkpoint")
    )  # fmt: skip
    assert isinstance(encoder, Encoder) and isinstance(encoder, TctEncoder)
    text = "the river of a city and its history"
    objective.model.eval()
    with torch.inference_mode():
        for found, query in (
            (encoder.encode_queries([text]), True),
            (encoder.encode_documents([Document("1", "", text)]), False),
        ):
            np.testing.assert_allclose(found[0], vector(objective, text, query=query).numpy(), atol=1e-5)


def test_the_papers_recipe_is_as_published() -> None:
    """Section 4."""
    recipe = PAPER["in-batch"]
    assert (recipe.batch, recipe.steps, recipe.learning_rate) == (96, 500_000, 7e-6)
    assert (recipe.query_tokens, recipe.document_tokens) == (36, 154)
    assert recipe.objective["teacher_temperature"] == 0.25
    assert PAPER["hn+"].steps == 100_000 and PAPER["hn+"].objective["negatives"] == 200


@pytest.mark.slow
def test_a_student_learns_from_its_teacher(bench: Bench) -> None:
    """On the synthetic world it comes nearer to the teacher's shares, and ranks better than it did before."""
    variants = baselines()["tct_colbert"].variants
    for name in ("untrained", "in-batch"):
        train = variants[f"synthetic:{name}"].train
        assert train is not None
        folder = train(Setting(), QUIET)
    losses = [json.loads(line)["loss"] for line in (folder / "log.jsonl").read_text().splitlines()]
    assert np.mean(losses[-5:]) < np.mean(losses[:5]) - 0.1
    untrained, learnt = (
        run_cell(parse(f"tct_colbert:synthetic:{name}"), "synthetic/small", bench).means["nDCG@10"]
        for name in ("untrained", "in-batch")
    )
    assert learnt > untrained


def test_a_rehearsal_has_the_size_of_what_the_chain_begins_with() -> None:
    """The lab's student starts from a ColBERT that starts from two small towers; its teacher is as small."""
    train = baselines()["tct_colbert"].variants["lab:in-batch:scifact"].train
    assert train is not None
    recipe = json.loads((train(Setting(random_weights=True), QUIET) / "training.json").read_text())[
        "made_of"
    ]["recipe"]
    assert recipe["start"] == recipe["objective"]["teacher"] == "scratch:small"


@pytest.mark.slow
def test_the_papers_size_takes_two_steps_in_the_memory_that_was_foreseen() -> None:
    """Two BERT-bases, the teacher's drawn, with the published lengths, eight queries at a time."""
    train = baselines()["tct_colbert"].variants["paper:in-batch"].train
    assert train is not None
    facts = json.loads((train(Setting(random_weights=True), QUIET) / "training.json").read_text())
    assert facts["made_of"]["recipe"]["objective"]["teacher"] == "scratch:base"
    spent = facts["spent"]
    assert spent["steps"] == 2 and math.isfinite(spent["last_loss"])
    assert spent["peak_bytes"] < spent["estimated_bytes"]
