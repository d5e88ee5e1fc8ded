"""Variants that are trained here, one after the other: what cannot be trained, and what fails, costs the others nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.errors import BenchError, Unavailable, UsageError
from benchmarks.grid import Outcome, run_grid
from benchmarks.interfaces import Setting
from benchmarks.progress import Progress
from benchmarks.registry import trained_leaves, variant_of
from benchmarks.runner import Bench
from benchmarks.spec import parse
from benchmarks.suites import Cell


@dataclass
class Trained:
    """What became of the variants with one seed: a folder, or a reason for each that has none."""

    folders: dict[str, Path] = field(default_factory=dict)
    not_trained: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    misused: set[str] = field(default_factory=set)
    """Those of the failed that nobody could train anywhere."""

    @property
    def useless(self) -> bool:
        """Whether nothing was asked for but what nobody could train anywhere."""
        return (
            bool(self.misused) and self.misused == set(self.failed) and not (self.folders or self.not_trained)
        )


def train_all(specs: Iterable[str], setting: Setting, progress: Progress) -> Trained:
    """Make the weights of every variant of `specs` that is trained here, or find them finished.

    With random weights a training is rehearsed: a few steps, at its own size, that lead to nothing.
    """
    leaves = list(dict.fromkeys(leaf for spec in specs for leaf in trained_leaves(parse(spec))))
    outcome = Trained()
    progress.grid(len(leaves))
    for leaf in leaves:
        train = variant_of(leaf)[1].train
        if train is None:
            continue
        progress.cell(f"{'rehearsing' if setting.random_weights else 'training'} {leaf}, seed {setting.seed}")
        try:
            outcome.folders[str(leaf)] = train(setting, progress)
        except Unavailable as error:
            outcome.not_trained[str(leaf)] = str(error)
            progress.say(f"    not trained: {error}")
        except BenchError as error:
            outcome.failed[str(leaf)] = str(error)
            if isinstance(error, UsageError):
                outcome.misused.add(str(leaf))
            progress.say(f"    failed: {error}")
    return outcome


def run_trained(cells: Iterable[Cell], trained: Trained, bench: Bench) -> Outcome:
    """Run the cells whose variants were trained; the others get the reason."""
    lost = Outcome()
    left = []
    for cell in cells:
        names = [str(leaf) for leaf in trained_leaves(parse(cell[0]))]
        if failed := [name for name in names if name in trained.failed]:
            lost.failed[cell] = f"{failed[0]} was not trained"
        elif absent := [name for name in names if name in trained.not_trained]:
            lost.not_run[cell] = f"{absent[0]} was not trained"
        else:
            left.append(cell)
    outcome = run_grid(left, bench)
    return Outcome(
        outcome.records, lost.not_run | outcome.not_run, lost.failed | outcome.failed, outcome.misused
    )
