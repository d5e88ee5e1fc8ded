"""The variants of a baseline that is trained here: one for each recipe of a profile, and for each fine-tuning after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from baselines.training.checkpoint import TrainedCheckpoint, trained_variant
from baselines.training.recipe import Recipe, recipes
from baselines.training.trained import Materials, Training
from benchmarks.interfaces import Setting
from benchmarks.registry import Buildable, Variant

if TYPE_CHECKING:
    from baselines.training.objective import Objective


def family(
    key: str,
    path: Path,
    profile: str,
    objective: Callable[[Materials], Objective],
    encoder: Callable[[Recipe, TrainedCheckpoint, Setting], Buildable],
    tunings: Callable[[Training], Mapping[str, Training]] | None = None,
    stand_ins: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Variant]:
    """The variants of baseline `key` by name, from the recipes of `path`.

    `tunings` are what may follow each, `stand_ins` as `Training` has them.
    """
    found = {}
    for name, recipe in recipes(path, profile).items():
        training = Training(f"{key}:{profile}:{name}", recipe, objective, stand_ins)
        build = partial(encoder, recipe)
        found[f"{profile}:{name}"] = trained_variant(training, build, f"trained here from {recipe.start}")
        for tuning, later in (tunings(training) if tunings else {}).items():
            summary = f"the same, fine-tuned: {tuning}"
            found[f"{profile}:{name}:{tuning}"] = trained_variant(later, build, summary)
    return found
