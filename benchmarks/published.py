"""The ledger of published numbers, and verdicts on what was measured beside them.

Each baseline's `published.toml` holds `[[number]]` entries; a number without a source does not
load. Verdicts are two-sided: an unexplained gain is a drift too.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.errors import RecordError
from benchmarks.evaluation.measures import mean
from benchmarks.records.record import Record
from benchmarks.registry import Baseline

REPRODUCED = "reproduced"
DRIFTED = "drifted"
OTHER_PROTOCOL = "other protocol"
UNVERIFIED = "unverified source"
NOT_RUN = "not run"


@dataclass(frozen=True)
class PublishedNumber:
    """What a paper or a project printed, with its table. `protocol` is what it presumes of ours."""

    variant: str
    collection: str
    measure: str
    value: float
    decimals: int
    where: str
    source: str
    verified: bool
    protocol: Mapping[str, str] = field(default_factory=dict)

    @property
    def printed(self) -> str:
        """The number at its printed precision."""
        return f"{self.value:.{self.decimals}f}"


@dataclass(frozen=True)
class Verdict:
    """What a measurement says of a published number."""

    word: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.word} ({self.detail})" if self.detail else self.word


Key = tuple[str, str, str]
"""Spec, collection, measure."""


def ledger(baseline: Baseline) -> dict[Key, PublishedNumber]:
    """The published numbers of a baseline. Raises `RecordError` for an entry that is not whole."""
    if baseline.published is None:
        return {}
    found: dict[Key, PublishedNumber] = {}
    for entry in tomllib.loads(baseline.published.read_text("utf-8")).get("number", []):
        number = _number(entry, baseline.published)
        if number.variant not in baseline.variants:
            raise RecordError(f"{baseline.published}: {baseline.key} has no variant {number.variant!r}")
        key = (f"{baseline.key}:{number.variant}", number.collection, number.measure)
        if key in found:
            raise RecordError(f"{baseline.published}: two numbers for {' '.join(key)}")
        found[key] = number
    return found


def _number(entry: dict[str, Any], path: Path) -> PublishedNumber:
    try:
        number = PublishedNumber(**entry)
    except TypeError as error:
        raise RecordError(f"{path}: {entry.get('collection')} {entry.get('measure')}: {error}") from None
    if not number.source.strip() or not number.where.strip():
        raise RecordError(f"{path}: {number.collection} {number.measure} names no source")
    return number


def verdict(number: PublishedNumber, record: Record | None) -> Verdict:
    """Compare what was measured with what was printed, at the printed precision.

    The published systems' scores per query are not known, so there is no paired interval to be
    inside of: equal when rounded, or not.
    """
    if record is None or number.measure not in record.scores:
        return Verdict(NOT_RUN)
    if not number.verified:
        return Verdict(UNVERIFIED)
    differing = [
        name
        for name, value in sorted(number.protocol.items())
        if record.protocol.collection.get(name) != value
    ]
    if differing or record.rung != "paper":
        return Verdict(OTHER_PROTOCOL, ", ".join(differing) or f"{record.rung} rung")
    measured = mean(record.scores[number.measure])
    half_a_digit = 0.5 * 10**-number.decimals
    if abs(measured - number.value) <= half_a_digit * (1 + 1e-9):
        return Verdict(REPRODUCED)
    return Verdict(DRIFTED, f"{measured - number.value:+.{number.decimals}f}")
