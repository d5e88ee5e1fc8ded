"""A recipe: how a checkpoint is made, as values from a TOML file.

A baseline's `recipe.toml` has a table for each profile: `[paper]` as published, `[lab]` the same at a size that
two cores train in minutes. In a profile, `[lab.recipes.NAME]` says in what one training differs from it. Keys that are none of `Recipe`'s own are the objective's.

    start = "scratch:small"          an initialisation of baselines/training/starts.py
    vocabulary = "wikipedia-schools" where a start from scratch has its word pieces from
    corpus = "wikipedia-schools"     what is read (`articles.py`), or for fine-tuning a collection's train split
    tokens = 6_000_000               the budget: tokens read; or `steps`
    learning_rate = 5e-4             at the end of the warm-up, a share `warmup` of the budget
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from benchmarks.errors import UsageError

_RECIPES = "recipes"


@dataclass(frozen=True)
class Recipe:
    """How a checkpoint is made. `batch` is in texts or pairs, the tokens are the longest of each, special ones included.

    `tokens` or `steps` bound it; without either nothing is learnt, and the start is what comes out. A start from
    scratch takes its word pieces from the corpus `vocabulary`. `objective` holds what the paper's own objective takes.
    """

    start: str
    corpus: str
    batch: int
    learning_rate: float = 0.0
    vocabulary: str = ""
    tokens: int = 0
    steps: int = 0
    query_tokens: int = 64
    document_tokens: int = 128
    warmup: float = 0.1
    decay: bool = True
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8
    clip: float = 0.0
    accumulate: int = 1
    objective: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.tokens and self.steps:
            raise UsageError("a recipe has a budget of `tokens` or of `steps`, not of both")

    def to_json(self) -> dict[str, Any]:
        """The recipe as JSON values: equal recipes, equal values."""
        return {**asdict(self), "betas": list(self.betas), "objective": dict(self.objective)}


def recipes(path: Path, profile: str) -> dict[str, Recipe]:
    """All recipes of a profile by name: what the profile says, changed by what each says itself.

    Raises `UsageError` for a key that is missing.
    """
    table = _read(path).get(profile, {})
    shared = {name: value for name, value in table.items() if name != _RECIPES}
    return {name: _recipe(path, {**shared, **own}) for name, own in table.get(_RECIPES, {}).items()}


@functools.cache
def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text("utf-8"))


def _recipe(path: Path, values: Mapping[str, Any]) -> Recipe:
    names = {entry.name for entry in fields(Recipe)} - {"objective"}
    own = {name: value for name, value in values.items() if name in names}
    if "betas" in own:
        own["betas"] = tuple(own["betas"])
    try:
        return Recipe(**own, objective={name: value for name, value in values.items() if name not in names})
    except TypeError as error:
        raise UsageError(f"{path}: {error}") from None
