"""Everything that can go wrong for a reader's sake, one line each.

    BenchError
    ├── UsageError            a wrong word on the command line          (exit 2)
    │   └── UnknownName       no such baseline, variant, collection, suite
    ├── Unavailable           something this cell needs is not here     (exit 1)
    │   ├── MissingWeights    a checkpoint
    │   ├── MissingData       a collection, on disk or over the network
    │   └── TooLarge          disk or memory for an index, found out before it is built
    ├── MalformedInput        a collection's file, named with its line
    ├── DamagedCache          a cached file that is not what was written
    ├── DiskFull              no space, with the folder that has none
    ├── EvaluationError       scores that cannot be trusted
    └── RecordError           a record, run or report that does not verify

A message says what was wrong, where, and what to do. Only these errors are caught at the
door (`benchmarks.cli`); anything else is a defect and keeps its stack trace.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class BenchError(Exception):
    """Base of all errors meant for the reader."""

    exit_code = 1


class UsageError(BenchError):
    """A command that cannot be understood."""

    exit_code = 2


class UnknownName(UsageError):
    """A name nothing is registered under; suggests the nearest ones."""

    def __init__(self, kind: str, name: str, known: Iterable[str], hint: str = "") -> None:
        names = sorted(known)
        near = difflib.get_close_matches(name, names, n=3)
        others = f"known: {', '.join(names)}" if names else "there is none at all"
        advice = f"did you mean {' or '.join(near)}?" if near else hint or others
        super().__init__(f"no {kind} named {name!r}; {advice}")


class Unavailable(BenchError):
    """Something a cell needs is not on this machine and could not be fetched."""


class MissingWeights(Unavailable):
    """A checkpoint that is neither on disk nor reachable."""


class MissingData(Unavailable):
    """A collection whose files are neither on disk nor reachable."""


class TooLarge(Unavailable):
    """An index that this machine has no room for."""


class MalformedInput(BenchError):
    """A file of a collection that cannot be read as what it should be."""


class DamagedCache(BenchError):
    """A cached file whose bytes are not the ones that were written."""


class DiskFull(BenchError):
    """No space left where something had to be written."""


class EvaluationError(BenchError):
    """Scores that cannot be trusted: missing queries, not-a-number, unknown measures."""


class RecordError(BenchError):
    """A record, run or report that does not say what it should."""
