"""How much memory a block of work needed at its peak, memory-mapped files aside."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from types import TracebackType

import psutil

_STATUS = Path("/proc/self/status")
_ANONYMOUS = re.compile(rb"RssAnon:\s+(\d+) kB")
_INTERVAL = 0.02


def anonymous_bytes() -> int:
    """Resident bytes of this process that no file backs; all resident bytes where that is not told."""
    if _STATUS.exists() and (found := _ANONYMOUS.search(_STATUS.read_bytes())):
        return int(found[1]) * 1024
    return int(psutil.Process().memory_info().rss)


class PeakMemory:
    """Samples memory every 20 ms while the block runs; `peak_bytes` is the rise above its start."""

    def __init__(self) -> None:
        self.peak_bytes = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> PeakMemory:
        self._start = anonymous_bytes()
        self._thread.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()
        self._sample()

    def _watch(self) -> None:
        while not self._done.wait(_INTERVAL):
            self._sample()

    def _sample(self) -> None:
        self.peak_bytes = max(self.peak_bytes, anonymous_bytes() - self._start)
