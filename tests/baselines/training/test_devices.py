"""Several processes train as one does."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from baselines.training import devices
from tests.baselines.training.made import files
from tests.baselines.training.spread import OBJECTIVES

ROOT = Path(__file__).parents[3]


def test_alone_nothing_is_done() -> None:
    """The batch is this process' own, vectors are those of the batch, a mean is a mean."""
    vectors = torch.randn(3, 2)
    assert devices.share([1, 2, 3]) == [1, 2, 3]
    assert devices.gathered(vectors) is vectors
    assert devices.mean_over_all(torch.tensor(6.0), torch.tensor(4)) == 1.5
    assert devices.is_first()


def free_port() -> int:
    """One that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.mark.slow
def test_two_processes_give_the_gradients_of_one(tmp_path: Path) -> None:
    """To 1e-6, for a batch that two do not divide; so are the loss and the tokens, and both processes have them."""
    script = [sys.executable, "-m", "tests.baselines.training.spread", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "ACCELERATE_USE_CPU": "true"}
    assert subprocess.Popen(script, env=environment).wait(120) == 0
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "WORLD_SIZE": "2"}
    both = [
        subprocess.Popen(script, env={**environment, **place, "RANK": rank, "LOCAL_RANK": rank})
        for rank in "01"
    ]
    assert [process.wait(120) for process in both] == [0, 0]
    for name in OBJECTIVES:
        alone = load_file(tmp_path / f"{name}-1-0.safetensors")
        for rank in (0, 1):
            found = load_file(tmp_path / f"{name}-2-{rank}.safetensors")
            assert found.keys() == alone.keys()
            for key, value in alone.items():
                torch.testing.assert_close(
                    found[key],
                    value,
                    atol=1e-6,
                    rtol=1e-5,
                    msg=lambda why, key=key, name=name: f"{name}, {key}: {why}",
                )


LAUNCHED = """
from dataclasses import replace
from benchmarks.interfaces import Setting
from tests.baselines.training.made import QUIET, TINY, training
print(training(replace(TINY, batch=6, steps=3))(Setting(), QUIET))
"""


@pytest.mark.slow
def test_a_training_is_launched_in_two_processes(tmp_path: Path) -> None:
    """By torch's launcher: one folder, one log, one line a step; the second time it is found finished."""
    script = tmp_path / "launched.py"
    script.write_text(LAUNCHED)
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "ACCELERATE_USE_CPU": "true",
    }
    launch = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc_per_node",
        "2",
        str(script),
    ]
    done = subprocess.run(launch, env=environment, capture_output=True, text=True, check=True, timeout=240)
    first, second = done.stdout.split()
    assert first == second
    lines = [json.loads(line) for line in Path(first, "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 3]
    before = files(Path(first))
    assert "training.json" in before
    assert not [name for name in before if name.startswith("state")]
    again = subprocess.run(launch, env=environment, capture_output=True, text=True, check=True, timeout=240)
    assert again.stdout.split() == [first, first]
    assert files(Path(first)) == before
