"""What is learnt: the interface between a paper's objective and the loop that trains it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from baselines.training.chunks import CHUNK_TOKENS
from baselines.training.recipe import Recipe

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Footprint:
    """What one step holds in memory besides weights: `tokens` (padded) at once, the longest text, bytes beside them."""

    tokens: int
    longest: int
    extra_bytes: int = 0


def pair_footprint(recipe: Recipe, texts: int = 2) -> Footprint:
    """That of a batch of pairs, of so many texts each with documents' lengths; with cached gradients, of a chunk."""
    longest = max(recipe.query_tokens, recipe.document_tokens)
    batch = recipe.batch * (recipe.query_tokens + (texts - 1) * recipe.document_tokens)
    return Footprint(
        min(batch, max(CHUNK_TOKENS.values())) if recipe.objective.get("cached") else batch, longest
    )


@dataclass(frozen=True)
class Loss:
    """A step's loss, the tokens that were read for it, and what the log should say besides."""

    value: torch.Tensor
    tokens: int
    said: dict[str, float] = field(default_factory=dict)


class Objective(Protocol):
    """A model with the heads it is trained with, and the loss of a step.

    `model` holds everything that a resumed training needs, queues and momentum encoders included. The
    batch of a step depends on the seed and the step alone, so that nothing else has to be remembered.

    An objective may have `watched()`, called once a step's gradients are there, unclipped: what the log should say of
    them, by name; and `hindsight(entries)`, called when the weights are final: what is known of each step, an entry of
    the log, only then, by name, a number an entry.
    """

    model: torch.nn.Module

    def loss(self, step: int) -> Loss:
        """The loss of the batch of `step`, with its graph."""

    def footprint(self) -> Footprint:
        """What a step holds in memory."""

    def save(self, folder: Path) -> None:
        """Write the encoder, without what it was only trained with, so that `Checkpoint.open` reads it."""
