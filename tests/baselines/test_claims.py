"""The papers' claims and the recipes they compare: what a claim says training started from is where it started."""

from __future__ import annotations

import pytest

from baselines.training.trained import Training
from benchmarks.claims.claim import claims
from benchmarks.registry import trained_leaves, variant_of
from benchmarks.spec import parse

STARTED = {
    (spec, start)
    for found in claims().values()
    for claim in found
    for comparison in claim.comparisons
    for pair in comparison.pairs
    for spec, start in pair.sides()
    if start
}


def training_of(spec: str) -> Training:
    """The training of the one variant of a spec that is trained here."""
    (leaf,) = trained_leaves(parse(spec))
    training = variant_of(leaf)[1].train
    assert isinstance(training, Training)
    return training


def named(training: Training) -> str:
    """The variant that a recipe starts from, whatever its seed."""
    return training.recipe.start.partition("@")[0]


@pytest.mark.parametrize(("spec", "start"), sorted(STARTED))
def test_a_claim_names_the_start_of_the_recipe(spec: str, start: str) -> None:
    """It is the variant that the recipe names, or one that was made from that variant without any training.

    Verdicts leave out a training that ended below its start: with another's they would leave out the wrong ones.
    """
    training, begun = training_of(spec), training_of(start)
    untrained = not begun.recipe.tokens and not begun.recipe.steps
    assert named(training) in {begun.name, named(begun) if untrained else begun.name}
