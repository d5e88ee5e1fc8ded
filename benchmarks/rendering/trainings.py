"""What an experiment compares: where each training starts, and the settings in which it differs from the others.

Taken from the records, whose protocols hold the recipe that made the weights, and not from what the recipe says today.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks.records.record import Record
from benchmarks.rendering.markdown import code, escape, table

_OBJECTIVE, _START = "objective", "start"
_ABOUT = (
    "By the recipes in the records. `@0` is the start's own seed, whatever that of the training: what varies over seeds then "
    "leaves the start out."
)


def recipe_of(record: Record) -> Mapping[str, Any]:
    """The recipe of what was trained for a record, with what the objective takes beside the rest; nothing where there is none."""
    made = _made_of(record.protocol.retrieval)
    recipe = made["recipe"] if made else {}
    return {
        **{name: value for name, value in recipe.items() if name != _OBJECTIVE},
        **recipe.get(_OBJECTIVE, {}),
    }


def start_of(record: Record) -> tuple[str, int]:
    """The variant that its training started from, and of which seed: an empty name where nothing was trained."""
    name, _, seed = str(recipe_of(record).get(_START, "")).partition("@")
    return name, int(seed) if seed else record.seed


def compared(records: Mapping[str, Record]) -> list[str]:
    """The blocks of the section, from a record of each variant; none where fewer than two say how they were trained."""
    recipes = {spec: recipe for spec, record in records.items() if (recipe := recipe_of(record))}
    if len(recipes) < 2:
        return []
    differing = _differing(recipes.values())
    rows = [
        [
            code(spec),
            code(str(recipe[_START])),
            "; ".join(_setting(name, recipe) for name in differing if name in recipe),
        ]
        for spec, recipe in recipes.items()
    ]
    first = next(iter(recipes.values()))
    alike = [
        _setting(name, first)
        for name, value in first.items()
        if value not in ("", 0) and name not in (*differing, _START)
    ]
    blocks = [
        "## What was compared",
        _ABOUT,
        table(["variant", "starts from", "its own settings"], rows, text=(0, 1, 2)),
    ]
    return [*blocks, f"The same for all: {'; '.join(alike)}."]


def _made_of(value: Any) -> Mapping[str, Any] | None:
    """The first account of a training below a value of a protocol."""
    if isinstance(value, Mapping):
        found = value.get("trained")
        if isinstance(found, Mapping) and "recipe" in found:
            return found
    parts: Iterable[Any] = (
        value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    )
    return next((found for part in parts if (found := _made_of(part))), None)


def _differing(recipes: Iterable[Mapping[str, Any]]) -> list[str]:
    """The settings that are not the same for all, but for the start: that has a column."""
    several: Sequence[Mapping[str, Any]] = list(recipes)
    names = dict.fromkeys(name for recipe in several for name in recipe if name != _START)
    return [name for name in names if any(recipe.get(name) != several[0].get(name) for recipe in several)]


def _setting(name: str, recipe: Mapping[str, Any]) -> str:
    value = recipe[name]
    if isinstance(value, bool):
        return f"{escape(name)} {'yes' if value else 'no'}"
    if isinstance(value, int):
        return f"{escape(name)} {value:,}"
    if isinstance(value, list):
        return f"{escape(name)} {escape(', '.join(map(str, value)))}"
    return f"{escape(name)} {code(value) if isinstance(value, str) and value else value or 'none'}"
