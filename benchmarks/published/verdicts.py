"""Verdicts on what was measured beside what was printed.

They are two-sided: an unexplained gain is a drift too.
"""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.evaluation.measures import mean
from benchmarks.published.number import PublishedNumber
from benchmarks.records.record import Record

REPRODUCED = "reproduced"
DRIFTED = "drifted"
OTHER_PROTOCOL = "other protocol"
UNVERIFIED = "unverified source"
NOT_RUN = "not run"


@dataclass(frozen=True)
class Verdict:
    """What a measurement says of a published number."""

    word: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.word} ({self.detail})" if self.detail else self.word


def verdict(number: PublishedNumber, record: Record | None) -> Verdict:
    """Compare what was measured with what was printed, at the printed precision.

    The published systems' scores per query are not known, so there is no paired interval to be
    inside of: equal when rounded, or not.
    """
    if number.key is None or record is None or (measure := number.key[2]) not in record.scores:
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
    measured = mean(record.scores[measure])
    half_a_digit = 0.5 * 10**-number.decimals
    if abs(measured - number.value) <= half_a_digit * (1 + 1e-9):
        return Verdict(REPRODUCED)
    return Verdict(DRIFTED, f"{measured - number.value:+.{number.decimals}f}")
