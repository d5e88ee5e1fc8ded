"""What a training says: a line of JSON a step, a plot of the loss, progress with an estimate."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from baselines.training.state import State
from benchmarks.progress import Progress, duration
from benchmarks.storage.atomic import write_bytes

_TOLD_EVERY = 15.0
_AVERAGED = 20
"""Steps that the first and the last loss are averaged over."""


class Log:
    """`log.jsonl` of a folder. What steps after `step` have written is taken back: they will come again.

    Of several processes one `writes`.
    """

    def __init__(self, folder: Path, step: int, *, writes: bool = True) -> None:
        self._path = folder / "log.jsonl"
        self._plot = folder / "loss.svg"
        kept = [entry for entry in _read(self._path) if entry["step"] <= step]
        if writes:
            write_bytes(self._path, "".join(map(_line, kept)).encode())
        self._entries = kept
        # Line by line: a state must not be saved before the lines of its steps.
        self._file = (self._path if writes else Path(os.devnull)).open("a", 1, "utf-8")
        self._began = self._told = time.monotonic()
        self._first = 0.0

    def add(self, state: State, loss: float, rate: float, norm: float, said: Mapping[str, float]) -> None:
        """A step is done."""
        entry = {
            "step": state.step, "tokens": state.tokens, "loss": round(loss, 5), "learning_rate": rate,
            "gradient_norm": round(norm, 5),
            # To seven digits, not to so many places: gradients may be very small.
            **{name: float(f"{value:.7g}") for name, value in said.items()},
        }  # fmt: skip
        self._entries.append(entry)
        self._file.write(_line(entry))

    def tell(self, progress: Progress, done: float) -> None:
        """How far it is, every quarter of a minute."""
        now = time.monotonic()
        self._first = self._first or done
        if now - self._told < _TOLD_EVERY:
            return
        self._told = now
        pace = (done - self._first) / (now - self._began)
        left = f", about {duration((1 - done) / pace)} left" if pace else ""
        last = self._entries[-1]
        progress.say(f"    step {last['step']:,}, {done:.0%} done, loss {self._mean(-_AVERAGED):.4f}{left}")

    def ends(self) -> tuple[float, float]:
        """The loss at the beginning and at the end, averaged over a few steps."""
        return self._mean(_AVERAGED), self._mean(-_AVERAGED)

    def plot(self) -> None:
        """`loss.svg`: loss against tokens read."""
        from benchmarks.rendering.plots import curve

        points = [(entry["tokens"], entry["loss"]) for entry in self._entries]
        write_bytes(
            self._plot, curve(points, "tokens read", "loss", f"loss of {self._plot.parent.name}").encode()
        )

    def _mean(self, steps: int) -> float:
        some = self._entries[:steps] if steps > 0 else self._entries[steps:]
        return round(sum(float(entry["loss"]) for entry in some) / max(1, len(some)), 5)


def _line(entry: Mapping[str, Any]) -> str:
    return json.dumps(dict(entry)) + "\n"


def _read(path: Path) -> list[dict[str, Any]]:
    """The whole lines of a log: a killed process may have left half a one."""
    if not path.exists():
        return []
    return [
        json.loads(line) for line in path.read_text("utf-8").splitlines(keepends=True) if line.endswith("\n")
    ]
