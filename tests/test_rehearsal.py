"""Dry runs: every variant's path on generated documents, and what the real size would take."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from benchmarks.cli import main
from benchmarks.efficiency.forecast import forecast
from benchmarks.errors import MissingWeights
from benchmarks.interfaces import Document, FloatArray, Setting
from benchmarks.registry import Baseline, Variant, baselines
from benchmarks.retrieval.candidates import RandomCandidates
from benchmarks.runner import Bench
from tests.retrieval.stubs import HashEncoder

SAMPLE = [Document(f"d{number}", "", f"one of the words {number}") for number in range(100)]


class Weighty(HashEncoder):
    """An encoder that runs with random weights here, and with real ones elsewhere."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(16 if setting.random_weights and not setting.full_size else 768)
        self.random = setting.random_weights

    @property
    def protocol(self) -> Mapping[str, Any]:
        """Its name and whether it is drawn."""
        return {"model": "weighty", "random": self.random}

    def encode_documents(self, documents: Any) -> FloatArray:
        """Vectors, where the weights are drawn."""
        if not self.random:
            raise MissingWeights("no weights")
        return super().encode_documents(documents)


@pytest.fixture
def weighty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A baseline whose weights are not on this machine."""
    mine = Baseline("weighty", "", {"x": Variant(Weighty, "", missing=lambda: "needs its weights")})
    found = {**baselines(), "weighty": mine}
    named = ("rendering.pages", "rendering.board", "commands.listing", "commands.doctor", "commands.training")
    # The registry last: a module that is first imported now takes its name from there, and keeps it.
    for module in (*named, "registry"):
        monkeypatch.setattr(f"benchmarks.{module}.baselines", lambda: found)


def dry_run(*arguments: str) -> int:
    """A dry run on 3,000 documents, of three variants for MS MARCO's passages and a suite member nobody can get."""
    cells = [
        "--variant", "bm25", "--variant", "weighty", "--variant", "rerank(candidates:bm25,weighty,depth=10)",
        "--collection", "msmarco-passage/dev/small", "--collection", "mkqa/ko",
    ]  # fmt: skip
    return main(["run", *cells, "--dry-run", "--documents", "3000", "--no-efficiency", "--quiet", *arguments])


def test_every_variant_goes_its_whole_way_and_nothing_is_kept(
    weighty: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With random weights and drawn candidates; no results, no reports, nothing in the cache."""
    monkeypatch.chdir(tmp_path)
    assert dry_run() == 0
    text = capsys.readouterr().out
    for spec in ("bm25:flat", "weighty:x", "rerank(candidates:bm25,weighty:x,depth=10)"):
        assert f"ran: {spec}\n" in text
    assert "peak memory above the start: 0." in text
    assert "weighty:x needs its weights" in text
    assert not (tmp_path / "results").exists()
    assert not (tmp_path / "reports").exists()
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


def test_the_real_size_is_told(
    weighty: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """8,841,823 passages by calibration; what has no weights here is drawn in its real size."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("benchmarks.commands.rehearsing.room", lambda _: (10 * 2**30, 2**40))
    assert dry_run("--json") == 0
    rows = {(row["collection"], row["spec"]): row for row in json.loads(capsys.readouterr().out)["forecast"]}
    sparse = rows["msmarco-passage/dev/small", "bm25:flat"]
    assert sparse["documents"] == 8_841_823
    assert sparse["seconds"] > 60
    assert sparse["memory_bytes"] > 2**30
    assert sparse["shortage"] == ""
    for spec in ("weighty:x", "rerank(candidates:bm25,weighty:x,depth=10)"):
        dense = rows["msmarco-passage/dev/small", spec]
        assert dense["seconds"] > 1
        assert dense["disk_bytes"] > 8_841_823 * 768 * 4
        assert dense["lacking"] == "needs its weights"
        assert dense["shortage"] == "disk: 10.0 GiB free"
        assert rows["mkqa/ko", spec]["documents"] is None


def test_a_forecast_grows_with_the_documents(weighty: None) -> None:
    """Twice the documents, twice the disk; what two parts share is counted once."""
    cells = [
        (spec, f"synthetic/{n}") for n in (1000, 2000) for spec in ("bm25:flat", "rrf(bm25:flat,bm25:flat)")
    ]
    one, shared, two, _ = forecast(cells, SAMPLE)
    assert two.cost.disk_bytes == pytest.approx(2 * one.cost.disk_bytes)
    assert shared.cost.disk_bytes == one.cost.disk_bytes
    assert one.shortage(10**12, 10**12) == ""
    assert one.shortage(10**12, 0).startswith("memory: ")
    (unknown,) = forecast([("weighty:x", "mkqa/ko")], SAMPLE)
    assert math.isnan(unknown.cost.disk_bytes)


def test_drawn_candidates_are_documents_of_the_collection(tmp_path: Path) -> None:
    """The first ones, for every query, in the ranking order."""
    from benchmarks.conformance import DOCUMENTS, check_retriever

    check_retriever(RandomCandidates("bm25"), RandomCandidates("bm25"), tmp_path)
    retriever = RandomCandidates("bm25")
    retriever.index(DOCUMENTS, tmp_path)
    assert retriever.search([], 3) == []


def test_a_dry_run_takes_no_checkpoint(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Its weights are drawn."""
    cell = ["--variant", "bm25", "--collection", "synthetic/tiny"]
    assert main(["run", *cell, "--dry-run", "--checkpoint", str(tmp_path)]) == 2
    assert "leave out --checkpoint" in capsys.readouterr().err


def test_wrong_names_end_a_dry_run_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    """The real collections' names are checked, though nothing of them is read."""
    cell = ["--variant", "bm25", "--collection", "msmarco-passage/dev/smal"]
    assert main(["run", *cell, "--dry-run"]) == 2
    assert "did you mean" in capsys.readouterr().err


def test_a_variant_that_fails_fails_the_dry_run(bench: Bench) -> None:
    """An index key that cannot be trained is found before anything is downloaded."""
    from benchmarks.rehearsal import rehearse

    found = rehearse([("lsa@[IVF4096,Flat]", "msmarco-passage/dev/small")], 300, bench)
    assert "cannot be trained" in next(iter(found.outcome.failed.values()))
    assert found.peak_bytes > 0
    assert found.forecasts[0].documents == 8_841_823


def test_sentence_suites_are_rehearsed_on_sentences(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Generated pairs stand in for pairs; for sentence labels nothing does, and nothing runs."""
    monkeypatch.chdir(tmp_path)
    cells = ["--variant", "lsa", "--collection", "sts12", "--collection", "senteval/MR"]
    assert main(["run", *cells, "--dry-run", "--documents", "300", "--no-efficiency"]) == 0
    text = capsys.readouterr()
    assert "lsa:svd256 on synthetic/300/pairs" in text.err
    assert "[1/1]" in text.err
