"""Two towers from the training to the encoder and back: the same vectors on every way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from baselines.encoders.tower import padded
from baselines.pretraining_tasks.pretraining import MaskedTowers, objective
from baselines.training import starts
from baselines.training.finetuning import FineTuning
from baselines.training.loop import train
from baselines.training.objective import Objective
from baselines.training.twotowers import TwoTowers
from benchmarks.interfaces import Document, Encoder, Setting
from benchmarks.registry import baselines
from benchmarks.storage.cache import Cache
from tests.baselines.training.made import QUIET, TINY, TWO_TOWERS, materials

QUERIES = ["the thinker of the house", "library", "a treatise on botany and the academy"]
DOCUMENTS = [
    Document("1", "a title", "records speak of lecture and library " * 9),
    Document("2", "", "the capital"),
]
KINDS = {
    "bert": ("lab:ict", {}), "shared": ("lab:ict", {"shared": True}), "mlm": ("lab:mlm", {"tasks": ["mlm"], "mask": 0.15}),
    "bow": ("lab:bow:none", {"architecture": "bow"}),
}  # fmt: skip
OPTIONS: dict[str, Any] = {**TWO_TOWERS, "dimension": 128, "normalised": True}
"""Dimension and scaling are those of the lab's variants, whose encoders read what is made here."""


def vectors(towers: TwoTowers) -> tuple[Any, Any]:
    """What the towers themselves make of queries and documents."""
    padding = towers.tokenizer.pad_token_id
    with torch.inference_mode():
        return (
            towers.query.eval()(padded(towers.query_tokens(QUERIES), padding)).numpy(),
            towers.document.eval()(padded(towers.document_tokens(DOCUMENTS), padding)).numpy(),
        )


def learnt(kind: str, cache: Cache, folder: Path) -> tuple[TwoTowers, Objective]:
    """The towers of an objective after three steps, and the objective; the checkpoint is in `folder`."""
    _, changes = KINDS[kind]
    recipe = replace(TINY, steps=3, query_tokens=64, document_tokens=128)
    made = objective(materials(recipe, cache, **{**OPTIONS, **changes}))
    train(made, recipe, 0, folder, QUIET)
    if isinstance(made, MaskedTowers):
        return TwoTowers(starts.from_folder(folder / "checkpoint"), made._recipe), made
    towers = made._towers  # type: ignore[attr-defined]
    assert isinstance(towers, TwoTowers)
    return towers, made


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_checkpoint_gives_the_vectors_of_the_model_that_was_trained(
    kind: str, cache: Cache, tmp_path: Path
) -> None:
    """Through the encoder of the variant, and through towers that go on from it."""
    towers, _ = learnt(kind, cache, tmp_path)
    asked, given = vectors(towers)
    variant = baselines()["pretraining_tasks"].variants[KINDS[kind][0]]
    encoder = variant.build(Setting(checkpoint=tmp_path / "checkpoint"))
    assert isinstance(encoder, Encoder)
    np.testing.assert_allclose(encoder.encode_queries(QUERIES), asked, atol=1e-5)
    np.testing.assert_allclose(encoder.encode_documents(DOCUMENTS), given, atol=1e-5)
    again = TwoTowers(starts.from_folder(tmp_path / "checkpoint"), towers._recipe)
    for found, expected in zip(vectors(again), (asked, given), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)
    assert np.abs(asked).max() > 1e-3


def test_both_towers_begin_alike_and_learn_apart(cache: Cache, tmp_path: Path) -> None:
    """Unless one is for both; the masked words' towers are one BERT, with a projection as drawn."""
    recipe = replace(TINY, objective=OPTIONS)
    fresh = TwoTowers(materials(recipe, cache).start, recipe)
    for one, two in zip(fresh.query.parameters(), fresh.document.parameters(), strict=True):
        assert torch.equal(one, two)
        assert one is not two
    towers, _ = learnt("bert", cache, tmp_path / "bert")
    assert not torch.equal(towers.plain[0].projection.weight, towers.plain[1].projection.weight)
    shared, _ = learnt("shared", cache, tmp_path / "shared")
    assert shared.query is shared.document
    masked, words = learnt("mlm", cache, tmp_path / "mlm")
    for tower in masked.plain:
        for name, value in words.backbone.state_dict().items():  # type: ignore[attr-defined]
            assert torch.equal(tower.pooled.backbone.state_dict()[name], value), name
    assert torch.equal(masked.plain[0].projection.weight, masked.plain[1].projection.weight)


def test_a_checkpoint_says_itself_what_it_is(cache: Cache, tmp_path: Path) -> None:
    """transformers' own DPR classes read the folders, and find every tensor (of a DPR without pooled output)."""
    from transformers import DPRQuestionEncoder

    learnt("bert", cache, tmp_path)
    model, report = DPRQuestionEncoder.from_pretrained(
        tmp_path / "checkpoint" / "question_encoder", output_loading_info=True
    )
    assert model.question_encoder.encode_proj.out_features == 128
    assert not [name for name in report["missing_keys"] if "pooler" not in name]
    assert not report["unexpected_keys"]


@pytest.mark.parametrize("kind", ["bert", "bow"])
def test_a_fine_tuning_begins_where_the_pre_training_ended(kind: str, cache: Cache, tmp_path: Path) -> None:
    """With the same towers, which then learn from judged pairs."""
    towers, _ = learnt(kind, cache, tmp_path / "before")
    before = vectors(towers)
    recipe = replace(
        TINY, corpus="synthetic/60/train", objective={**towers._recipe.objective, "share": 100, "temperature": 1.0},
        query_tokens=64, document_tokens=128, learning_rate=5e-3, steps=8,
    )  # fmt: skip
    start = starts.from_folder(tmp_path / "before" / "checkpoint")
    given = replace(materials(replace(recipe, corpus="synthetic/60"), cache), recipe=recipe, start=start)
    tuning = FineTuning(TwoTowers(start, recipe), given)
    for found, expected in zip(vectors(tuning._towers), before, strict=True):  # type: ignore[arg-type]
        np.testing.assert_allclose(found, expected, atol=1e-6)
    spent = train(tuning, recipe, 0, tmp_path / "after", QUIET)
    assert spent.steps == 8
    after = vectors(TwoTowers(starts.from_folder(tmp_path / "after" / "checkpoint"), recipe))
    assert all(np.abs(one - two).max() > 1e-3 for one, two in zip(before, after, strict=True))


def test_the_architecture_is_carried_to_the_fine_tunings() -> None:
    """A bag of words is tuned as one; what was there before knows no such key, so that its weights keep their name."""
    variants = baselines()["pretraining_tasks"].variants
    recipe = {
        name: variants[name].train.recipe.objective
        for name in ("lab:bow:none:scifact-5", "lab:ict:scifact-5")
    }  # type: ignore[union-attr]
    assert recipe["lab:bow:none:scifact-5"]["architecture"] == "bow"
    assert "architecture" not in recipe["lab:ict:scifact-5"]
