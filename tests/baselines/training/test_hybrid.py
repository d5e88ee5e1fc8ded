"""A hybrid's weight: found on the development split alone, kept, and said in the protocol."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from baselines.training.hybrid import TunedHybrid
from benchmarks.errors import MissingWeights
from benchmarks.interfaces import Setting
from benchmarks.registry import Baseline, baselines
from benchmarks.runner import Bench, run_cell
from benchmarks.spec import parse
from benchmarks.storage.cache import Cache
from tests.baselines.training.made import QUIET

HYBRID = TunedHybrid(
    "made:lab:hybrid", "sum(1*bm25:flat,{}*lsa:svd256,depth=100)", "synthetic/tiny/dev", (0.0, 0.5, 2.0, 8.0)
)


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hybrid is a variant."""
    made = Baseline("made", "", {"lab:hybrid": HYBRID.variant("a hybrid")})
    every = {**baselines(), "made": made}
    monkeypatch.setattr("benchmarks.registry.baselines", lambda: every)


def test_the_weight_is_the_best_of_separate_runs_on_dev(bench: Bench) -> None:
    """Each weight scores what its spec scores as a cell of its own; the record on test says all, and is the best's."""
    assert "has no weight yet" in HYBRID.missing()
    HYBRID(Setting(), QUIET)
    assert HYBRID.missing() == ""
    record = run_cell(parse("made:lab:hybrid"), "synthetic/tiny/test", bench)
    tuned: dict[str, Any] = record.protocol.retrieval["tuned"]
    alone = {
        f"{weight:g}": run_cell(parse(HYBRID.weighted(weight)), "synthetic/tiny/dev", bench).means["nDCG@10"]
        for weight in HYBRID.weights
    }
    assert tuned["scores"] == alone
    assert len(set(alone.values())) > 2
    assert alone[f"{tuned['weight']:g}"] == max(alone.values())
    assert (tuned["on"], tuned["measure"]) == ("synthetic/tiny/dev", "nDCG@10")
    best = run_cell(parse(HYBRID.weighted(tuned["weight"])), "synthetic/tiny/test", bench)
    assert record.scores == best.scores


def test_of_equal_weights_the_first_is_taken(cache: Cache) -> None:
    """Once, twice and four times the same scores rank alike."""
    even = replace(HYBRID, weights=(0.0, 1.0, 3.0), spec="sum(1*bm25:flat,{}*bm25:flat,depth=100)")
    folder = even(Setting(), QUIET)
    scores = json.loads((folder / "tuning.json").read_text())
    assert len(set(scores.values())) == 1
    assert even.build(Setting(collection="synthetic/tiny/test")).protocol["tuned"]["weight"] == 0.0


def test_before_it_is_found_there_is_one_line(cache: Cache) -> None:
    """Which command finds it, with which seed."""
    with pytest.raises(MissingWeights, match=r"train --variant made:lab:hybrid --seed 2`"):
        HYBRID.build(Setting(seed=2, collection="synthetic/tiny/test"))


def test_another_choice_of_weights_is_another_tuning(cache: Cache) -> None:
    """What it depends on names its folder."""
    first = HYBRID(Setting(), QUIET)
    assert HYBRID(Setting(), QUIET) == first
    assert replace(HYBRID, weights=(0.5, 2.0))(Setting(), QUIET) != first
    assert replace(HYBRID, measure="RR@10")(Setting(), QUIET) != first
