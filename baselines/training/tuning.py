"""The fine-tunings that follow a pre-training: `tuning.toml` has them, the same for all papers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from baselines.training.recipe import Recipe, recipes
from baselines.training.trained import Materials, Training

if TYPE_CHECKING:
    from baselines.training.objective import Objective
    from baselines.training.towers import Towers

_TUNING = Path(__file__).with_name("tuning.toml")
MakeTowers = Callable[[Materials], "Towers"]


def tuned(training: Training, make: MakeTowers, profile: str, **options: object) -> dict[str, Training]:
    """`training` followed by each fine-tuning of a profile, by the variant's name; towers and lengths stay its own.

    `options` are the paper's own for every fine-tuning: its temperature, its pooling.
    """
    return {
        name: Training(
            f"{training.name}:{name}", after(training, recipe, options), partial(_fine_tuning, make)
        )
        for name, recipe in recipes(_TUNING, profile).items()
    }


def after(training: Training, recipe: Recipe, options: Mapping[str, object]) -> Recipe:
    """The recipe of a fine-tuning that starts from what `training` makes, and keeps its towers and lengths."""
    before = training.recipe
    kept = {
        name: before.objective[name]
        for name in ("architecture", "dimension", "shared", "pooling", "normalised", "temperature")
        if name in before.objective
    }
    return replace(
        recipe, start=training.name, query_tokens=before.query_tokens, document_tokens=before.document_tokens,
        objective={**recipe.objective, **kept, **options},
    )  # fmt: skip


def _fine_tuning(make: MakeTowers, materials: Materials) -> Objective:
    from baselines.training.finetuning import FineTuning

    return FineTuning(make(materials), materials)
