"""A training: the recipe of a variant, what it builds on, and where the checkpoint lies that it makes.

trained/NAME-seed0-FINGERPRINT/     in the cache
  checkpoint/       what the encoder reads
  log.jsonl         a line a step
  loss.svg
  training.json     what it was made of and what it took; written last
"""

from __future__ import annotations

import inspect
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from baselines.training import starts
from baselines.training.articles import identity
from baselines.training.recipe import Recipe
from benchmarks.errors import BenchError, MissingWeights
from benchmarks.interfaces import Setting
from benchmarks.progress import Progress
from benchmarks.protocol import fingerprint
from benchmarks.records.store import file_name
from benchmarks.registry import variant_of
from benchmarks.spec import Leaf, parse
from benchmarks.storage.atomic import sha256_of, write_json
from benchmarks.storage.cache import Cache

if TYPE_CHECKING:
    from baselines.training.objective import Objective

VERSION = 1
"""Raised when the same recipe would give other weights."""
_FACTS = "training.json"
SCRATCH = "scratch"
ROLES = ("miner", "teacher", "filter")
"""What a recipe may name others for: who mines its negatives, who teaches it, who takes likely answers out of them."""


@dataclass(frozen=True)
class Materials:
    """What an objective is made from."""

    recipe: Recipe
    seed: int
    start: starts.Start
    cache: Cache
    progress: Progress
    scratch: Path | None = None
    """Where an objective may keep, until the training is finished, what it needs to go on besides the loop's state."""


@dataclass(frozen=True)
class Training:
    """One training: the variant it makes, its recipe, and what its objective is."""

    name: str
    recipe: Recipe
    objective: Callable[[Materials], Objective]
    stand_ins: Mapping[str, str] = field(default_factory=dict, hash=False)
    """By role (`ROLES`), who takes the place of another in a rehearsal, which has no weights: `SCRATCH` is a model of the
    other's size. BM25 where none is named."""

    def __call__(self, setting: Setting, progress: Progress) -> Path:
        """The folder of the finished training; trains, or goes on, where it is not. Raises `BenchError`s."""
        if setting.random_weights:
            from baselines.training.rehearsal import rehearse

            return rehearse(self, setting.seed, progress)
        cache = Cache.default()
        from baselines.training.devices import is_first, together

        # First of all whether the data of the whole chain are here: a start may take hours.
        made_of = self.made_of(setting.seed, cache)
        start = self._start(setting, cache, progress)
        for other in self._others.values():
            self._made(other, setting, progress)
        folder = self.folder(setting.seed, made_of, cache)
        with together(cache.locked(folder.name)):
            known = facts(folder)
            if known is None or setting.retrain:
                progress.say(f"    training {self.name}, seed {setting.seed}, in {folder}")
                if known is not None and is_first():
                    shutil.rmtree(folder, ignore_errors=True)
                carry_out(self, Materials(self.recipe, setting.seed, start, cache, progress), folder, made_of)
            elif "code" in known and known["code"] != code_of(self.objective):
                progress.say(
                    f"    {self.name} was trained by other code than this; --retrain trains it again"
                )
        return folder

    def made_of(self, seed: int, cache: Cache) -> dict[str, Any]:
        """Everything that the weights depend on, as JSON values. Raises `Unavailable` where some of it is not here."""
        return {
            "recipe": self.recipe.to_json(),
            "start": self._start_identity(seed, cache),
            **{role: self._identity_of(other, seed, cache) for role, other in self._others.items()},
            "data": data_identity(self.recipe.corpus, cache),
            "seed": seed,
            "version": VERSION,
        }

    def find(self, seed: int) -> Path:
        """The folder of the finished training. Raises `MissingWeights` where there is none."""
        cache = Cache.default()
        try:
            folder = self.folder(seed, self.made_of(seed, cache), cache)
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

    def folder(self, seed: int, made_of: Mapping[str, Any], cache: Cache) -> Path:
        """Where the training of this lies, or would."""
        return cache.root / "trained" / f"{file_name(self.name)}-seed{seed}-{fingerprint(made_of)}"

    def _start(self, setting: Setting, cache: Cache, progress: Progress) -> starts.Start:
        if drawn := starts.drawn(self.recipe, setting.seed, cache):
            return drawn
        if checkpoint := starts.released(self.recipe.start):
            return starts.from_folder(checkpoint.locate())
        return starts.from_folder(self._made(self.recipe.start, setting, progress) / "checkpoint")

    @property
    def _others(self) -> dict[str, str]:
        """The trainings that this one builds on besides its start, by what they are to it (`ROLES`)."""
        named = {role: self.recipe.objective.get(role, "") for role in ROLES}
        return {
            role: name for role, name in named.items()
            if name and not name.startswith("scratch:")
            and isinstance(leaf := parse(name.partition("@")[0]), Leaf) and variant_of(leaf)[1].trained_here
        }  # fmt: skip

    def _made(self, name: str, setting: Setting, progress: Progress) -> Path:
        """The folder of another training that this one builds on; it is trained where it was not."""
        leaf, seed = _trained(name, setting.seed)
        train = variant_of(leaf)[1].train
        if train is None:
            raise MissingWeights(f"{self.name} builds on {leaf}, which is not trained here")
        return train(replace(setting, seed=seed, retrain=False), progress)

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


def carry_out(training: Training, materials: Materials, folder: Path, made_of: Mapping[str, Any]) -> None:
    """Train in `folder`, or go on there, and write what says that it is finished."""
    import torch

    from baselines.training.curves import curves
    from baselines.training.devices import is_first
    from baselines.training.loop import train

    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(materials.seed)
    scratch = folder / "scratch"
    objective = training.objective(replace(materials, scratch=scratch))
    spent = train(objective, training.recipe, materials.seed, folder, materials.progress)
    if is_first():
        drawn = curves(folder / "log.jsonl", objective)
        known = {
            "spent": spent.to_json(),
            "curves": drawn,
            "made_of": dict(made_of),
            "code": code_of(training.objective),
        }
        write_json(folder / _FACTS, known)
        (folder / "state.safetensors").unlink(missing_ok=True)
        shutil.rmtree(scratch, ignore_errors=True)


def code_of(objective: Callable[..., Any]) -> str:
    """A hash of the sources that decide what is learnt: of this folder, the encoders, and where an objective is from.

    It names no weights, since most changes move none: it tells that there may be others.
    """
    here = Path(__file__).parent
    folders = {
        here,
        here.with_name("encoders"),
        *(Path(inspect.getfile(one)).parent for one in _parts(objective)),
    }
    return fingerprint(
        [sha256_of(path) for folder in sorted(folders) for path in sorted(folder.rglob("*.py"))]
    )


def _parts(objective: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """A function, and those that were bound to it."""
    if isinstance(objective, partial):
        for one in (objective.func, *objective.args):
            if callable(one):
                yield from _parts(one)
    else:
        yield objective


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
