"""What a training's log said, thinned to what a record can hold."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from typing import Any

POINTS = 50
_PLACE = ("step", "tokens", "learning_rate")
Curve = list[list[float]]
"""Pairs of a step and a mean over the steps from the point before on."""


def curves(log: Path, objective: object) -> dict[str, Curve]:
    """All that is in a `log.jsonl`, and what `objective` says in hindsight, by name, each in at most `POINTS` points."""
    entries: list[dict[str, Any]] = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    if hindsight := getattr(objective, "hindsight", None):
        for name, values in hindsight(entries).items():
            for entry, value in zip(entries, values, strict=True):
                entry[name] = value
    return thinned(entries)


def thinned(entries: Sequence[Mapping[str, Any]]) -> dict[str, Curve]:
    """Means over as many stretches as there are points, of each name over the entries that have it."""
    count = min(POINTS, len(entries))
    bounds = [round(number * len(entries) / count) for number in range(count + 1)] if count else []
    names = dict.fromkeys(name for entry in entries for name in entry if name not in _PLACE)
    found: dict[str, Curve] = {name: [] for name in names}
    for first, last in pairwise(bounds):
        for name in names:
            values = [entry[name] for entry in entries[first:last] if name in entry]
            if values:
                found[name].append([entries[last - 1]["step"], float(f"{fmean(values):.5g}")])
    return found
