"""The inferencer (Xiong et al. 2021, section 4, "Asynchronous Index Refresh"): a process beside the trainer.

It takes the newest weights that the trainer left, refreshes the negatives by them, and begins again. It ends with the
refresh under way once the trainer is gone, whatever took it: the trainer holds the other end of its standard input.
Of several only one works, and a refresh that was killed is gone on with.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

from filelock import FileLock

from baselines.training.recipe import Recipe
from benchmarks.progress import Progress
from benchmarks.storage.atomic import write_json
from benchmarks.storage.cache import Cache

_JOB, _LOCK, _SAID = "inferencer.json", "inferencer.lock", "inferencer.log"
_LOOKED_EVERY = 0.2
"""Seconds between looks for newer weights."""


class Inferencer:
    """The process, seen from the trainer, which never waits for it. Works in `folder`, where refreshes are."""

    def __init__(self, folder: Path, recipe: Recipe, cache: Cache, progress: Progress) -> None:
        self._folder, self._progress = folder, progress
        write_json(folder / _JOB, {"recipe": recipe.to_json(), "cache": str(cache.root)})
        self.process: subprocess.Popen[bytes] | None = None

    def keep_running(self) -> None:
        """Start it, if it does not run."""
        if self.process is not None:
            if (code := self.process.poll()) is None:
                return
            self._progress.say(
                f"    the inferencer ended with {code} ({self._folder / _SAID}); starting another"
            )
        with (self._folder / _SAID).open("ab") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "baselines.ance.inferencer", str(self._folder)],
                stdin=subprocess.PIPE, stdout=said, stderr=said,
            )  # fmt: skip

    def stop(self) -> None:
        """End it at once; what it had under way is not needed any more."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


def infer(folder: Path, alone: threading.Event) -> None:
    """Refresh in `folder` from whatever is newest, until the trainer is gone."""
    from baselines.ance import encoder_of
    from baselines.ance.negatives import Refreshes
    from baselines.training.pairs import pairs_of
    from benchmarks.collections.collection import open_collection

    job = json.loads((folder / _JOB).read_text("utf-8"))
    recipe = Recipe(**{**job["recipe"], "betas": tuple(job["recipe"]["betas"])})
    cache, options = Cache(Path(job["cache"])), recipe.objective
    with FileLock(folder / _LOCK):
        data, collection = (
            pairs_of(recipe, cache), open_collection(recipe.corpus, cache),
        )  # fmt: skip
        refreshes = Refreshes(folder)
        while not alone.is_set():
            step = refreshes.next()
            if step is None:
                time.sleep(_LOOKED_EVERY)
            else:
                refreshes.refresh(step, encoder_of(recipe), data, collection, options["depth"])


def main() -> None:
    """Work in the folder that is named, until standard input ends."""
    alone = threading.Event()

    def listen() -> None:
        """Nothing is ever said there: it ends with the trainer."""
        sys.stdin.buffer.read()
        alone.set()

    threading.Thread(target=listen, daemon=True).start()
    infer(Path(sys.argv[1]), alone)


if __name__ == "__main__":
    main()
