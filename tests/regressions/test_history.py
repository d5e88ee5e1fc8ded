"""Accepting: what changed takes the accepted place, with a reason that stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.cli import main
from benchmarks.errors import RecordError
from benchmarks.progress import Progress
from benchmarks.records.store import Store
from benchmarks.records.verification import verify_records
from benchmarks.regressions.gate import run_gate
from benchmarks.regressions.history import accept, history

CELL = ("bm25:flat", "synthetic/tiny")


def measured(folder: Path, *cells: tuple[str, str]) -> Store:
    """Fresh results of cells."""
    run_gate(cells or [CELL], Store(folder / "none"), folder, None, Progress(quiet=True))
    return Store(folder / "results")


def test_a_change_is_kept_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before and after; what did not change is not accepted again; the records verify."""
    accepted = Store(tmp_path / "accepted")
    accept(measured(tmp_path / "a"), accepted, "the first")
    assert accept(measured(tmp_path / "b"), accepted, "again") == []
    monkeypatch.setattr("benchmarks.retrieval.analysis._stem", lambda word: word[:3])
    (one,) = accept(measured(tmp_path / "c"), accepted, "no stemming from now on")
    first, second = history(accepted, *CELL)
    assert second == one
    assert (first.reason, first.before) == ("the first", {})
    assert second.before == first.after != second.after
    assert accepted.read(accepted.record_path(*CELL)).means == second.after
    assert not verify_records(accepted).problems


def test_only_what_is_named_is_accepted(tmp_path: Path) -> None:
    """Of two cells one; nothing of that name is an error."""
    accepted = Store(tmp_path / "accepted")
    fresh = measured(tmp_path / "a", CELL, ("lsa:svd256", "synthetic/tiny"))
    (one,) = accept(fresh, accepted, "one", ["lsa:svd256"])
    assert one.spec == "lsa:svd256"
    with pytest.raises(RecordError, match="holds no records of these"):
        accept(fresh, accepted, "none", [], ["synthetic/small"])


def test_the_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Regress fails before anything is accepted and passes after; the history says why, and draws."""
    monkeypatch.chdir(tmp_path)
    only = ["--variant", "bm25:flat", "--collection", "synthetic/tiny"]
    assert main(["regress", *only, "--no-speed", "--quiet", "--comment", "comment.md"]) == 1
    assert Path("comment.md").read_text() == capsys.readouterr().out
    assert main(["accept", "--reason", "it begins"]) == 0
    assert Path("reports/README.md").exists()
    assert main(["regress", *only, "--no-speed", "--quiet"]) == 0
    assert main(["history", *CELL, "--svg", "bm25.svg"]) == 0
    assert "it begins" in capsys.readouterr().out
    assert Path("bm25.svg").read_text().count("<svg") == 1
    assert main(["accept", "--reason", " "]) == 2
    assert main(["regress", "--variant", "bm25:tuned", "--quiet"]) == 2
    assert "nothing would be compared" in capsys.readouterr().err
    assert main(["history", "lsa:svd256", "synthetic/tiny"]) == 1
