"""The machine and the software a number was measured with. No host name, no path, no secret."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

_PACKAGES = (
    "bm25s", "faiss-cpu", "ir-datasets", "ir-measures", "nltk", "numpy", "pytrec-eval-terrier",
    "regex", "scikit-learn", "scipy", "tokenizers", "torch", "transformers",
)  # fmt: skip


def cores() -> int:
    """The processors this process may use: the number of threads everything is pinned to."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def describe() -> dict[str, Any]:
    """The environment section of a record."""
    return {
        "bench": version("retriever-bench"),
        "python": platform.python_version(),
        "machine": f"{_processor()}, {cores()} cores, {round(psutil.virtual_memory().total / 2**30)} GiB, {platform.system()}",
        "cores": cores(),
        "repeatable": not _on_gpu(),
        "date": datetime.now(UTC).date().isoformat(),
        "packages": {name: found for name in _PACKAGES if (found := _version(name))},
    }


def without_date(environment: Mapping[str, Any]) -> dict[str, Any]:
    """What may move a number: all but the day it was measured on."""
    return {name: value for name, value in environment.items() if name != "date"}


def _on_gpu() -> bool:
    """Whether sums may have run on a GPU, whose order of addition is not fixed."""
    torch = sys.modules.get("torch")
    return bool(torch and torch.cuda.is_available())


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _processor() -> str:
    table = Path("/proc/cpuinfo")
    if table.exists():
        for line in table.read_text("utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
