"""LAMB (You et al. 2020, Large Batch Optimization for Deep Learning: Training BERT in 76 minutes, algorithm 2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, overload

import torch


class Lamb(torch.optim.Optimizer):
    """Adam whose step in each tensor is as long as `lr` times the tensor itself.

    The scale function of the algorithm, phi, is the identity. A tensor of zeros, or one that would not move, has no such
    ratio and takes the step as it is.
    """

    def __init__(
        self, params: Iterable[Any], lr: float, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-6
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": 0.0})

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], float]) -> float: ...
    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Move every parameter that has a gradient. A closure is asked for the loss first."""
        loss = None if closure is None else torch.enable_grad()(closure)()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    update = self._update(parameter, group)
                    parameter.sub_(update * (group["lr"] * _ratio(parameter, update)))
        return loss

    def _update(self, parameter: torch.Tensor, group: dict[str, Any]) -> torch.Tensor:
        """Adam's direction (lines 6 to 10), and the decay of the weights."""
        state = self.state[parameter]
        if not state:
            state["step"] = torch.zeros(())
            state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
        state["step"] += 1
        gradient, (first, second) = parameter.grad, group["betas"]
        assert gradient is not None
        mean = state["exp_avg"].lerp_(gradient, 1 - first)
        square = state["exp_avg_sq"].mul_(second).addcmul_(gradient, gradient, value=1 - second)
        count = state["step"].item()
        unbiased = (square / (1 - second**count)).sqrt_()
        direction: torch.Tensor = mean / (1 - first**count) / unbiased.add_(group["eps"])
        return direction.add_(parameter, alpha=group["weight_decay"])


def _ratio(parameter: torch.Tensor, update: torch.Tensor) -> torch.Tensor:
    length, moved = parameter.norm(), update.norm()
    return torch.where((length > 0) & (moved > 0), length / moved, torch.ones_like(length))
