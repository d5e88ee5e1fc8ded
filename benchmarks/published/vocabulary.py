"""The words a published number may use: its measure, its unit, and what this project calls the measure.

A measure is a fraction, from -1 to 1 whatever a paper multiplies it with; or it bears a unit, and then
its name is free (latency, index size, time).
"""

from __future__ import annotations

import functools
import re

from benchmarks.errors import UsageError
from benchmarks.evaluation.measures import parse

KINDS = ("", "reproduction")
SIGNED = ("Spearman", "Pearson", "relative gain")
UNITS = ("ms", "s", "hours", "GiB", "FLOPs", "questions/s")
# What ir-measures does not name: sentence similarity, classification, reading, unjudged documents in
# the top 10 (ANCE, Table 6), and costs told as a ratio.
_FRACTIONS = re.compile(r"Spearman|Pearson|accuracy|EM|F1|Hole@\d+|relative gain|relative time")
_SUCCESS = re.compile(r"Success@(\d+)")


@functools.cache
def is_fraction(measure: str) -> bool:
    """Whether a measure is one that somebody defines as a fraction."""
    if _FRACTIONS.fullmatch(measure):
        return True
    try:
        parse(measure)
    except UsageError:
        return False
    return True


def measured_as(measure: str, dataset: str) -> str:
    """The name under which this project records a published measure.

    Success@k is what DPR calls top-k accuracy wherever answers take the place of judgments; average
    precision is cut at trec_eval's depth.
    """
    if (success := _SUCCESS.fullmatch(measure)) and dataset.startswith("dpr-w100/"):
        return f"AnswerRecall@{success[1]}"
    return "AP(rel=2)@1000" if measure == "AP(rel=2)" else measure
