"""RetroMAE's distillation: the divergence against scipy's, and what a step is made of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import entropy

from baselines.encoders.transformer import Conventions
from baselines.retromae.distillation import Distillation
from baselines.training import starts
from baselines.training.checkpoint import contamination
from baselines.training.losses import divergence
from baselines.training.recipe import Recipe
from baselines.training.teachers import teacher
from baselines.training.towers import OneTower
from baselines.training.trained import Materials, Training, facts
from benchmarks.errors import UsageError
from benchmarks.interfaces import Query, Setting
from benchmarks.progress import Progress
from benchmarks.registry import baselines
from benchmarks.storage.cache import Cache

OBJECTIVE = {
    "share": 100, "temperature": 2.0, "teacher": "bm25:flat", "teacher_temperature": 5.0, "miner": "bm25:flat",
    "negatives": 20, "negatives_each": 3,
}  # fmt: skip
RECIPE = Recipe(
    start="scratch:tiny", vocabulary="synthetic/tiny", corpus="synthetic/tiny/train", batch=4, steps=2,
    learning_rate=1e-3, objective=OBJECTIVE,
)  # fmt: skip
CONVENTIONS = Conventions(normalised=False, query_tokens=64, document_tokens=128)


@pytest.fixture
def objective(cache: Cache) -> Distillation:
    """A tiny BERT that BM25 teaches, with BM25's negatives."""
    start = starts.drawn(RECIPE, 0, cache)
    assert start is not None
    materials = Materials(RECIPE, 0, start, cache, Progress(True))
    made = Distillation(OneTower(start.weights, CONVENTIONS), materials)
    made.model.double().eval()
    return made


def test_the_divergence_is_scipys() -> None:
    """The relative entropy of two softmaxes, averaged over queries; its gradient is the difference of the shares."""
    rng = np.random.default_rng(0)
    student = torch.tensor(rng.normal(size=(5, 4)), requires_grad=True)
    taught = torch.tensor(rng.normal(size=(5, 4)))
    found = divergence(student, taught)
    shares = [np.exp(one.detach().numpy()) for one in (student, taught)]
    student_shares, taught_shares = (one / one.sum(axis=1, keepdims=True) for one in shares)
    expected = np.mean([entropy(p, q) for p, q in zip(taught_shares, student_shares, strict=True)])
    assert found.item() == pytest.approx(expected, abs=1e-9)
    (gradient,) = torch.autograd.grad(found, student)
    np.testing.assert_allclose(gradient.numpy(), (student_shares - taught_shares) / 5, atol=1e-9)
    assert divergence(taught, taught).item() == pytest.approx(0, abs=1e-9)


def test_a_step_is_a_query_at_a_time(objective: Distillation) -> None:
    """The loss from one text at a time through the model, and the teacher's own scores."""
    pairs = objective._data.batch(1, 4, 0)
    towers, data = objective._towers, objective._data

    def vector(tokens: Any) -> torch.Tensor:
        found: torch.Tensor = towers.model.backbone(
            input_ids=torch.tensor([tokens.ids])
        ).last_hidden_state.mean(dim=1)[0]
        return found

    expected = []
    for (query, _), ids in zip(pairs, objective.candidates(pairs, 1), strict=True):
        text = data.queries[query]
        (taught,) = objective._teacher.score([Query(query, text)], [ids])
        asked = vector(towers.query_tokens([text])[0])
        scores = [asked @ vector(towers.document_tokens([one])[0]) / 2 for one in data.documents(ids)]
        p = torch.from_numpy(taught.astype(np.float64) / 5).softmax(dim=0)
        q = torch.stack(scores).softmax(dim=0)
        expected.append(sum(p[n] * (p[n] / q[n]).log() for n in range(4)))
    found = objective.loss(1)
    assert found.value.item() == pytest.approx(float(torch.stack(expected).mean().detach()), abs=1e-6)


def test_candidates_are_the_document_and_others_that_are_not_judged(objective: Distillation) -> None:
    """Its own first; the others of those mined, the same for the same step, other ones for another."""
    pairs = objective._data.batch(0, 4, 0)
    found = objective.candidates(pairs, 0)
    assert found == objective.candidates(pairs, 0) != objective.candidates(pairs, 1)
    for (query, document), ids in zip(pairs, found, strict=True):
        assert ids[0] == document
        assert len(ids) == 4
        assert not objective._data.relevant[query] & set(ids[1:])
    query, document = pairs[0]
    objective._mined[query] = ["a", "b"]
    drawn = [id for step in range(300) for id in objective.candidates(pairs[:1], step)[0][1:]]
    assert drawn.count("a") == pytest.approx(450, abs=5 * 15)
    objective._mined[query] = []
    assert objective.candidates(pairs[:1], 0) == [[document] * 4]


def test_who_scores_nothing_cannot_teach(cache: Cache) -> None:
    """One line."""
    with pytest.raises(UsageError, match=r"rrf\(.*cannot teach: it finds documents and scores none"):
        teacher("rrf(bm25:flat,lsa:svd256)", "synthetic/tiny/train", cache)


def test_a_contaminated_teacher_is_said() -> None:
    """On what it teaches, and on what starts from that."""
    taught = {
        "start": {"pieces": 1},
        "recipe": {"start": "scratch:small", "objective": {"teacher": "minilm:l6-v2"}},
    }
    later = {"start": taught, "recipe": {"start": "retromae:lab:some", "objective": {}}}
    for made_of in (taught, later):
        assert contamination(made_of).startswith("taught by minilm: all-MiniLM-L6-v2 was trained on MS MARCO")
    plain = {"start": {"pieces": 1}, "recipe": {"start": "scratch:small", "objective": {}}}
    assert contamination(plain) == ""


@pytest.mark.parametrize("name", ["enhanced:nfcorpus-80-ann", "enhanced:nfcorpus-80-distilled"])
def test_further_fine_tuning_is_rehearsed(name: str) -> None:
    """Two steps on generated pairs, with BM25 in the place of the miner and of the teacher."""
    training = baselines()["retromae"].variants[f"lab:{name}"].train
    assert isinstance(training, Training)
    small = replace(training, recipe=replace(training.recipe, start="scratch:tiny"))
    folder = small(Setting(random_weights=True), Progress(True))
    assert (facts(folder) or {})["spent"]["steps"] == 2
