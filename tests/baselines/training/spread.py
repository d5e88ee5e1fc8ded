"""One step of each objective, alone or as one of several processes: `python -m ... FOLDER`; writes the gradients there."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file

from baselines import colbert, tct_colbert
from baselines.pretraining_tasks.pretraining import TwoTowerPretraining
from baselines.training import devices
from baselines.training.finetuning import FineTuning
from baselines.training.mlm import MaskedLM
from baselines.training.objective import Objective
from baselines.training.twotowers import TwoTowers
from benchmarks.storage.cache import Cache
from tests.baselines.training.made import TINY, TWO_TOWERS, materials

OBJECTIVES = ("mlm", "towers", "tuning", "triples", "tightly coupled")
BATCH = 7
"""Odd, so that two processes have shares of different sizes."""


def objective(name: str, cache: Cache) -> Objective:
    """One of the objectives that several processes share, without dropout."""
    recipe = replace(TINY, batch=BATCH)
    if name == "mlm":
        return MaskedLM(materials(recipe, cache, mask=0.15))
    if name == "towers":
        return TwoTowerPretraining(materials(recipe, cache, **TWO_TOWERS))
    tuned = replace(recipe, corpus="synthetic/60/train", vocabulary="synthetic/60")
    mined = {"share": 100, "miner": "bm25:flat", "negatives": 10}
    if name == "triples":
        late = {"dimension": 8, "interaction": "MaxSim", "augmented": True}
        return colbert._objective(materials(tuned, cache, **mined, **late))
    if name == "tightly coupled":
        taught = {"teacher": "scratch:tiny", "teacher_temperature": 0.25}
        return tct_colbert._objective(materials(tuned, cache, **mined, **taught))
    given = materials(tuned, cache, **TWO_TOWERS, share=100)
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
