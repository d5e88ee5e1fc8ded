"""What a person sees while the bench works: a bar on a terminal, plain lines elsewhere, or nothing."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import TypeVar

T = TypeVar("T")
_LINE_EVERY = 15.0


class Progress:
    """Tells about cells, one after the other, with an estimate over the whole grid."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self._terminal = sys.stderr.isatty()
        self._started = time.monotonic()
        self._cells = 0
        self._done = 0

    def grid(self, cells: int) -> None:
        """Say how many cells there will be."""
        self._cells, self._done, self._started = cells, 0, time.monotonic()

    def cell(self, label: str) -> None:
        """A cell begins."""
        self._done += 1
        self.say(f"[{self._done}/{self._cells}] {label}{self._left()}")

    def say(self, line: str) -> None:
        """One line for the reader."""
        if not self.quiet:
            print(line, file=sys.stderr, flush=True)

    def documents(self, stream: Iterator[T], total: int) -> Iterator[T]:
        """Pass documents on, and show how far it got."""
        return self.counted(stream, total, "documents")

    def counted(self, stream: Iterator[T], total: int, unit: str) -> Iterator[T]:
        """Pass so many of something on, and show how far it got."""
        if self.quiet:
            return stream
        return self._bar(stream, total, unit) if self._terminal else self._lines(stream, total, unit)

    def _bar(self, stream: Iterator[T], total: int, unit: str) -> Iterator[T]:
        from tqdm import tqdm

        yield from tqdm(stream, total=total, unit=f" {unit}", leave=False, file=sys.stderr)

    def _lines(self, stream: Iterator[T], total: int, unit: str) -> Iterator[T]:
        start = last = time.monotonic()
        for done, item in enumerate(stream):
            now = time.monotonic()
            if now - last > _LINE_EVERY:
                last = now
                left = (now - start) / max(1, done) * (total - done)
                self.say(f"    {done:,} of {total:,} {unit}, about {duration(left)} left")
            yield item

    def _left(self) -> str:
        done = self._done - 1
        if not done or done >= self._cells:
            return ""
        spent = time.monotonic() - self._started
        return f"  (about {duration(spent / done * (self._cells - done))} left at the pace so far)"


def gibibytes(size: float) -> str:
    """Bytes in GiB, with a digit more where there are few."""
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**30:.2f} GiB"


def duration(seconds: float) -> str:
    """Seconds in the unit a person would use."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
