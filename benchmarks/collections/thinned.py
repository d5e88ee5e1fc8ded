"""`ID:SHARE%`: a collection with fewer distractors. All judged documents are there, and SHARE of 100 of the others.

Which others is a matter of their ids' hashes: what a smaller share holds, a larger one holds as well. Lin et al. 2021
(Figure 2) add random passages to a corpus in this way, to see whose lead lasts.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from benchmarks.collections.sources import Judgment, Report, Source, ignore
from benchmarks.errors import UsageError
from benchmarks.interfaces import Document, Query

_THINNED = re.compile(r"(?P<whole>.+):(?P<share>[^:%/]*)%")


def whole_of(id: str) -> tuple[str, int | None]:
    """The id of the whole collection, and the share of its distractors in per cent; none where `id` is whole itself.

    Raises `UsageError` for a share that is no whole number from 0 to 99.
    """
    found = _THINNED.fullmatch(id)
    if found is None or found["whole"] == "folder":
        return id, None
    share = found["share"]
    if not share.isdecimal() or int(share) > 99:
        raise UsageError(
            f"{id}: the share of the documents that are not judged is a whole number from 0 to 99; the collection as it "
            f"is is {found['whole']}"
        )
    return found["whole"], int(share)


class ThinnedSource:
    """`source` without most of the documents that no judgment names; `share` of 100 of them stay."""

    def __init__(self, source: Source, share: int) -> None:
        self._source, self._share = source, share

    @property
    def language(self) -> str:
        """That of the whole."""
        return self._source.language

    def stamp(self) -> Any:
        """That of the whole, and the share."""
        return ["thinned", self._share, self._source.stamp()]

    def documents(self, report: Report) -> Iterator[tuple[str, Document]]:
        """The documents that are left, in the order of the whole."""
        for where, document in self._source.documents(report):
            if document.id in self._judged or _place(document.id) < self._share:
                yield where, document

    def queries(self, report: Report) -> Iterator[tuple[str, Query]]:
        """Those of the whole."""
        return self._source.queries(report)

    def judgments(self, report: Report) -> Iterator[Judgment]:
        """Those of the whole."""
        return self._source.judgments(report)

    def answers(self) -> dict[str, tuple[str, ...]]:
        """Those of the whole."""
        return self._source.answers()

    @cached_property
    def _judged(self) -> frozenset[str]:
        return frozenset(judgment.document for judgment in self._source.judgments(ignore))


def _place(id: str) -> float:
    """Where a document falls between 0 and 100, by its id alone."""
    digest = hashlib.blake2b(id.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64 * 100
