"""Curves: what of a training's log a record holds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from baselines.training.curves import POINTS, curves, thinned
from baselines.training.loop import train
from tests.baselines.training.made import QUIET
from tests.baselines.training.test_loop import PLAIN, Line


@pytest.mark.parametrize("steps", [0, 1, 7, 50, 51, 1234])
def test_a_curve_is_means_over_equal_stretches(steps: int) -> None:
    """At most fifty points; every step counts once; each point stands at the last step of its stretch."""
    found = thinned(
        [{"step": n + 1, "tokens": 3, "learning_rate": 0.1, "loss": float(n)} for n in range(steps)]
    )
    assert set(found) == ({"loss"} if steps else set())
    line = found.get("loss", [])
    assert len(line) == min(POINTS, steps)
    before = 0
    for step, value in line:
        assert value == pytest.approx(sum(range(before, int(step))) / (step - before), rel=1e-4)
        before = int(step)
    assert before == steps


def test_a_name_that_not_every_step_has_is_averaged_over_those_that_have_it() -> None:
    """A stretch without it has no point."""
    entries = [{"step": n + 1, "seen": 1.0} if n >= 60 else {"step": n + 1} for n in range(100)]
    assert thinned(entries)["seen"] == [[step, 1.0] for step in range(62, 101, 2)]


def test_small_numbers_keep_their_digits() -> None:
    """A gradient of 1e-9 is no zero."""
    assert thinned([{"step": 1, "gradient": 1.23456e-9}])["gradient"] == [[1, 1.2346e-09]]


class Watcher(Line):
    """Says how long the gradients are, and afterwards what each step's number was."""

    def watched(self) -> dict[str, float]:
        """Of the weights alone, in billionths."""
        gradient = self.model.weight.grad
        assert isinstance(gradient, torch.Tensor)
        return {"weights": float(gradient.norm()) * 1e-9}

    def hindsight(self, entries: Sequence[Mapping[str, Any]]) -> dict[str, list[float]]:
        """The number once more."""
        return {"again": [float(entry["step"]) for entry in entries]}


def test_an_objective_says_more_of_gradients_and_in_hindsight(tmp_path: Path) -> None:
    """`watched` sees unclipped gradients and is logged; `hindsight` becomes a curve; without them there are none."""
    watcher = Watcher()
    train(watcher, replace(PLAIN, clip=1e-3), 0, tmp_path / "more", QUIET)
    lines = [json.loads(line) for line in (tmp_path / "more" / "log.jsonl").read_text().splitlines()]
    assert all(1e-10 < line["weights"] <= line["gradient_norm"] * 1.0001e-9 for line in lines)
    found = curves(tmp_path / "more" / "log.jsonl", watcher)
    assert found["again"] == [[step, step] for step in range(1, 11)]
    assert len(found["weights"]) == 10
    plain = Line()
    train(plain, PLAIN, 0, tmp_path / "plain", QUIET)
    assert set(curves(tmp_path / "plain" / "log.jsonl", plain)) == {"loss", "gradient_norm", "steps"}
