"""One device or several: Accelerate finds them, and gradients are averaged by hand.

Each process has its share of a batch. Vectors are gathered with their gradients, so that the negatives of one
device are those of all, and the loss is that of the whole batch on every device.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import torch
import torch.distributed

T = TypeVar("T")


def accelerator() -> Any:
    """Accelerate's view of this process: its device, and bfloat16 where the device has it."""
    from accelerate import Accelerator

    bfloat16 = torch.cuda.is_available() and torch.cuda.is_bf16_supported()
    return Accelerator(mixed_precision="bf16" if bfloat16 else "no")


def share(batch: Sequence[T]) -> list[T]:
    """What of a batch is this process' own: one in as many as there are processes."""
    rank, world = _place()
    return list(batch[rank::world])


def gathered(vectors: torch.Tensor) -> torch.Tensor:
    """The vectors of all processes in the order of the batch, with their gradients. Shares are of equal size."""
    _, world = _place()
    if world == 1:
        return vectors
    from torch.distributed.nn.functional import all_gather

    shares: tuple[torch.Tensor, ...] = all_gather(vectors)  # type: ignore[no-untyped-call]
    return torch.stack(shares, dim=1).flatten(0, 1)


def average_gradients(model: torch.nn.Module, processes: Any) -> None:
    """Give every process the mean of all processes' gradients; alone, nothing is done."""
    if processes.num_processes == 1:
        return
    for parameter in model.parameters():
        if parameter.grad is not None:
            parameter.grad = processes.reduce(parameter.grad, reduction="mean")


def total(count: int, processes: Any) -> int:
    """A count summed over all processes."""
    if processes.num_processes == 1:
        return count
    return int(processes.reduce(torch.tensor(count, device=processes.device), reduction="sum"))


def _place() -> tuple[int, int]:
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return 0, 1
    return torch.distributed.get_rank(), torch.distributed.get_world_size()
