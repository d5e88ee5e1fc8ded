"""What a killed training needs to go on: model, optimiser and place, in one safetensors file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save as as_bytes

from benchmarks.storage.atomic import write_bytes

_FILE = "state.safetensors"


@dataclass(frozen=True)
class State:
    """How far a training is: steps taken, tokens read, seconds spent."""

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0

    def after(self, tokens: int) -> State:
        """One step later."""
        return replace(self, step=self.step + 1, tokens=self.tokens + tokens)

    def timed(self, seconds: float) -> State:
        """So many seconds later."""
        return replace(self, seconds=self.seconds + seconds)


def save(folder: Path, model: torch.nn.Module, optimizer: torch.optim.Optimizer, state: State) -> None:
    """Write it all, atomically: half a state does not exist."""
    tensors = {f"model.{name}": tensor for name, tensor in _distinct(model).items()}
    for number, moments in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{number}.{name}": value for name, value in moments.items()}
    metadata = {"place": json.dumps(asdict(state))}
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_bytes(folder / _FILE, as_bytes(contiguous, metadata))


def restore(folder: Path, model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> State | None:
    """Take model and optimiser to where they were saved; nothing where they never were."""
    if not (folder / _FILE).exists():
        return None
    opened: Any
    with safe_open(folder / _FILE, framework="pt") as opened:
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        place = json.loads(opened.metadata()["place"])
    model.load_state_dict(
        {name.removeprefix("model."): t for name, t in tensors.items() if name.startswith("model.")},
        strict=False,
    )
    moments: dict[int, dict[str, torch.Tensor]] = {}
    for name, tensor in tensors.items():
        kind, _, rest = name.partition(".")
        if kind == "optimizer":
            number, _, moment = rest.partition(".")
            moments.setdefault(int(number), {})[moment] = tensor
    optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})
    return State(**place)


def _distinct(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The tensors of a model, each once: weights that two modules share have two names, and are one tensor."""
    seen: set[tuple[int, int]] = set()
    found = {}
    for name, tensor in model.state_dict().items():
        key = (tensor.data_ptr(), tensor.numel())
        if tensor.numel() == 0 or key not in seen:
            found[name] = tensor
            seen.add(key)
    return found
