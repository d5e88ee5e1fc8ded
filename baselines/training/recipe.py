"""A recipe: how a checkpoint is made, as values from a TOML file.

A baseline's `recipe.toml` has a table for each profile: `[paper]` as published, `[lab]` the same at a size that
two cores train in minutes. In a profile, `[lab.recipes.NAME]` says in what one training differs from it. Keys that are none
of `Recipe`'s own are the objective's; those that the objectives of this folder do not take (`SHARED`) stand in the file's
list `takes`, so that a misspelt key is refused.

    takes = ["decoder"]              what the baseline's own objective takes
    [lab]
    start = "scratch:small"          an initialisation of baselines/training/starts.py
    vocabulary = "wikipedia-schools" where a start from scratch has its word pieces from
    corpus = "wikipedia-schools"     what is read (`articles.py`), or for fine-tuning a collection's train split
    tokens = 6_000_000               the budget: tokens read; or `steps`
    learning_rate = 5e-4             at the end of the warm-up, a share `warmup` of the budget
"""

from __future__ import annotations

import difflib
import functools
import tomllib
from collections.abc import Mapping, Set
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from benchmarks.errors import UsageError

SHARED = frozenset({
    "mask",  # masked words
    "share", "by_query", "temperature", "in_batch", "cached",  # fine-tuning
    "negatives", "negatives_each", "random_each", "gold_each", "miner", "filter", "margin", "teacher",  # its negatives
    "pooling", "normalised", "shared", "dimension", "architecture",  # towers
    "passages",  # of each document or question
    "optimizer",
})  # fmt: skip
"""What the objectives, towers and loop of this folder take besides a `Recipe`'s own."""
_RECIPES, _TAKES = "recipes", "takes"


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


_OWN = {entry.name: str(entry.type) for entry in fields(Recipe) if entry.name != "objective"}
_NEEDED = [
    entry.name for entry in fields(Recipe) if entry.default is MISSING and entry.default_factory is MISSING
]
_KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    "str": ((str,), "a text"), "bool": ((bool,), "true or false"), "int": ((int,), "a whole number"),
    "float": ((int, float), "a number"), "tuple[float, float]": ((list,), "two numbers in brackets"),
}  # fmt: skip
"""What TOML values a setting may have, and how one says that."""


def recipes(path: Path, profile: str) -> dict[str, Recipe]:
    """All recipes of a profile by name: what the profile says, changed by what each says itself.

    Raises `UsageError` for a key that is missing, one that nobody takes, and a value of the wrong kind.
    """
    document = _read(path)
    table, takes = document.get(profile, {}), set(document.get(_TAKES, ()))
    shared = {name: value for name, value in table.items() if name != _RECIPES}
    found = {}
    for name, own in table.get(_RECIPES, {}).items():
        where = f"{path}: [{profile}], recipe {name}"
        if not isinstance(own, dict):
            raise UsageError(f"{where} is {own!r}; it is a table of what differs from [{profile}], or {{}}")
        found[name] = _recipe(where, {**shared, **own}, takes)
    return found


@functools.cache
def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text("utf-8"))


def _recipe(where: str, values: Mapping[str, Any], takes: Set[str]) -> Recipe:
    _check(where, values, takes)
    own: dict[str, Any] = {name: value for name, value in values.items() if name in _OWN}
    if "betas" in own:
        own["betas"] = tuple(own["betas"])
    return Recipe(**own, objective={name: value for name, value in values.items() if name not in _OWN})


def _check(where: str, values: Mapping[str, Any], takes: Set[str]) -> None:
    """Raise `UsageError` for what would be found out in the middle of a training, or never."""
    known = _OWN.keys() | SHARED | takes
    if strange := sorted(set(values) - known):
        close = difflib.get_close_matches(strange[0], known, 1)
        hint = f"did you mean {close[0]!r}?" if close else f"`{_TAKES}` names what an objective takes"
        raise UsageError(f"{where}: nobody takes {strange[0]!r}; {hint}")
    if lacking := [name for name in _NEEDED if name not in values]:
        raise UsageError(f"{where} lacks {', '.join(lacking)}")
    for name, kind in _OWN.items():
        value, (types, words) = values.get(name), _KINDS[kind]
        wrong = not isinstance(value, types) or (isinstance(value, bool) and bool not in types)
        if name in values and wrong:
            raise UsageError(f"{where}: {name} is {value!r}; it is {words}")
    if values["batch"] < 1:
        raise UsageError(f"{where}: batch is {values['batch']}; it is 1 at least")
