"""A run that was made elsewhere, as a searcher that answers what is in it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.interfaces import Query, Ranking, Run

BASELINE = "imported"
"""What the spec of an imported run begins with; it is no baseline, and nothing resolves it."""


class ImportedRun:
    """Answers from `run`; a query that is not in it finds nothing, and scores 0.

    `said` are the words of whoever brought it: JSON values, which stand in the protocol.
    """

    def __init__(self, run: Run, content: bytes, said: Mapping[str, Any]) -> None:
        self._run, self._said = run, said
        self._hash = hashlib.sha256(content).hexdigest()

    @property
    def protocol(self) -> Mapping[str, Any]:
        """What the file is, and what was said of it."""
        return {
            "kind": "imported run",
            "file_sha256": self._hash,
            **({"said": dict(self._said)} if self._said else {}),
        }

    def search(self, queries: Sequence[Query], depth: int) -> list[Ranking]:
        """What the run has for each query, cut at `depth`."""
        nothing = Ranking([], np.zeros(0, dtype=np.float32))
        found = (self._run.get(query.id, nothing) for query in queries)
        return [Ranking(one.ids[:depth], one.scores[:depth]) for one in found]
