"""How a paper trains beside how the lab does: every setting in which the two differ."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from benchmarks.rendering.markdown import code, escape, table

_SIDES = ("paper", "lab")
_ABOUT = (
    "`paper` is what was published, `lab` what a core trains in minutes; single recipes change more (in the recipe's file, with "
    "what the paper leaves open). A dash: the profile does not say it; its recipes do, or it has the loop's default."
)


def recipe_section(path: Path) -> list[str]:
    """The blocks of the section; none where a recipe has no two sides."""
    profiles = tomllib.loads(path.read_text("utf-8"))
    if any(side not in profiles for side in _SIDES):
        return []
    sides = [{name: value for name, value in profiles[side].items() if name != "recipes"} for side in _SIDES]
    names = dict.fromkeys(name for side in sides for name in side)
    differing = [name for name in names if _value(sides[0], name) != _value(sides[1], name)]
    alike = [name for name in names if name not in differing]
    rows = [[escape(name), *(_value(side, name) for side in sides)] for name in differing]
    blocks = ["## Recipe", _ABOUT, table(["setting", *_SIDES], rows, text=(0, 1, 2))]
    same = "; ".join(f"{escape(name)} {_value(sides[0], name)}" for name in alike)
    return [*blocks, f"The same in both: {same}."] if same else blocks


def _value(side: dict[str, Any], name: str) -> str:
    return setting(side[name]) if name in side else "-"


def setting(value: Any) -> str:
    """A recipe's value for a reader."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list):
        return escape(", ".join(map(str, value)))
    return code(value) if isinstance(value, str) else escape(str(value))
