"""A variant that is trained here: its recipe, the checkpoint it makes, and where that lies.

trained/NAME-seed0-FINGERPRINT/     in the cache
  checkpoint/       what the encoder reads
  log.jsonl         a line a step
  loss.svg
  training.json     what it was made of and what it took; written last
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from baselines.encoders.checkpoints import Checkpoint
from baselines.encoders.weights import FolderWeights, Weights
from baselines.training import starts
from baselines.training.articles import identity
from baselines.training.recipe import Recipe
from benchmarks.errors import BenchError, MissingWeights
from benchmarks.interfaces import Setting
from benchmarks.progress import Progress
from benchmarks.protocol import fingerprint
from benchmarks.records.store import file_name
from benchmarks.registry import Buildable, Variant, variant_of
from benchmarks.spec import Leaf, parse
from benchmarks.storage.atomic import sha256_of, write_json
from benchmarks.storage.cache import Cache

if TYPE_CHECKING:
    from baselines.training.objective import Objective

VERSION = 1
"""Raised when the same recipe would give other weights."""
_FACTS = "training.json"
_REHEARSED, _REHEARSED_BATCH = "synthetic/small", 8


@dataclass(frozen=True)
class Materials:
    """What an objective is made from."""

    recipe: Recipe
    seed: int
    start: starts.Start
    cache: Cache
    progress: Progress


@dataclass(frozen=True)
class Training:
    """One training: the variant it makes, its recipe, and what its objective is."""

    name: str
    recipe: Recipe
    objective: Callable[[Materials], Objective]

    def __call__(self, setting: Setting, progress: Progress) -> Path:
        """The folder of the finished training; trains, or goes on, where it is not. Raises `BenchError`s."""
        if setting.random_weights:
            return rehearse(self, setting.seed, progress)
        cache = Cache.default()
        from baselines.training.devices import together

        start = self._start(setting, cache, progress)
        if miner := self._miner:
            self._made(miner, setting, progress)
        made_of = self.made_of(setting.seed, cache)
        folder = self._folder(setting.seed, made_of, cache)
        with together(cache.locked(folder.name)):
            if facts(folder) is None:
                progress.say(f"    training {self.name}, seed {setting.seed}, in {folder}")
                _train(self, Materials(self.recipe, setting.seed, start, cache, progress), folder, made_of)
        return folder

    def made_of(self, seed: int, cache: Cache) -> dict[str, Any]:
        """Everything that the weights depend on, as JSON values. Raises `Unavailable` where some of it is not here."""
        return {
            "recipe": self.recipe.to_json(),
            "start": self._start_identity(seed, cache),
            **({"miner": self._identity_of(miner, seed, cache)} if (miner := self._miner) else {}),
            "data": data_identity(self.recipe.corpus, cache),
            "seed": seed,
            "version": VERSION,
        }

    def find(self, seed: int) -> Path:
        """The folder of the finished training. Raises `MissingWeights` where there is none."""
        cache = Cache.default()
        try:
            folder = self._folder(seed, self.made_of(seed, cache), cache)
        except BenchError as error:
            raise MissingWeights(f"{self._advice(seed)} ({error})") from None
        if facts(folder) is None:
            raise MissingWeights(self._advice(seed))
        return folder

    def missing(self, seed: int) -> str:
        """What to do for want of weights of this recipe; nothing where there are some.

        Goes by recipes alone and opens no data: that these are as they were, `find` asks.
        """
        found = map(facts, (Cache.default().root / "trained").glob(f"{file_name(self.name)}-seed{seed}-*"))
        try:
            planned = self._planned(seed)
        except BenchError as error:
            return f"{self._advice(seed)} ({error})"
        made = any(_recipes(one["made_of"]) == planned for one in found if one)
        return "" if made else self._advice(seed)

    def _planned(self, seed: int) -> list[Any]:
        """The version, seed and recipe of this training and of those it starts from."""
        own = [[VERSION, seed, self.recipe.to_json()]]
        if self.recipe.start.startswith("scratch:") or starts.released(self.recipe.start):
            return own
        leaf, other = _trained(self.recipe.start, seed)
        before = variant_of(leaf)[1].train
        return [*own, *before._planned(other)] if isinstance(before, Training) else own

    def _advice(self, seed: int) -> str:
        seeded = f" --seed {seed}" if seed else ""
        return f"{self.name} is not trained yet: `retriever-bench train --variant {self.name}{seeded}`"

    def _folder(self, seed: int, made_of: Mapping[str, Any], cache: Cache) -> Path:
        return cache.root / "trained" / f"{file_name(self.name)}-seed{seed}-{fingerprint(made_of)}"

    def _start(self, setting: Setting, cache: Cache, progress: Progress) -> starts.Start:
        if drawn := starts.drawn(self.recipe, setting.seed, cache):
            return drawn
        if checkpoint := starts.released(self.recipe.start):
            return starts.from_folder(checkpoint.locate())
        return starts.from_folder(self._made(self.recipe.start, setting, progress) / "checkpoint")

    @property
    def _miner(self) -> str:
        """The training that hard negatives are mined with, where it is another than the start."""
        name: str = self.recipe.objective.get("miner", "")
        return name if name and variant_of(_trained(name, 0)[0])[1].trained_here else ""

    def _made(self, name: str, setting: Setting, progress: Progress) -> Path:
        """The folder of another training that this one builds on; it is trained where it was not."""
        leaf, seed = _trained(name, setting.seed)
        train = variant_of(leaf)[1].train
        if train is None:
            raise MissingWeights(f"{self.name} builds on {leaf}, which is not trained here")
        return train(replace(setting, seed=seed), progress)

    def _start_identity(self, seed: int, cache: Cache) -> Any:
        if self.recipe.start.startswith("scratch:"):
            return {"pieces": starts.PIECES, **identity(self.recipe.vocabulary or self.recipe.corpus)}
        if checkpoint := starts.released(self.recipe.start):
            return checkpoint.identity(Setting())
        return self._identity_of(self.recipe.start, seed, cache)

    def _identity_of(self, name: str, seed: int, cache: Cache) -> Any:
        leaf, other = _trained(name, seed)
        train = variant_of(leaf)[1].train
        if not isinstance(train, Training):
            raise MissingWeights(f"{self.name} builds on {leaf}, which is not trained here")
        return {"variant": train.name, **train.made_of(other, cache)}


def _recipes(made_of: Mapping[str, Any]) -> list[Any]:
    """As `Training._planned`, of what was made."""
    own = [[made_of["version"], made_of["seed"], made_of["recipe"]]]
    return [*own, *_recipes(made_of["start"])] if "recipe" in made_of["start"] else own


def _trained(start: str, seed: int) -> tuple[Leaf, int]:
    """The variant that a start names, and the seed it is made with."""
    name, _, other = start.partition("@")
    leaf = parse(name)
    assert isinstance(leaf, Leaf)
    return leaf, int(other) if other else seed


def _train(training: Training, materials: Materials, folder: Path, made_of: Mapping[str, Any]) -> None:
    import torch

    from baselines.training.devices import is_first
    from baselines.training.loop import train

    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(materials.seed)
    spent = train(training.objective(materials), training.recipe, materials.seed, folder, materials.progress)
    if is_first():
        write_json(folder / _FACTS, {"spent": spent.to_json(), "made_of": dict(made_of)})
        (folder / "state.safetensors").unlink(missing_ok=True)


def rehearse(training: Training, seed: int, progress: Progress) -> Path:
    """Two steps of a recipe on generated text with a random BERT of the size it starts from, in a folder that is its own.

    All but the start, the text, the number of steps and the batch, which is cut to what a small machine bears, is
    the recipe's.
    """
    recipe = training.recipe
    pairs = recipe.corpus.endswith("/train")
    small = replace(
        recipe,
        start=recipe.start if recipe.start.startswith("scratch:") else "scratch:base",
        corpus=f"{_REHEARSED}/train" if pairs else _REHEARSED,
        vocabulary=_REHEARSED, batch=min(recipe.batch, _REHEARSED_BATCH), tokens=0, steps=2,
        objective=_without_weights(recipe.objective),
    )  # fmt: skip
    if small.batch < recipe.batch:
        progress.say(f"    {training.name}: batches of {small.batch} instead of {recipe.batch:,}")
    cache = Cache(Cache.default().root / "rehearsals")
    rehearsed = replace(training, recipe=small)
    made_of = rehearsed.made_of(seed, cache)
    folder = rehearsed._folder(seed, made_of, cache)
    shutil.rmtree(folder, ignore_errors=True)
    drawn = starts.drawn(small, seed, cache)
    assert drawn is not None
    _train(rehearsed, Materials(small, seed, drawn, cache, progress), folder, made_of)
    return folder


def _without_weights(objective: Mapping[str, Any]) -> dict[str, Any]:
    """An objective whose negatives are found, and whose scores are taught, by what needs no weights."""
    others = {"miner": "negatives" in objective, "teacher": "teacher" in objective}
    return {**objective, **{name: "bm25:flat" for name, asked in others.items() if asked}}


def facts(folder: Path) -> dict[str, Any] | None:
    """What a finished training says of itself; nothing for one that is not finished."""
    path = folder / _FACTS
    if not path.exists():
        return None
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def data_identity(corpus: str, cache: Cache) -> Any:
    """What names the data that a recipe reads: a corpus of articles, or a collection."""
    named = corpus.startswith(("wikipedia", "ccnet", "texts:"))
    if named or (corpus.startswith("synthetic/") and "/train" not in corpus):
        return identity(corpus)
    from baselines.training.pairs import collection_identity

    return collection_identity(corpus, cache)


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
        spent: Mapping[str, Any] = found.get("spent", {})
        return spent


def contamination(made_of: Mapping[str, Any]) -> str:
    """What the first start of a chain of trainings has seen, or the teacher of one of them."""
    start, recipe = made_of["start"], made_of["recipe"]
    teacher = recipe["objective"].get("teacher", "").partition(":")[0]
    if teacher in starts.CONTAMINATION:
        return f"taught by {teacher}: {starts.CONTAMINATION[teacher]}"
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
