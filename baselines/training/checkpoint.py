"""What a training makes, as a checkpoint and as a variant: for the encoders that read released ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from baselines.encoders.checkpoints import Checkpoint
from baselines.encoders.weights import FolderWeights, Weights
from baselines.training import starts
from baselines.training.trained import Training, facts
from benchmarks.interfaces import Setting
from benchmarks.protocol import fingerprint
from benchmarks.registry import Buildable, Variant
from benchmarks.storage.atomic import sha256_of


@dataclass(frozen=True)
class TrainedCheckpoint(Checkpoint):
    """The checkpoint that a training makes, for the encoders that read released ones."""

    training: Training | None = None

    @property
    def needs(self) -> str:
        """What any machine needs: the training itself."""
        return "trained here (`retriever-bench train`)"

    def identity(self, setting: Setting) -> dict[str, Any]:
        """The recipe, whole, and the weights that came out. Raises `MissingWeights` before it was trained."""
        if setting.random_weights or setting.checkpoint is not None:
            return super().identity(setting)
        assert self.training is not None
        folder = self.training.find(setting.seed)
        made_of = (facts(folder) or {})["made_of"]
        seen = contamination(made_of)
        return {
            "trained": made_of, "weights_sha256": _weights(folder),
            **({"contamination": seen} if seen else {}),
        }  # fmt: skip

    def open(self, setting: Setting) -> Weights:
        """The weights of a setting: drawn, a folder's, or those trained with its seed. Raises `MissingWeights`."""
        if setting.random_weights or setting.checkpoint is not None:
            return super().open(setting)
        assert self.training is not None
        return FolderWeights(self.training.find(setting.seed) / "checkpoint" / self.part)

    def missing(self) -> str:
        """Whether it has yet to be trained with the first seed."""
        assert self.training is not None
        return self.training.missing(0)

    def spent(self, setting: Setting) -> Mapping[str, Any]:
        """What the training took."""
        if setting.random_weights or setting.checkpoint is not None:
            return {}
        assert self.training is not None
        found = facts(self.training.find(setting.seed)) or {}
        # A training of before curves were kept has none.
        return {**found.get("spent", {}), **({"curves": found["curves"]} if found.get("curves") else {})}


def contamination(made_of: Mapping[str, Any]) -> str:
    """What the first start of a chain of trainings has seen, or somebody that one of them relied on."""
    start, recipe = made_of["start"], made_of["recipe"]
    for role, doing in (("teacher", "taught"), ("filter", "filtered"), ("miner", "negatives mined")):
        other = recipe["objective"].get(role, "").partition(":")[0]
        seen = contamination(made_of[role]) if role in made_of else starts.CONTAMINATION.get(other, "")
        if seen:
            return f"{doing} by {other}: {seen}"
    return contamination(start) if "recipe" in start else starts.CONTAMINATION.get(recipe["start"], "")


def _weights(folder: Path) -> str:
    """One hash of all weight files of a checkpoint."""
    return fingerprint([sha256_of(path) for path in sorted((folder / "checkpoint").rglob("*.safetensors"))])


def trained_variant(
    training: Training, build: Callable[[TrainedCheckpoint, Setting], Buildable], summary: str
) -> Variant:
    """The variant that `training` makes; `build` is the encoder on its checkpoint."""
    checkpoint = TrainedCheckpoint("", training=training)
    return Variant(
        lambda setting: build(checkpoint, setting), summary,
        missing=checkpoint.missing, needs=checkpoint.needs, train=training,
    )  # fmt: skip
