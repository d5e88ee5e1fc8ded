"""Declaring a variant that has weights."""

from __future__ import annotations

from collections.abc import Callable

from baselines.encoders.checkpoints import Checkpoint, missing_of
from benchmarks.interfaces import Setting
from benchmarks.registry import Buildable, Variant


def weighted(build: Callable[[Setting], Buildable], summary: str, *checkpoints: Checkpoint) -> Variant:
    """A variant with the weights of `checkpoints`: it says what it needs of them, and what is missing here."""
    return Variant(
        build,
        summary,
        missing=lambda: missing_of(*checkpoints),
        needs=" and ".join(dict.fromkeys(checkpoint.needs for checkpoint in checkpoints)),
    )
