"""Where the time of a search goes: `encode`, `search`, `fetch`, and what compositions add.

Retrievers mark their stages with `stage("encode")`; whoever measures collects them. A stage
inside another counts for itself only, so that stages add up. Nothing is kept when nobody collects.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class _Collector:
    """Seconds by stage, and those that stages inside the current one have taken."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.inside = 0.0


_collecting: ContextVar[_Collector | None] = ContextVar("stages", default=None)


@contextmanager
def collected() -> Iterator[dict[str, float]]:
    """Collect seconds by stage while the block runs."""
    collector = _Collector()
    token = _collecting.set(collector)
    try:
        yield collector.seconds
    finally:
        _collecting.reset(token)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Add the block's seconds, less those of stages inside it, to the stage `name`."""
    collector = _collecting.get()
    if collector is None:
        yield
        return
    before, collector.inside = collector.inside, 0.0
    start = time.perf_counter()
    try:
        yield
    finally:
        elapsed = time.perf_counter() - start
        collector.seconds[name] = collector.seconds.get(name, 0.0) + elapsed - collector.inside
        collector.inside = before + elapsed
