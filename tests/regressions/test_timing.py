"""Timings: a slower search is called, noise is not."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from benchmarks.interfaces import Query, Ranking, Setting
from benchmarks.progress import Progress
from benchmarks.records.store import Store
from benchmarks.regressions.gate import run_gate
from benchmarks.regressions.history import accept
from benchmarks.regressions.round import timed
from benchmarks.regressions.timing import Round, from_json, one_round, permutation_p_value, shifts, to_json


class Busy:
    """A search of fixed work, and a share more."""

    def __init__(self, share: float) -> None:
        rng = np.random.default_rng(0)
        self._rows = rng.standard_normal((int(8192 * (1 + share)), 128), dtype=np.float32)

    @property
    def protocol(self) -> dict[str, object]:
        """None."""
        return {}

    def search(self, queries: Sequence[Query], depth: int) -> list[Ranking]:
        """A product and a sort, whoever asks."""
        scores = self._rows @ self._rows[0]
        best = np.argsort(scores)[-depth:]
        return [Ranking([str(one) for one in best], scores[best])]


def rounds(share: float) -> list[Round]:
    """Five rounds of it in this process."""
    queries = [Query(str(n), "") for n in range(60)]
    return [Round(*timed(Busy(share), queries, 10), 0) for _ in range(5)]


def test_thirty_percent_are_seen_in_either_direction() -> None:
    """Slower and faster; the rounds of both sides interleaved in time."""
    plain, slow = [], []
    for _ in range(7):  # beside other work a round or two may fall out of line
        queries = [Query(str(n), "") for n in range(60)]
        plain.append(Round(*timed(Busy(0.0), queries, 10), 0))
        slow.append(Round(*timed(Busy(0.3), queries, 10), 0))
    (slower, _), (faster, _) = shifts(plain, slow), shifts(slow, plain)
    assert slower.called
    assert slower.ratio > 1.2
    assert faster.called
    assert faster.ratio < 1 / 1.2


@given(
    st.lists(st.floats(0.5, 2), min_size=3, max_size=5), st.lists(st.floats(0.5, 2), min_size=3, max_size=5)
)
def test_the_p_value_is_scipys(before: list[float], after: list[float]) -> None:
    """Of the difference of mean logarithms, over all assignments."""
    logs = [np.log(side) for side in (before, after)]
    exact = stats.permutation_test(
        logs, lambda a, b, axis: np.abs(np.mean(a, axis=axis) - np.mean(b, axis=axis)), n_resamples=np.inf,
        alternative="greater", vectorized=True,
    )  # fmt: skip
    found = permutation_p_value(before, after)
    assert found == pytest.approx(exact.pvalue, abs=2 / 3)
    values = sorted({*before, *after})
    # Differences that are equal but for the last digit may count on either side.
    if all(b - a > 1e-3 for a, b in itertools.pairwise(values)) and len(values) == len(before) + len(after):
        assert found == pytest.approx(exact.pvalue, abs=1e-9)


def test_a_difference_that_is_small_or_uncertain_is_not_called() -> None:
    """Significant and small, or large and by one round: neither."""
    plain = [Round(1.0 + n / 1000, 1.0, 0) for n in range(5)]
    small = [Round(1.1 + n / 1000, 1.0, 0) for n in range(5)]
    spiked = [*plain[:4], Round(9.0, 1.0, 0)]
    assert not shifts(plain, small)[0].called
    assert shifts(plain, small)[0].p_value < 0.01
    assert not shifts(plain, spiked)[0].called


def test_memory_is_called_where_it_is_much() -> None:
    """64 to 128 MiB is; of a few MiB nobody speaks."""
    few, more, most = ([Round(1.0, 1.0, size << 20)] * 5 for size in (8, 64, 128))
    assert shifts(more, most)[1].called
    assert shifts(most, more)[1].called
    assert not shifts(few, [Round(1.0, 1.0, 30 << 20)] * 5)[1].called


def test_what_is_accepted_reads_back() -> None:
    """Machine and rounds."""
    found = [Round(1.5, 2.0, 3), Round(2.5, 2.0, 4)]
    assert from_json(to_json("a machine", found)) == ("a machine", found)


def test_a_round_is_a_process_of_its_own(tmp_path: Path) -> None:
    """It times an index that is there, and its memory is more than nothing."""
    gate = run_gate(
        [("bm25:flat", "synthetic/tiny")], Store(tmp_path / "no"), tmp_path / "fresh", None, Progress(True)
    )
    assert gate.unmeasured
    found = one_round(
        "bm25:flat", "synthetic/tiny", 100, Setting(generations=tmp_path), tmp_path / "fresh" / "cache"
    )
    assert found.search_ms > 0
    assert found.calibration_ms > 0
    assert found.peak_bytes > 1 << 20


@pytest.mark.slow
def test_twenty_runs_without_a_change_raise_no_alarm_beside_a_busy_core(tmp_path: Path) -> None:
    """Quality, speed and memory of two retrievers, while another process keeps a core busy."""
    cells = [(spec, "synthetic/tiny") for spec in ("bm25:flat", "lsa:svd256")]
    accepted, fresh = Store(tmp_path / "accepted"), tmp_path / "fresh"
    work = "import numpy as np; a = np.ones((400, 400), dtype=np.float32)\nwhile True: a @ a"
    busy = subprocess.Popen([sys.executable, "-c", work], env={"OMP_NUM_THREADS": "1", "PATH": ""})
    try:
        run_gate(cells, accepted, fresh, accepted, Progress(quiet=True))
        accept(Store(fresh / "results"), accepted, "the first")
        for _ in range(20):
            gate = run_gate(cells, accepted, fresh, accepted, Progress(quiet=True))
            assert len(gate.shifts) == len(cells)
            assert gate.passed, gate.shifts
    finally:
        busy.kill()
