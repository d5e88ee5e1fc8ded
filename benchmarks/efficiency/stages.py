"""Where the time of a search goes: `encode`, `search`, `fetch`, and what compositions add.

Retrievers mark their stages with `stage("encode")`; whoever measures collects them. Nothing is
kept when nobody collects.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_collecting: ContextVar[dict[str, float] | None] = ContextVar("stages", default=None)


@contextmanager
def collected() -> Iterator[dict[str, float]]:
    """Collect seconds by stage while the block runs."""
    seconds: dict[str, float] = {}
    token = _collecting.set(seconds)
    try:
        yield seconds
    finally:
        _collecting.reset(token)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Add the block's seconds to the stage `name`, if anybody collects."""
    seconds = _collecting.get()
    if seconds is None:
        yield
        return
    start = time.perf_counter()
    try:
        yield
    finally:
        seconds[name] = seconds.get(name, 0.0) + time.perf_counter() - start
