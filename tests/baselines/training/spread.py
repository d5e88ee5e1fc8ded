"""One step of each objective, alone or as one of several processes: `python -m ... FOLDER`; writes the gradients there."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file

from baselines.pretraining_tasks.pretraining import TwoTowerPretraining
from baselines.pretraining_tasks.towers import TwoTowers
from baselines.training import devices
from baselines.training.finetuning import FineTuning
from baselines.training.mlm import MaskedLM
from baselines.training.objective import Objective
from benchmarks.storage.cache import Cache
from tests.baselines.training.made import TINY, TWO_TOWERS, materials

OBJECTIVES = ("mlm", "towers", "tuning")
BATCH = 7
"""Odd, so that two processes have shares of different sizes."""


def objective(name: str, cache: Cache) -> Objective:
    """One of the floor's objectives, without dropout."""
    recipe = replace(TINY, batch=BATCH)
    if name == "mlm":
        return MaskedLM(materials(recipe, cache, mask=0.15))
    if name == "towers":
        return TwoTowerPretraining(materials(recipe, cache, **TWO_TOWERS))
    tuned = replace(recipe, corpus="synthetic/60/train", vocabulary="synthetic/60")
    given = materials(tuned, cache, **TWO_TOWERS, temperature=1.0, share=100)
    return FineTuning(TwoTowers(given.start, given.recipe), given)


def step(name: str, folder: Path) -> None:
    """As the loop does a step."""
    torch.manual_seed(0)
    made, processes = objective(name, Cache(folder / "cache")), devices.accelerator()
    made.model.eval()
    loss = made.loss(1)
    loss.value.backward()
    devices.average_gradients(made.model, processes)
    found = {n: p.grad.contiguous() for n, p in made.model.named_parameters() if p.grad is not None}
    found["loss"] = torch.tensor(devices.average(loss.value.item(), processes))
    found["tokens"] = torch.tensor(devices.total(loss.tokens, processes))
    save_file(found, folder / f"{name}-{processes.num_processes}-{processes.process_index}.safetensors")


if __name__ == "__main__":
    for one in OBJECTIVES:
        step(one, Path(sys.argv[1]))
