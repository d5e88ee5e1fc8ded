"""The trainer and the inferencer as two processes: nothing waits, nothing half written is read, little is lost by a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from baselines.ance import encoder_of
from baselines.ance.inferencer import Inferencer
from baselines.ance.negatives import Refreshes
from baselines.ance.training import OneNegative
from baselines.training import loop
from baselines.training.loop import Spent
from benchmarks.collections.collection import open_collection
from benchmarks.storage.cache import Cache
from tests.baselines.test_ance_training import TRAIN, objective, recipe
from tests.baselines.training.made import QUIET, files

ROOT = Path(__file__).parents[2]
PATIENCE = 300.0
"""Seconds after which a process that should have done something has failed. Starting one takes several."""


def until(what: Callable[[], Any]) -> Any:
    """Wait for something to be so."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not come to be so")


class Enough(Exception):
    """A training has shown what it should."""


def watch(made: OneNegative, look: Callable[[int, dict[str, float]], None]) -> list[dict[str, float]]:
    """Let `look` see what each step says, and keep it."""
    good, said = made.loss, []

    def seen(step: int) -> Any:
        found = good(step)
        said.append(found.said)
        look(step, found.said)
        return found

    made.loss = seen  # type: ignore[method-assign]
    return said


def process(made: OneNegative) -> subprocess.Popen[bytes]:
    """The inferencer of a training."""
    assert made._refreshing._inferencer is not None
    found = made._refreshing._inferencer.process
    assert found is not None
    return found


@pytest.fixture
def trained(cache: Cache, tmp_path: Path) -> Iterator[Callable[..., OneNegative]]:
    """Objectives of asynchronous recipes, whose inferencers are ended."""
    found: list[OneNegative] = []

    def make(**changed: Any) -> OneNegative:
        found.append(objective(cache, tmp_path, recipe(asynchronous=True, **changed)))
        return found[-1]

    yield make
    for one in found:
        one._refreshing.end()


def run(made: OneNegative, folder: Path) -> Spent:
    """Train by the recipe it was made of."""
    return loop.train(made, made._recipe, 0, folder, QUIET)


def test_the_inferencer_writes_what_waiting_would_have(cache: Cache, tmp_path: Path) -> None:
    """For the same weights the negatives of the process and those found in this one are equal, byte for byte."""
    made = objective(cache, tmp_path, recipe(kinds=["random"]))
    waited, left = Refreshes(tmp_path / "waited"), Refreshes(tmp_path / "left")
    for refreshes in (waited, left):
        refreshes.hand_over(7, made._towers.save)
    collection = open_collection(TRAIN, cache)
    waited.refresh(7, encoder_of(made._recipe), made._data, collection, 10)
    inferencer = Inferencer(left.folder, made._recipe, cache, QUIET)
    inferencer.keep_running()
    until(lambda: left.is_finished(7))
    inferencer.stop()
    found, expected = ((one.folder / "7" / "negatives.npy").read_bytes() for one in (left, waited))
    assert found == expected


@pytest.mark.slow
def test_refreshes_come_while_training_goes_on(trained: Callable[..., OneNegative], tmp_path: Path) -> None:
    """At least three, though the inferencer is killed after the first; each step says whose negatives it has, and how old."""
    made = trained(steps=200_000, refresh=20)
    killed: list[int] = []

    def look(step: int, said: dict[str, float]) -> None:
        time.sleep(0.01)
        refreshed = {one["negatives_of"] for one in said_before}
        if len(refreshed) == 2 and not killed:
            process(made).send_signal(signal.SIGKILL)
            killed.append(process(made).pid)
        if len(refreshed) > 3:
            raise Enough

    said_before = watch(made, look)
    with pytest.raises(Enough):
        run(made, tmp_path)
    assert killed and process(made).pid != killed[0]
    steps = [said["negatives_of"] for said in said_before]
    assert steps == sorted(steps) and all(step % 20 == 0 for step in steps)
    assert [said["staleness"] for said in said_before] == [n - step for n, step in enumerate(steps)]
    for step in set(steps):
        assert len(Refreshes(tmp_path / "scratch" / "refreshes").places(int(step)))


def test_no_step_waits_for_the_inferencer(trained: Callable[..., OneNegative], tmp_path: Path) -> None:
    """One that is stopped in its tracks keeps nothing up: training ends, with the negatives it began with."""
    made = trained(steps=12, refresh=3)

    def look(step: int, said: dict[str, float]) -> None:
        if step == 0:
            process(made).send_signal(signal.SIGSTOP)

    said = watch(made, look)
    assert run(made, tmp_path).steps == 12
    assert {one["negatives_of"] for one in said} == {0}
    assert [one["staleness"] for one in said] == list(range(12))
    # The weights of the newest step wait to be searched with; the process went with the training.
    assert Refreshes(tmp_path / "scratch" / "refreshes").next() == 9
    assert process(made).poll() is not None


@pytest.mark.slow
def test_a_killed_refresh_is_gone_on_with_and_never_read(cache: Cache, tmp_path: Path) -> None:
    """Killed at four places, the inferencer leaves whole negatives or none, and the next one finishes them."""
    made = objective(cache, tmp_path, recipe(kinds=["random"], corpus="synthetic/tiny/train"))
    refreshes = Refreshes(tmp_path / "refreshes")
    inferencer = Inferencer(refreshes.folder, made._recipe, cache, QUIET)
    for step in range(4):
        refreshes.hand_over(step, made._towers.save)
        inferencer.keep_running()
        folder = refreshes.folder / str(step)
        until(lambda folder=folder: (folder / "index").exists() or (folder / "manifest.json").exists())
        time.sleep(0.03 * step)
        process = inferencer.process
        assert process is not None
        process.kill()
        process.wait()
        if refreshes.is_finished(step):
            assert refreshes.newest(99) == step and len(refreshes.places(step))
        else:
            assert refreshes.newest(99) == step - 1 and refreshes.next() == step
            inferencer.keep_running()
            until(lambda step=step: refreshes.is_finished(step))
    inferencer.stop()
    assert len({(refreshes.folder / str(step) / "negatives.npy").read_bytes() for step in range(4)}) == 1


KILLED = """
import sys
from baselines.training import loop
from baselines.training.trained import Training
from baselines.ance import _objective
from benchmarks.interfaces import Setting
from tests.baselines.test_ance_training import recipe
from tests.baselines.training.made import QUIET
import time

waits, steps = sys.argv[1] == "waits", int(sys.argv[2])
loop.SAVED_EVERY = 0.0
after = loop.State.after
def told(self, tokens):
    print(self.step, flush=True)
    time.sleep(0 if waits else 0.05)
    return after(self, tokens)
loop.State.after = told
made = recipe(steps=steps, refresh=5, asynchronous=not waits)
print(Training("ance:killed", made, _objective)(Setting(), QUIET))
"""


def start(mode: str, steps: int, cache: Path) -> subprocess.Popen[str]:
    """A training in a process of its own, that says each step."""
    environment = {**os.environ, "RETRIEVER_BENCH_CACHE": str(cache), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", KILLED, mode, str(steps)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def kill_after(process: subprocess.Popen[str], enough: Callable[[int], bool]) -> None:
    """SIGKILL once a step is told that is enough."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip().isdigit() and enough(int(line)):
            process.send_signal(signal.SIGKILL)
            process.wait(60)
            return
    raise AssertionError("it ended before it could be killed")


@pytest.mark.slow
def test_a_killed_training_that_waits_ends_with_the_same_bytes(tmp_path: Path) -> None:
    """SIGKILL twice, once soon after a refresh: weights, log and plot are those of one never killed."""
    calm = start("waits", 18, tmp_path / "calm").communicate(timeout=PATIENCE)[0].splitlines()
    for last in (5, 12):
        kill_after(start("waits", 18, tmp_path / "killed"), lambda step, last=last: step >= last)
    killed = start("waits", 18, tmp_path / "killed").communicate(timeout=PATIENCE)[0].splitlines()
    assert int(killed[0]) >= 11
    whole, resumed = (files(Path(lines[-1])) for lines in (calm, killed))
    assert set(whole) == {name for name in resumed if not name.endswith(".tmp")}
    assert all(whole[name] == resumed[name] for name in whole if name != "training.json")
    curves = [json.loads(one["training.json"])["curves"] for one in (whole, resumed)]
    assert curves[0] == curves[1]


@pytest.mark.slow
def test_a_killed_trainer_takes_nothing_with_it_but_the_refresh_under_way(tmp_path: Path) -> None:
    """SIGKILL after a refresh: its inferencer ends by itself, and the training goes on with what had been found."""
    steps = 4_000

    def folder() -> Path:
        (found,) = (tmp_path / "trained").glob("ance.killed*")
        return found / "scratch" / "refreshes"

    first = start("goes on", steps, tmp_path)
    kill_after(first, lambda step: step > 5 and Refreshes(folder()).newest(step) > 0)
    with FileLock(folder() / "inferencer.lock", timeout=PATIENCE):
        finished = Refreshes(folder()).newest(steps)
    assert finished > 0
    log = folder().parents[1] / "log.jsonl"
    told = len(log.read_text().splitlines())
    second = start("goes on", steps, tmp_path)
    kill_after(second, lambda step: step > told + 5)
    with FileLock(folder() / "inferencer.lock", timeout=PATIENCE):
        entries = [json.loads(line) for line in log.read_text().splitlines()]
    assert [entry["step"] for entry in entries] == list(range(1, len(entries) + 1))
    assert entries[-1]["negatives_of"] >= min(finished, told - told % 5)
    for entry in entries:
        assert entry["staleness"] == entry["step"] - 1 - entry["negatives_of"] >= 0
