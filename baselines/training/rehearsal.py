"""A rehearsal: a recipe at its own size for two steps, without its data and without the weights it starts from."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from baselines.training import starts
from baselines.training.trained import ROLES, SCRATCH, Materials, Training, carry_out, facts
from benchmarks.progress import Progress, duration, gibibytes
from benchmarks.registry import variant_of
from benchmarks.spec import Leaf, parse
from benchmarks.storage.cache import Cache

_TEXT, _PAIRS, _BATCH = "synthetic/small", "synthetic/tiny/train", 8
# Of pairs few: who mines negatives by the model itself encodes all documents at the size that is rehearsed.


def rehearse(training: Training, seed: int, progress: Progress) -> Path:
    """Two steps of a recipe on generated text with a random BERT of the size it starts from, in a folder that is its own.

    All but the start, the text, the number of steps and the batch, which is cut to what a small machine bears, is
    the recipe's.
    """
    recipe = training.recipe
    pairs = recipe.corpus.endswith("/train")
    # Where a pair brings several passages of each document, fewer pairs are as many texts.
    most = max(1, _BATCH // recipe.objective.get("passages", 1))
    small = replace(
        recipe,
        start=_size(recipe.start),
        corpus=_PAIRS if pairs else _TEXT,
        vocabulary=_TEXT, batch=min(recipe.batch, most), tokens=0, steps=2,
        objective=_without_weights(recipe.objective, training.stand_ins),
    )  # fmt: skip
    if small.batch < recipe.batch:
        progress.say(f"    {training.name}: batches of {small.batch} instead of {recipe.batch:,}")
    cache = Cache(Cache.default().root / "rehearsals")
    rehearsed = replace(training, recipe=small)
    made_of = rehearsed.made_of(seed, cache)
    folder = rehearsed.folder(seed, made_of, cache)
    shutil.rmtree(folder, ignore_errors=True)
    drawn = starts.drawn(small, seed, cache)
    assert drawn is not None
    carry_out(rehearsed, Materials(small, seed, drawn, cache, progress), folder, made_of)
    shutil.rmtree(folder / "checkpoint")
    spent = (facts(folder) or {})["spent"]
    progress.say(
        f"    two steps in {duration(spent['seconds'])}; memory rose by {gibibytes(spent['peak_bytes'])} of "
        f"{gibibytes(spent['estimated_bytes'])}"
    )
    return folder


def _size(start: str) -> str:
    """The BERT of scratch that a chain of starts begins with; of released weights the base, which all but MiniLM are."""
    while not start.startswith("scratch:"):
        leaf = None if starts.released(start) else parse(start.partition("@")[0])
        train = variant_of(leaf)[1].train if isinstance(leaf, Leaf) else None
        if not isinstance(train, Training):
            return "scratch:base"
        start = train.recipe.start
    return start


def _without_weights(objective: Mapping[str, Any], stand_ins: Mapping[str, str]) -> dict[str, Any]:
    """An objective whose negatives are found, and whose scores are taught, by what needs no weights."""
    asked = [role for role in ROLES if role in objective or (role == "miner" and objective.get("negatives"))]
    named = {role: stand_ins.get(role, "bm25:flat") for role in asked}
    return {
        **objective,
        **{role: _size(objective[role]) if name == SCRATCH else name for role, name in named.items()},
    }
