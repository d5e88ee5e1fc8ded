"""When the negatives are refreshed, and which are in use: the trainer's side of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from baselines.ance import encoder_of
from baselines.ance.inferencer import Inferencer
from baselines.ance.negatives import Places, Refreshes, queries_of, sampled
from baselines.training.devices import is_first, told_by_first
from baselines.training.pairs import TrainingPairs
from baselines.training.trained import Materials
from benchmarks.collections.collection import open_collection
from benchmarks.errors import DamagedCache


class Refreshing:
    """Takes `refresh`, every how many steps; `depth`, of how many best; and `asynchronous`.

    Asynchronously the inferencer refreshes while training goes on, and a step takes the newest negatives that are whole:
    which these are depends on how fast the two are. Otherwise training waits for each refresh, and they are a function of
    the seed. Either way those of step 0, by the weights of the start, are there before the first step.
    """

    def __init__(self, materials: Materials, data: TrainingPairs, save: Callable[[Path], None]) -> None:
        self._materials, self._data, self._save = materials, data, save
        self._options = materials.recipe.objective
        self.rows = {query: row for row, query in enumerate(queries_of(data))}
        """Where each query's negatives stand in `Places`."""
        assert materials.scratch is not None
        self._refreshes = Refreshes(materials.scratch / "refreshes")
        self._inferencer: Inferencer | None = None
        self._used: int | None = None
        self._places: Places

    def begin(self) -> None:
        """Find the first negatives, where they were not found before."""
        if is_first() and not self._refreshes.is_finished(0):
            self._refresh(0)

    def before(self, step: int) -> dict[str, float]:
        """Hand over the weights if it is time, and use the newest negatives; says of which step these are, and how old.

        Raises `DamagedCache` where those are gone that a training that goes on has to go on with.
        """
        every, asynchronous = self._options["refresh"], self._options["asynchronous"]
        if is_first() and (step % every == 0 or (asynchronous and self._inferencer is None)):
            self._renew(step, due=step % every == 0)
        newest = told_by_first(self._refreshes.newest(step) if is_first() else 0)
        if newest < 0 or not (asynchronous or newest == step // every * every):
            raise DamagedCache(
                f"{self._refreshes.folder} lacks negatives; delete {self._materials.scratch} and the state beside it"
            )
        self.use(newest)
        return {"negatives_of": newest, "staleness": step - newest}

    def use(self, step: int) -> None:
        """Take the negatives of a step from now on."""
        if step != self._used:
            self._places, self._used = self._refreshes.places(step), step

    def drawn(self, query: str, rng: np.random.Generator) -> str | None:
        """A negative of a query, drawn from those in use."""
        place = sampled(self._places[self.rows[query]], rng)
        return None if place is None else self._data.at(np.array([place]))[0]

    def end(self) -> None:
        """No more refreshes."""
        if self._inferencer is not None:
            self._inferencer.stop()

    def final(self, best: int) -> Places:
        """The negatives among the `best` documents of each query by the weights as they are now: int32[queries, best]."""
        refreshes = Refreshes(self._refreshes.folder.with_name("final"))
        shutil.rmtree(refreshes.folder, ignore_errors=True)
        self._refresh(0, refreshes, best)
        return refreshes.places(0)

    def _renew(self, step: int, *, due: bool) -> None:
        """Refresh by the weights of this step, or leave them, if it is time, to the inferencer."""
        if not self._options["asynchronous"]:
            if not self._refreshes.is_finished(step):
                self._refresh(step)
            return
        if due:
            self._refreshes.hand_over(step, self._save)
        if self._inferencer is None:
            recipe, cache, progress = self._materials.recipe, self._materials.cache, self._materials.progress
            self._inferencer = Inferencer(self._refreshes.folder, recipe, cache, progress)
        self._inferencer.keep_running()

    def _refresh(self, step: int, refreshes: Refreshes | None = None, depth: int = 0) -> None:
        """Do it in this process, which draws nothing for it: what dropout is drawn for a step depends on that alone."""
        recipe, refreshes = self._materials.recipe, refreshes or self._refreshes
        collection = open_collection(recipe.corpus, self._materials.cache)
        refreshes.hand_over(step, self._save)
        with torch.random.fork_rng():
            refreshes.refresh(
                step, encoder_of(recipe), self._data, collection, depth or self._options["depth"]
            )
