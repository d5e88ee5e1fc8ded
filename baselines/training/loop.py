"""The training loop, from top to bottom. Every paper's objective goes through it."""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from baselines.training import devices
from baselines.training.lamb import Lamb
from baselines.training.log import Log
from baselines.training.memory import check_memory
from baselines.training.objective import Objective
from baselines.training.recipe import Recipe
from baselines.training.state import State, restore, save
from benchmarks.efficiency.memory import PeakMemory
from benchmarks.errors import BenchError, UsageError
from benchmarks.progress import Progress

SAVED_EVERY = 60.0
"""Seconds between states: what a killed training loses at most."""


@dataclass(frozen=True)
class Spent:
    """What a training took. Seconds are those of steps, over all the runs it took."""

    seconds: float
    steps: int
    tokens: int
    parameters: int
    estimated_bytes: int
    peak_bytes: int
    device: str
    threads: int
    first_loss: float
    last_loss: float

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def train(objective: Objective, recipe: Recipe, seed: int, folder: Path, progress: Progress) -> Spent:
    """Train `objective` in `folder`, or go on where it was killed; ends with the checkpoint written.

    The weights are those of a training that was never killed, byte for byte on one machine's CPU. Raises
    `TooLarge` before the first step where memory cannot hold it, and `BenchError` where the loss is no number.
    """
    accelerator = devices.accelerator()
    model = objective.model.to(accelerator.device).train()
    estimated = check_memory(model, objective.footprint(), accelerator.device, progress)
    optimizer = optimizer_of(model, recipe)
    watched = getattr(objective, "watched", dict)
    state = restore(folder, model, optimizer) or State()
    if state.step:
        progress.say(f"    going on after step {state.step}")
    log = Log(folder, state.step, writes=accelerator.is_main_process)
    started, saved = time.perf_counter(), time.perf_counter()
    with PeakMemory() as peak:
        while (done := share_done(recipe, state)) < 1:
            # Dropout too depends on the step alone: what is resumed equals what never stopped.
            torch.manual_seed(step_seed(seed, state.step))
            for group in optimizer.param_groups:
                group["lr"] = recipe.learning_rate * rate_at(done, recipe)
            value, tokens, said = 0.0, 0, {}
            for part in range(recipe.accumulate):
                with accelerator.autocast():
                    loss = objective.loss(state.step * recipe.accumulate + part)
                torch.autograd.backward(loss.value / recipe.accumulate)
                value, tokens, said = value + loss.value.item(), tokens + loss.tokens, loss.said
            value = finite(devices.average(value / recipe.accumulate, accelerator), state)
            devices.average_gradients(model, accelerator)
            said = {**said, **watched()}
            norm = clipped(model, recipe.clip)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            state = state.after(devices.total(tokens, accelerator))
            rate = optimizer.param_groups[0]["lr"]
            log.add(state, value, rate, norm, said)
            log.tell(progress, share_done(recipe, state))
            if time.perf_counter() - saved > SAVED_EVERY and accelerator.is_main_process:
                state = state.timed(time.perf_counter() - started)
                save(folder, model, optimizer, state)
                started = saved = time.perf_counter()
    state = state.timed(time.perf_counter() - started)
    if accelerator.is_main_process:
        objective.save(folder / "checkpoint")
        log.plot()
    return Spent(
        round(state.seconds, 1), state.step, state.tokens, parameters(model), estimated, peak.peak_bytes,
        str(accelerator.device), torch.get_num_threads(), *log.ends(),
    )  # fmt: skip


def optimizer_of(model: torch.nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """AdamW, or what the recipe names as `optimizer`: LAMB. Raises `UsageError` for any other."""
    groups, named = decayed(model, recipe.weight_decay), recipe.objective.get("optimizer", "adamw")
    if named == "lamb":
        return Lamb(groups, recipe.learning_rate, recipe.betas, recipe.epsilon)
    if named != "adamw":
        raise UsageError(f"no optimizer {named!r} in the recipe; known: adamw, lamb")
    # Fused is the fastest of torch's three forms of the same arithmetic.
    return torch.optim.AdamW(groups, recipe.learning_rate, recipe.betas, recipe.epsilon, fused=True)


def share_done(recipe: Recipe, state: State) -> float:
    """How much of the budget is used, from 0 to 1."""
    if recipe.tokens:
        return state.tokens / recipe.tokens
    return state.step / recipe.steps if recipe.steps else 1.0


def rate_at(done: float, recipe: Recipe) -> float:
    """The share of the learning rate: linear up over the warm-up, then linear down to nothing (if it decays)."""
    if done < recipe.warmup:
        return done / recipe.warmup
    return max(0.0, (1 - done) / (1 - recipe.warmup)) if recipe.decay else 1.0


def finite(loss: float, state: State) -> float:
    """The loss. Raises `BenchError` for one that is no number: nothing would be learnt any more."""
    if math.isfinite(loss):
        return loss
    raise BenchError(
        f"the loss of step {state.step + 1} is {loss}; lower the recipe's learning_rate, or clip gradients"
    )


def step_seed(seed: int, step: int) -> int:
    """The seed of one step's dropout."""
    return seed * 1_000_003 + step


def decayed(model: torch.nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Parameters that learn, in two groups: biases and norms do not decay, as in BERT's training."""
    learnt = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return [
        {"params": [p for p in learnt if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in learnt if p.ndim < 2], "weight_decay": 0.0},
    ]


def clipped(model: torch.nn.Module, longest: float) -> float:
    """The norm of all gradients, which are scaled down to `longest` where that is not 0."""
    found = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    norm = torch.nn.utils.get_total_norm(found)
    if longest:
        torch.nn.utils.clip_grads_with_norm_(model.parameters(), longest, norm)
    return float(norm)


def parameters(model: torch.nn.Module) -> int:
    """How many numbers are learnt."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
