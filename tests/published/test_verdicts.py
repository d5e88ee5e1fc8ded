"""Verdicts: equal at the printed precision, or not, and never without saying why."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from benchmarks.published.number import PublishedNumber
from benchmarks.published.verdicts import (
    DRIFTED,
    NOT_RUN,
    OTHER_PROTOCOL,
    REPRODUCED,
    UNVERIFIED,
    verdict,
)
from benchmarks.records.record import Record
from benchmarks.runner import Bench, run_cell
from benchmarks.spec import parse


def number(**changes: Any) -> PublishedNumber:
    """A verified number of a paper-rung cell."""
    whole = PublishedNumber("BM25", "c", "nDCG@10", 0.5, 3, "T1", "s", True, spec="bm25:flat")
    return replace(whole, **changes)


@pytest.fixture
def record(bench: Bench) -> Record:
    """A record whose mean nDCG@10 is 0.5 exactly, on the paper rung."""
    made = run_cell(parse("bm25"), "synthetic/tiny", bench)
    return replace(made, rung="paper", scores={"nDCG@10": {"a": 0.25, "b": 0.75}})


@pytest.mark.parametrize(
    ("value", "decimals", "word"),
    [
        (0.5, 3, REPRODUCED),
        (0.5004, 3, REPRODUCED),
        (0.501, 3, DRIFTED),
        (0.499, 3, DRIFTED),
        (0.4, 3, DRIFTED),
        (0.5, 5, REPRODUCED),
        (0.50001, 5, DRIFTED),
    ],
)
def test_verdicts_go_by_the_printed_precision(value: float, decimals: int, word: str, record: Record) -> None:
    """Equal when rounded, or drifted, in both directions; a gain that nobody explains is a drift."""
    assert verdict(number(value=value, decimals=decimals), record).word == word
    assert verdict(number(value=value, decimals=decimals, kind="reproduction"), record).word == word


def test_other_verdicts(record: Record) -> None:
    """Not run, unverified, another protocol: said, and never counted as reproduced."""
    assert verdict(number(), None).word == NOT_RUN
    assert verdict(number(measure="R@100"), record).word == NOT_RUN
    assert verdict(number(spec=""), record).word == NOT_RUN
    assert verdict(number(verified=False), record).word == UNVERIFIED
    assert str(verdict(number(protocol={"self_match": "dropped"}), record)) == "other protocol (self_match)"
    assert verdict(number(), replace(record, rung="lab")).word == OTHER_PROTOCOL
    assert str(verdict(number(), replace(record, rung="synthetic"))) == "other protocol (synthetic rung)"
    assert str(verdict(number(value=0.52), record)) == "drifted (-0.020)"
