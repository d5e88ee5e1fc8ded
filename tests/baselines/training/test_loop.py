"""The training loop: rates, decay, accumulation, clipping, what it writes, and what becomes of a killed training."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import torch

from baselines.training import loop, memory
from baselines.training.log import Log
from baselines.training.loop import clipped, decayed, rate_at, share_done, train
from baselines.training.objective import Footprint, Loss
from baselines.training.recipe import Recipe
from baselines.training.state import State, restore, save
from baselines.training.trained import facts
from benchmarks.errors import BenchError, DiskFull, TooLarge, UsageError
from benchmarks.interfaces import Setting
from benchmarks.storage.cache import Cache
from tests.baselines.training.made import QUIET, TINY, files, training


class Line:
    """Learns y = Wx + b from points that depend on the step; `parts` of a batch are steps of their own."""

    def __init__(self, seed: int = 0, size: int = 8) -> None:
        torch.manual_seed(seed)
        self.model: torch.nn.Module = torch.nn.Linear(3, 2)
        self.size = size
        self.seen: list[int] = []

    def points(self, step: int, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Point number n is the same in whatever batch it is."""
        rows = []
        for number in range(step * size, (step + 1) * size):
            rows.append(torch.randn(5, generator=torch.Generator().manual_seed(number)))
        both = torch.stack(rows)
        return both[:, :3], both[:, 3:]

    def loss(self, step: int) -> Loss:
        """The mean square."""
        self.seen.append(step)
        x, y = self.points(step, self.size)
        return Loss((self.model(x) - y).square().mean(), 10 * self.size, {"steps": float(step)})

    def footprint(self) -> Footprint:
        """Next to nothing."""
        return Footprint(1, 1)

    def save(self, folder: Path) -> None:
        """The weights as they are."""
        folder.mkdir(parents=True)
        (folder / "weights").write_text(str([p.tolist() for p in self.model.parameters()]))


PLAIN = Recipe(
    start="scratch:tiny", corpus="none", batch=8, steps=10, learning_rate=0.05, warmup=0.0, decay=False
)


@pytest.mark.parametrize(("steps", "warmup"), [(10, 0.2), (50, 0.1), (7, 0.0), (200, 0.5)])
def test_the_rate_is_transformers_linear_schedule(steps: int, warmup: float) -> None:
    """Up over the warm-up, down to nothing, at every step."""
    from transformers import get_linear_schedule_with_warmup

    recipe = replace(PLAIN, steps=steps, warmup=warmup, decay=True)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule: Any = get_linear_schedule_with_warmup(optimizer, round(steps * warmup), steps)
    for step in range(steps):
        assert rate_at(share_done(recipe, State(step)), recipe) == pytest.approx(
            optimizer.param_groups[0]["lr"]
        )
        optimizer.step()
        schedule.step()
    assert rate_at(1.0, recipe) == 0


def test_without_decay_the_rate_stays() -> None:
    """After the warm-up."""
    recipe = replace(PLAIN, steps=10, warmup=0.5)
    assert [rate_at(step / 10, recipe) for step in (0, 1, 5, 9)] == [0, 0.2, 1, 1]


def test_a_budget_is_of_tokens_or_of_steps(tmp_path: Path) -> None:
    """It ends with the step that uses it up; without a budget nothing is learnt; both are none."""
    by_tokens = train(Line(), replace(PLAIN, steps=0, tokens=250), 0, tmp_path / "tokens", QUIET)
    assert (by_tokens.steps, by_tokens.tokens) == (4, 320)
    assert train(Line(), replace(PLAIN, steps=3), 0, tmp_path / "steps", QUIET).steps == 3
    start = [p.tolist() for p in Line().model.parameters()]
    assert train(Line(), replace(PLAIN, steps=0), 0, tmp_path / "none", QUIET).steps == 0
    assert (tmp_path / "none" / "checkpoint" / "weights").read_text() == str(start)
    with pytest.raises(UsageError, match="a budget of `tokens` or of `steps`"):
        replace(PLAIN, tokens=1)


def test_a_step_is_adamw(tmp_path: Path) -> None:
    """torch's plain AdamW over the same batches: matrices decay, biases do not."""
    recipe = replace(
        PLAIN, weight_decay=0.3, steps=6, betas=(0.8, 0.95), epsilon=1e-6, warmup=0.5, decay=True
    )
    mine, other = Line(), Line()
    train(mine, recipe, 0, tmp_path, QUIET)
    groups = [
        {"params": [other.model.weight], "weight_decay": 0.3}, {"params": [other.model.bias], "weight_decay": 0.0},
    ]  # fmt: skip
    optimizer = torch.optim.AdamW(groups, lr=1.0, betas=(0.8, 0.95), eps=1e-6, foreach=False, fused=False)
    for step in range(6):
        for group in optimizer.param_groups:
            group["lr"] = 0.05 * min(step / 3, (6 - step) / 3)
        other.loss(step).value.backward()
        optimizer.step()
        optimizer.zero_grad()
    for one, two in zip(mine.model.parameters(), other.model.parameters(), strict=True):
        torch.testing.assert_close(one, two, atol=1e-6, rtol=1e-5)


def test_what_does_not_learn_is_in_no_group() -> None:
    """Frozen parameters are left alone; norms and biases do not decay."""
    model = torch.nn.Sequential(
        torch.nn.Linear(3, 3), torch.nn.LayerNorm(3), torch.nn.Linear(3, 3, bias=False)
    )
    model[2].requires_grad_(False)
    matrices, vectors = decayed(model, 0.1)
    assert [tuple(p.shape) for p in matrices["params"]] == [(3, 3)]
    assert [tuple(p.shape) for p in vectors["params"]] == [(3,)] * 3
    assert (matrices["weight_decay"], vectors["weight_decay"]) == (0.1, 0.0)


def test_accumulated_parts_are_one_batch(tmp_path: Path) -> None:
    """Two times n is one batch of 2n where the loss is a mean; parts are counted on from step to step."""
    halves, whole = Line(size=4), Line(size=8)
    spent = train(halves, replace(PLAIN, accumulate=2), 0, tmp_path / "halves", QUIET)
    other = train(whole, PLAIN, 0, tmp_path / "whole", QUIET)
    assert halves.seen == list(range(20))
    assert (spent.steps, spent.tokens) == (other.steps, other.tokens)
    for one, two in zip(halves.model.parameters(), whole.model.parameters(), strict=True):
        torch.testing.assert_close(one, two, atol=1e-6, rtol=1e-5)
    first, second = (
        json.loads((tmp_path / n / "log.jsonl").read_text().splitlines()[3]) for n in ("halves", "whole")
    )
    assert first["loss"] == pytest.approx(second["loss"], abs=2e-5)
    assert first["gradient_norm"] == pytest.approx(second["gradient_norm"], abs=2e-5)


def test_gradients_are_scaled_down_to_the_longest() -> None:
    """As torch clips; a shorter one, or a bound of 0, leaves them."""
    for longest, expected in ((0.0, 5.0), (10.0, 5.0), (1.0, 1.0)):
        model = torch.nn.Linear(2, 1, bias=False)
        model.weight.grad = torch.tensor([[3.0, 4.0]])
        assert clipped(model, longest) == pytest.approx(5.0)
        assert float(model.weight.grad.norm()) == pytest.approx(expected, abs=1e-5)


def test_every_step_is_logged_and_the_loss_is_drawn(tmp_path: Path) -> None:
    """A line of JSON a step; an SVG; what it took, with the losses averaged over twenty steps at most."""
    spent = train(Line(), replace(PLAIN, steps=60), 0, tmp_path, QUIET)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(1, 61))
    assert [line["tokens"] for line in lines] == list(range(80, 4_801, 80))
    assert {line["learning_rate"] for line in lines} == {0.05}
    assert [line["steps"] for line in lines] == list(range(60))
    losses = [line["loss"] for line in lines]
    assert spent.first_loss == pytest.approx(sum(losses[:20]) / 20, abs=1e-5)
    assert spent.last_loss == pytest.approx(sum(losses[-20:]) / 20, abs=1e-5)
    assert spent.last_loss < spent.first_loss
    assert ElementTree.parse(tmp_path / "loss.svg").getroot().tag.endswith("svg")
    told = spent.to_json()
    assert (told["steps"], told["tokens"], told["parameters"], told["device"]) == (60, 4_800, 8, "cpu")
    assert told["seconds"] >= 0
    assert 0 <= told["peak_bytes"] <= told["estimated_bytes"]


def test_what_memory_cannot_hold_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the first step, with what it needs, what is free, and what to do."""
    monkeypatch.setattr(memory, "available", lambda _: 2**20)
    line = Line()
    with pytest.raises(
        TooLarge, match=r"training needs about .* of memory and .* are free; take a smaller batch"
    ):
        train(line, PLAIN, 0, tmp_path, QUIET)
    assert not line.seen


def test_a_loss_that_is_no_number_ends_the_training(tmp_path: Path) -> None:
    """At its step, before it reaches the weights that are saved; the learning rate is named."""
    line = Line()
    good = line.loss

    def bad(step: int) -> Loss:
        found = good(step)
        return replace(found, value=found.value * float("nan")) if step == 3 else found

    line.loss = bad  # type: ignore[method-assign]
    with pytest.raises(BenchError, match=r"the loss of step 4 is nan.*learning_rate"):
        train(line, PLAIN, 0, tmp_path, QUIET)
    assert not (tmp_path / "checkpoint").exists()


def test_a_state_is_what_was_saved(tmp_path: Path) -> None:
    """Model, buffers, tied weights and moments come back bit for bit; where there is none, nothing is done."""

    class Tied(torch.nn.Module):
        """Two names for one matrix, and a buffer that counts."""

        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = torch.nn.Linear(3, 3), torch.nn.Linear(3, 3)
            self.second.weight = self.first.weight
            self.register_buffer("queue", torch.zeros(4, dtype=torch.long))

    def made(seed: int) -> tuple[Tied, torch.optim.AdamW]:
        torch.manual_seed(seed)
        model = Tied()
        return model, torch.optim.AdamW(decayed(model, 0.1), 0.1, fused=True)

    model, optimizer = made(0)
    for _ in range(3):
        model.second(model.first(torch.randn(2, 3))).sum().backward()
        optimizer.step()
        model.queue += 2
    save(tmp_path, model, optimizer, State(3, 40, 1.5))
    other, fresh = made(1)
    assert restore(tmp_path / "elsewhere", other, fresh) is None
    assert restore(tmp_path, other, fresh) == State(3, 40, 1.5)
    assert other.first.weight is other.second.weight
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, other.state_dict()[name]), name
    for one, two in zip(optimizer.state.values(), fresh.state.values(), strict=True):
        assert one.keys() == two.keys()
        assert all(torch.equal(one[name], two[name]) for name in one)


def test_a_log_forgets_what_will_come_again(tmp_path: Path) -> None:
    """Lines after the state that is gone on from, and half a line, are taken back."""
    log = Log(tmp_path, 0)
    for step in range(1, 6):
        log.add(State(step, step), 1.0, 0.1, 1.0, {})
    log.ends()
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write('{"step": 6, "tok')
    Log(tmp_path, 3)
    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 2, 3]


def test_one_seed_is_one_checkpoint(cache: Cache, tmp_path: Path) -> None:
    """Dropout on: equal seeds give equal bytes, another seed gives others."""
    one = training(replace(TINY, steps=3))
    first = one(Setting(), QUIET)
    second = Cache(tmp_path / "again")
    again = one.folder(0, one.made_of(0, second), second)
    os.environ["RETRIEVER_BENCH_CACHE"] = str(second.root)
    assert one(Setting(), QUIET) == again != first
    other = one(Setting(seed=1), QUIET)
    weights = [files(folder / "checkpoint") for folder in (first, again, other)]
    assert weights[0] == weights[1]
    assert weights[0]["model.safetensors"] != weights[2]["model.safetensors"]


KILLED = """
import sys
from dataclasses import replace
from benchmarks.interfaces import Setting
from baselines.training import loop
from baselines.pretraining_tasks import _objective
from baselines.training.trained import Training
from tests.baselines.training.made import QUIET, TINY, TWO_TOWERS

loop.SAVED_EVERY = 0.0
after = loop.State.after
def told(self, tokens):
    print(self.step, flush=True)
    return after(self, tokens)
loop.State.after = told
recipe = replace(TINY, steps=40, objective=TWO_TOWERS)
print(Training("pretraining_tasks:killed", recipe, _objective)(Setting(), QUIET))
"""


@pytest.mark.slow
def test_a_killed_training_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    """SIGKILL in the middle, twice: the checkpoint, the log and the plot are those of one never killed."""
    root = Path(__file__).parents[3]

    def start(name: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "RETRIEVER_BENCH_CACHE": str(tmp_path / name), "PYTHONPATH": str(root)}
        return subprocess.Popen(
            [sys.executable, "-c", KILLED], env=environment, stdout=subprocess.PIPE, text=True
        )

    def until(process: subprocess.Popen[str], step: int) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip().isdigit() and int(line) >= step:
                return
        raise AssertionError("it ended before it could be killed")

    calm = start("calm").communicate(timeout=120)[0].splitlines()
    for step in (9, 30):
        process = start("killed")
        until(process, step)
        time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait(60)
        (folder,) = (tmp_path / "killed" / "trained").glob("pretraining_tasks.killed*")
        assert facts(folder) is None
        assert (folder / "state.safetensors").exists()
    killed = start("killed").communicate(timeout=120)[0].splitlines()
    first_steps = [int(lines[0]) for lines in (calm, killed)]
    assert first_steps[0] == 0
    assert first_steps[1] >= 29
    whole, resumed = (files(Path(lines[-1])) for lines in (calm, killed))
    assert {n for n in whole if not n.endswith(".tmp")} == {n for n in resumed if not n.endswith(".tmp")}
    assert "state.safetensors" not in resumed
    for name in whole:
        if name != "training.json":
            assert whole[name] == resumed[name], name
    told = [json.loads(one["training.json"]) for one in (whole, resumed)]
    assert told[0]["made_of"] == told[1]["made_of"]
    assert {n: told[0]["spent"][n] for n in ("steps", "tokens", "last_loss")} == {
        n: told[1]["spent"][n] for n in ("steps", "tokens", "last_loss")
    }


def test_a_full_disk_is_said_in_one_line(
    small_disk: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Naming the folder that has no space; what was there is not damaged."""
    one = training(replace(TINY, steps=2))
    one(Setting(), QUIET)
    monkeypatch.setattr(loop, "SAVED_EVERY", 0.0)
    source = cache.root / "trained"
    target = small_disk / "cache" / "trained"
    target.mkdir(parents=True)
    for path in source.glob("wordpiece-*"):
        (target / path.name).write_bytes(path.read_bytes())
    monkeypatch.setenv("RETRIEVER_BENCH_CACHE", str(small_disk / "cache"))
    with pytest.raises(DiskFull, match=r"no space left in .*; free some, and the same command goes on"):
        one(Setting(), QUIET)
