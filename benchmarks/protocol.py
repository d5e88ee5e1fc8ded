"""The protocol of a cell: everything that can move a number, as one value with a fingerprint.

A protocol has three sections:

    collection   contents (hashes), language, self-match rule
    retrieval    what the variant declares: model, template, lengths, pooling, index, ...
    evaluation   depth, measures, their providers and versions

Cells of one column of a report have equal `collection` and `evaluation` sections, or a
footnote that says in what they differ; `retrieval` is what a column compares.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.errors import EvaluationError

Section = Mapping[str, Any]
CANDIDATES = "candidates"
"""The `kind` of a ranking that came with its collection."""


def fingerprint(value: Any) -> str:
    """Sixteen hexadecimal digits that name a JSON value: equal values, equal names."""
    try:
        canonical = json.dumps(
            value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
        )
    except (TypeError, ValueError) as error:
        raise EvaluationError(f"a protocol holds JSON values only: {error}") from None
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Protocol:
    """What was done, exactly. The three sections hold JSON values only."""

    collection: Section
    retrieval: Section
    evaluation: Section

    @property
    def fingerprint(self) -> str:
        """The name of the cell's cache."""
        return fingerprint(self.to_json())

    def to_json(self) -> dict[str, Section]:
        """The sections by name."""
        return {
            "collection": dict(self.collection),
            "retrieval": dict(self.retrieval),
            "evaluation": dict(self.evaluation),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Section]) -> Protocol:
        """The inverse of `to_json`."""
        return cls(value["collection"], value["retrieval"], value["evaluation"])


def changes(left: Section, right: Section) -> list[tuple[str, Any, Any]]:
    """The fields in which two sections differ: dotted name and both values, None for what one lacks; sorted."""
    a, b = dict(_flat(left)), dict(_flat(right))
    return [
        (name, a.get(name), b.get(name)) for name in sorted(a.keys() | b.keys()) if a.get(name) != b.get(name)
    ]


def differences(left: Section, right: Section) -> list[str]:
    """The dotted names of the fields in which two sections differ, sorted."""
    return [name for name, *_ in changes(left, right)]


def from_candidates(section: Section) -> bool:
    """Whether a retrieval starts from a ranking that came with its collection."""
    parts = [part for value in section.values() for part in (value if isinstance(value, list) else [value])]
    return section.get("kind") == CANDIDATES or any(
        from_candidates(part) for part in parts if isinstance(part, Mapping)
    )


def _flat(section: Section, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in section.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
