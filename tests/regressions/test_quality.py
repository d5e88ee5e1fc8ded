"""What excuses a difference: another machine's rounding, and the noise of seeds; and what does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.interfaces import Ranking, Run
from benchmarks.protocol import Protocol
from benchmarks.records.record import Record
from benchmarks.regressions.quality import CHANGED, NOISE, ROUNDING, UNCHANGED, Change, Side, compared

JUDGED = {"q": {"b": 1.0}}


def record(mean: float, machine: str = "here", sha: str = "0" * 64, seed: int = 0) -> Record:
    """Of one query, whose score is the mean."""
    return Record(
        "x:y", "synthetic/tiny", "synthetic", Protocol({}, {}, {}), {}, {"nDCG@10": {"q": mean}}, {},
        {"machine": machine}, seed, sha,
    )  # fmt: skip


def run(**scores: float) -> Run:
    """Of one query."""
    return {"q": Ranking(list(scores), np.array(list(scores.values()), dtype=np.float32))}


def change(before: Side, after: Side, *seeds: Record) -> Change:
    """As the gate asks."""
    return compared(before, after, JUDGED, seeds)


def test_equal_runs_are_unchanged_wherever_they_were_made() -> None:
    """The environment moves nothing by itself."""
    runs = run(a=2.0, b=1.0)
    assert change(Side(record(0.5), runs), Side(record(0.5, "there"), runs)).word == UNCHANGED


def test_near_ties_may_change_places_on_another_machine_alone() -> None:
    """Here they are a change, and the run is named where no mean moved."""
    before = Side(record(0.5), run(a=1.0000001, b=1.0))
    after = run(b=1.0000001, a=1.0)
    assert change(before, Side(record(0.6, "there", "1" * 64), after)).word == ROUNDING
    here = change(before, Side(record(0.6, sha="1" * 64), after))
    assert here.word == CHANGED
    assert (here.moved[0].rank_before, here.moved[0].rank_after) == (2, 1)
    silent = change(before, Side(record(0.5, sha="1" * 64), after))
    assert (silent.word, silent.count) == (CHANGED, 0)


@given(st.floats(1e-3, 0.5))
def test_scores_that_differ_are_no_rounding(gap: float) -> None:
    """However the machine is called."""
    before, after = run(a=1.0 + gap, b=1.0), run(b=1.0 + gap, a=1.0)
    found = change(Side(record(0.5), before), Side(record(0.6, "there", "1" * 64), after))
    assert found.word == CHANGED


def test_another_last_document_of_the_same_score_is_rounding() -> None:
    """Which of two equals is cut off, sums decide."""
    before, after = run(a=2.0, b=1.0), run(a=2.0, c=1.0)
    assert change(Side(record(0.5), before), Side(record(0.4, "there", "1" * 64), after)).word == ROUNDING
    lost = run(a=2.0)
    assert change(Side(record(0.5), before), Side(record(0.4, "there", "1" * 64), lost)).word == CHANGED


@pytest.mark.parametrize(("mean", "word"), [(0.53, NOISE), (0.47, NOISE), (0.6, CHANGED), (0.4, CHANGED)])
def test_a_retrained_model_may_lie_where_another_seed_would(mean: float, word: str) -> None:
    """Within the prediction interval of three seeds, 0.5 +- 4.303 * 0.01 * sqrt(4 / 3) = 0.0497, on either side."""
    seeds = [record(value, seed=place) for place, value in enumerate((0.49, 0.5, 0.51))]
    before, after = run(a=2.0, b=1.0), run(b=2.0, a=1.0)
    found = change(Side(seeds[0], before), Side(record(mean, sha="1" * 64), after), *seeds)
    assert found.word == word
    two = change(Side(seeds[0], before), Side(record(mean, sha="1" * 64), after), *seeds[:2])
    assert two.word == CHANGED


def test_an_environment_is_named_where_nothing_else_tells() -> None:
    """The package and both versions."""
    before, after = run(a=2.0, b=1.0), run(b=2.5, a=1.5)
    old = replace(record(0.5), environment={"packages": {"torch": "1"}})
    new = replace(record(0.6, sha="1" * 64), environment={"packages": {"torch": "2"}})
    (why,) = change(Side(old, before), Side(new, after)).causes
    assert "packages.torch was 1, is 2" in why
