"""One device or several: Accelerate finds them, and gradients are averaged by hand.

Each process has its share of a batch. Vectors are gathered with their gradients, so that the negatives of one
device are those of all, and the loss is that of the whole batch on every device.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from os import environ
from typing import Any, TypeVar

import torch
import torch.distributed

T = TypeVar("T")


def accelerator() -> Any:
    """Accelerate's view of this process: its device, and bfloat16 where the device has it."""
    from accelerate import Accelerator

    bfloat16 = torch.cuda.is_available() and torch.cuda.is_bf16_supported()
    return Accelerator(mixed_precision="bf16" if bfloat16 else "no")


@contextmanager
def together(lock: AbstractContextManager[None]) -> Iterator[None]:
    """Hold `lock` in the first process for all: none begins before it is held, and none goes on before all are through."""
    if int(environ.get("WORLD_SIZE", "1")) == 1:
        with lock:
            yield
        return
    processes = accelerator()
    if processes.is_main_process:
        with lock:
            processes.wait_for_everyone()
            yield
            processes.wait_for_everyone()
    else:
        processes.wait_for_everyone()
        yield
        processes.wait_for_everyone()


def is_first() -> bool:
    """Whether this is the process that writes."""
    return _place()[0] == 0


def told_by_first(value: int) -> int:
    """What the first process has here, in all of them; none goes on before it is there."""
    if _place()[1] == 1:
        return value
    told = torch.tensor(value, device=accelerator().device)
    torch.distributed.broadcast(told, src=0)
    return int(told)


def share(batch: Sequence[T]) -> list[T]:
    """What of a batch is this process' own: one in as many as there are processes."""
    rank, world = _place()
    return list(batch[rank::world])


def gathered(vectors: torch.Tensor) -> torch.Tensor:
    """The vectors of all processes in the order of the batch, with their gradients."""
    _, world = _place()
    if world == 1:
        return vectors
    from torch.distributed.nn.functional import all_gather

    texts = _summed(torch.tensor(len(vectors), device=vectors.device))
    longest = -(-int(texts) // world)
    padding = vectors.new_zeros(longest - len(vectors), *vectors.shape[1:])
    shares: tuple[torch.Tensor, ...] = all_gather(torch.cat([vectors, padding]))  # type: ignore[no-untyped-call]
    return torch.stack(shares, dim=1).flatten(0, 1)[: int(texts)]


def mean_over_all(total: torch.Tensor, count: torch.Tensor) -> torch.Tensor:
    """This process' part of a mean over what all processes count: the average of the parts is the mean."""
    _, world = _place()
    return total * world / _summed(count)


def _summed(count: torch.Tensor) -> torch.Tensor:
    summed = count.detach().clone()
    if _place()[1] > 1:
        torch.distributed.all_reduce(summed)
    return summed


def average_gradients(model: torch.nn.Module, processes: Any) -> None:
    """Give every process the mean of all processes' gradients; alone, nothing is done."""
    if processes.num_processes == 1:
        return
    for parameter in model.parameters():
        if parameter.grad is not None:
            parameter.grad = processes.reduce(parameter.grad, reduction="mean")


def average(value: float, processes: Any) -> float:
    """A value averaged over all processes."""
    if processes.num_processes == 1:
        return value
    return float(processes.reduce(torch.tensor(value, device=processes.device), reduction="mean"))


def total(count: int, processes: Any) -> int:
    """A count summed over all processes."""
    if processes.num_processes == 1:
        return count
    return int(processes.reduce(torch.tensor(count, device=processes.device), reduction="sum"))


def _place() -> tuple[int, int]:
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return 0, 1
    return torch.distributed.get_rank(), torch.distributed.get_world_size()
