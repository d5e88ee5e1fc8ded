"""What an experiment compares: where each training starts, and the settings in which it differs from the others.

Taken from the records, whose protocols hold the recipe that made the weights, and not from what the recipe says today.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from benchmarks.records.record import Record
from benchmarks.rendering.markdown import code, escape
from benchmarks.rendering.recipes import setting

_OBJECTIVE, _START = "objective", "start"
_ABOUT = (
    "By the recipes in the records. `@0` is the start's own seed, whatever that of the training: what varies over seeds then "
    "leaves the start out."
)


def start_of(record: Record) -> tuple[str, int]:
    """The variant that its training started from, and of which seed: an empty name where nothing was trained."""
    made = _made_of(record.protocol.retrieval)
    name, _, seed = str(made["recipe"][_START] if made else "").partition("@")
    return name, int(seed) if seed else record.seed


def compared(records: Mapping[str, Record]) -> list[str]:
    """The blocks of the section, from a record of each variant; none where fewer than two say how they were trained."""
    made = {spec: found for spec, record in records.items() if (found := _made_of(record.protocol.retrieval))}
    if len(made) < 2:
        return []
    blocks, told = ["## What was compared", _ABOUT, *_level(made)], set(made)
    while made := {one["variant"]: one for one in _starts(made) if one["variant"] not in told}:
        blocks += ["These start from:", *_level(made)]
        told |= made.keys()
    return blocks


def _level(made: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Trainings by what is not the same for all of them, and what is: a list, since names and settings are too long for a table."""
    recipes = {name: _settings(one) for name, one in made.items()}
    trained = [recipe for recipe in recipes.values() if _budget(recipe)] or list(recipes.values())
    known = dict.fromkeys(key for recipe in trained for key, value in recipe.items() if _is_made(value))
    alike = [
        key for key in known if key != _START and all(one.get(key) == trained[0].get(key) for one in trained)
    ]
    if len(recipes) == 1:
        alike = []
    lines = []
    for name, recipe in recipes.items():
        own = [
            _setting(key, recipe)
            for key in known
            if recipe.get(key, "") != "" and key not in (_START, *alike)
        ]
        said = own if _budget(recipe) else ["untrained"]
        lines.append(f"- {code(name)}: {'; '.join([f'from {code(str(recipe[_START]))}', *said])}")
    blocks = ["\n".join(lines)]
    same = "; ".join(_setting(key, trained[0]) for key in alike)
    return [*blocks, f"The same for all: {same}."] if same else blocks


def _settings(made: Mapping[str, Any]) -> Mapping[str, Any]:
    """The recipe, with what the objective takes beside the rest."""
    recipe = made["recipe"]
    return {**{key: value for key, value in recipe.items() if key != _OBJECTIVE}, **recipe[_OBJECTIVE]}


def _budget(recipe: Mapping[str, Any]) -> int:
    return int(recipe["tokens"] or recipe["steps"])


def _starts(made: Mapping[str, Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """What was trained before, of each that does not start from scratch or from released weights."""
    for one in made.values():
        if "recipe" in one.get(_START, {}):
            yield one[_START]


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


def _setting(name: str, recipe: Mapping[str, Any]) -> str:
    return f"{escape(name)} {setting(recipe[name])}"


def _is_made(value: Any) -> bool:
    """Whether a setting says something: a switch always, a text or number where it is not empty or 0."""
    return isinstance(value, bool) or value not in ("", 0)
