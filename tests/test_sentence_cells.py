"""Cells of sentence collections: run, recorded and verified like any other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.errors import UsageError
from benchmarks.grid import run_grid
from benchmarks.records.record import Record, digest_of
from benchmarks.records.verification import verify_records
from benchmarks.rendering.board import Board
from benchmarks.rendering.efficiency import efficiency_tables
from benchmarks.rendering.reports import stale_reports, write_reports
from benchmarks.runner import Bench, run_cell
from benchmarks.spec import parse

PAIRS = "synthetic/tiny/pairs"


def test_pairs_leave_a_record_like_any_other(bench: Bench, tmp_path: Path) -> None:
    """Two correlations over one query, a run of all pairs, recomputed from run and gold, and rendered."""
    record = run_cell(parse("lsa"), PAIRS, bench)
    assert {name: list(values) for name, values in record.scores.items()} == {
        "Spearman": ["all"], "Pearson": ["all"],
    }  # fmt: skip
    assert record.protocol.evaluation["depth"] == record.counts["documents"]
    assert record.protocol.retrieval["similarity"] == "cosine"
    assert record.protocol.retrieval["fitted_on"] == 50_000
    assert record.means["Spearman"] > 0.5
    write_reports(bench.store, tmp_path / "reports")
    assert not stale_reports(bench.store, tmp_path / "reports")
    found = verify_records(bench.store)
    assert (found.problems, found.not_recomputed, found.numbers) == ([], {}, 4)


def test_a_forged_correlation_shows(bench: Bench) -> None:
    """Changed with its mean and the digest, it is still not what the run gives."""
    record = run_cell(parse("lsa"), PAIRS, bench)
    path = bench.store.record_path(record.spec, record.collection)
    value = json.loads(path.read_text())
    value["scores"]["Spearman"]["all"] = 0.99
    forged = Record.from_json(value).to_json()
    path.write_text(json.dumps({**forged, "digest": digest_of(forged)}))
    (problem,) = verify_records(bench.store).problems
    assert "Spearman of query all is 0.99, recomputed" in problem


def test_of_sentences_the_encoding_is_timed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where efficiency is asked for, by itself and not as a search; the second time nothing is done."""
    bench.efficiency = True
    record = run_cell(parse("lsa"), PAIRS, bench)
    took = record.efficiency["encoding"]
    assert took["p50_ms"] > 0 and took["batch_per_second"] > 0
    assert took["sentences"] <= 1_000 and "search" not in record.efficiency
    page = efficiency_tables(Board([record]), [record], "")
    assert f"| {took['p50_ms']:.2f} | {took['batch_per_second']:,.0f} |" in " ".join(page.split()).replace(
        "  ", " "
    )
    monkeypatch.setattr("benchmarks.runner.open_indexes", lambda *_: pytest.fail("an index was opened"))
    run_cell(parse("lsa"), PAIRS, bench)


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ("bm25", "bm25:flat is no encoder; sentence collections measure encoders"),
        ("lsa@HNSW32", "sentence collections measure one encoder; leave out index and fusion"),
        ("rrf(lsa,bm25)", "sentence collections measure one encoder; leave out index and fusion"),
    ],
)
def test_what_is_not_an_encoder_fails_its_cell(spec: str, why: str, bench: Bench) -> None:
    """One line, and the others run."""
    with pytest.raises(UsageError, match=why):
        run_cell(parse(spec), PAIRS, bench)
    outcome = run_grid([(spec, PAIRS), ("lsa", PAIRS)], bench)
    assert len(outcome.failed) == len(outcome.records) == 1


def test_labels_leave_a_record_like_any_other(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A 0 or 1 for each sentence, the label itself as its ranking, recomputed from run and gold."""
    monkeypatch.setenv("RETRIEVER_BENCH_DATA", str(tmp_path / "data"))
    folder = tmp_path / "data" / "senteval" / "TREC"
    folder.mkdir(parents=True)
    asked = {"NUM": "How many {} are there ?", "HUM": "Who invented the {} ?", "LOC": "Where is the {} ?"}
    things = [f"thing{number}" for number in range(36)]
    lines = {
        name: [f"{label}:x {text.format(thing)}" for thing in some for label, text in asked.items()]
        for name, some in (("train_5500", things[:30]), ("TREC_10", things[30:]))
    }
    for name, written in lines.items():
        (folder / f"{name}.label").write_text("\n".join(written) + "\n")
    record = run_cell(parse("lsa"), "senteval/TREC", bench)
    assert set(record.scores["accuracy"].values()) <= {0.0, 1.0}
    assert (record.counts["documents"], record.counts["queries"]) == (90, 18)
    assert (record.counts["skipped"], record.counts["doubtful"]) == (0, 0)
    assert record.means["accuracy"] > 0.6
    found = verify_records(bench.store)
    assert (found.problems, found.not_recomputed, found.numbers) == ([], {}, 19)
