"""What a training holds in memory, told before it begins, and refused where there is no room.

Weights, gradients and Adam's two moments take 16 bytes a parameter that learns (4 one that does not). What a layer
keeps for its gradients is 34 bytes a token and dimension in 16 bits, and 5 a token, head and position for attention
that keeps its scores (Korthikanti et al. 2022, Reducing Activation Recomputation in Large Transformer Models,
section 4.1); in 32 bits twice that. On a CPU the heap keeps, besides, blocks of the sizes of earlier batches.
"""

from __future__ import annotations

from typing import Any

import torch

from baselines.training.objective import Footprint
from benchmarks.errors import TooLarge
from benchmarks.progress import Progress, gibibytes

_LIBRARIES = 300 * 2**20
"""What libraries and their buffers take besides, generously."""
_KEPT, _KEPT_AT_MOST = 2, 2 * 2**30
"""Of what a step takes, how much more glibc's heap holds on to: batches differ in shape, and freed blocks seldom fit the
next. Found in the lab's trainings, up to 2.1 times what was foreseen; blocks over 32 MiB are never kept."""


def check_memory(
    model: torch.nn.Module, footprint: Footprint, device: torch.device, progress: Progress
) -> int:
    """Say what a training will take, in bytes, and raise `TooLarge` where the device has less."""
    needed, free = estimate(model, footprint, device), available(device)
    progress.say(f"    memory: at most {gibibytes(needed)}; {gibibytes(free)} free")
    if needed > free:
        raise TooLarge(
            f"training needs about {gibibytes(needed)} of memory and {gibibytes(free)} are free; "
            "take a smaller batch in its recipe, or a larger machine"
        )
    return needed


def estimate(model: torch.nn.Module, footprint: Footprint, device: torch.device) -> int:
    """Bytes at the peak, rather too many than too few."""
    learnt = sum(p.numel() for p in model.parameters() if p.requires_grad)
    fixed = sum(p.numel() for p in model.parameters()) - learnt + sum(b.numel() for b in model.buffers())
    step = activations(model, footprint) + footprint.extra_bytes
    kept = min(_KEPT * step, _KEPT_AT_MOST) if device.type == "cpu" else 0
    return 16 * learnt + 4 * fixed + step + kept + _LIBRARIES


def activations(model: torch.nn.Module, footprint: Footprint) -> int:
    """Bytes that the layers of the widest encoder keep for their gradients, in 32 bits."""
    configs = [module.config for module in model.modules() if hasattr(module, "config")]
    per_token = max((_per_token(config, footprint.longest) for config in configs), default=0)
    return per_token * footprint.tokens


def _per_token(config: Any, longest: int) -> int:
    # One layer more for the embeddings and the poolings.
    return int(config.num_hidden_layers + 1) * layer_bytes(config, longest)


def layer_bytes(config: Any, longest: int) -> int:
    """Bytes that one layer of a BERT keeps of a token of a text of `longest`, in 32 bits."""
    return int(2 * (34 * config.hidden_size + 5 * config.num_attention_heads * longest))


def available(device: torch.device) -> int:
    """Bytes that are free on a device."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return int(free)
    import psutil

    return int(psutil.virtual_memory().available)
