"""Records and runs: written, read, tabulated, and verified down to the last digit."""

from __future__ import annotations

import gzip
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import load_results
from benchmarks.errors import RecordError
from benchmarks.evaluation.ranking import rank
from benchmarks.records import trecrun, verification
from benchmarks.records.record import Record, digest_of
from benchmarks.records.store import Store, read_json
from benchmarks.records.verification import verify_records
from benchmarks.rendering.markdown import GENERATED
from benchmarks.rendering.reports import stale_reports, write_reports
from benchmarks.runner import Bench, run_cell
from benchmarks.spec import parse

word = st.from_regex(r"[A-Za-z0-9_./:-]{1,6}", fullmatch=True)
score = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(st.dictionaries(word, st.dictionaries(word, score, min_size=1, max_size=6), max_size=4))
def test_runs_survive_a_round_trip(scores: dict[str, dict[str, float]]) -> None:
    """Ids, order and every float32 come back, and the second writing has the bytes of the first."""
    run = {
        query: rank(list(found), np.array(list(found.values()), dtype=np.float32))
        for query, found in scores.items()
    }
    lines = trecrun.dumps(run, "tag")
    again = trecrun.loads(lines)
    assert again.keys() == run.keys()
    for query, ranking in run.items():
        assert again[query].ids == ranking.ids
        assert again[query].scores.tolist() == ranking.scores.tolist()
    assert trecrun.dumps(again, "tag") == lines


def test_ids_with_spaces_do_not_fit_a_run() -> None:
    """TREC's format has no way to quote them."""
    run = {"q": rank(["a b"], np.array([1.0], dtype=np.float32))}
    with pytest.raises(RecordError, match="cannot hold ids with spaces"):
        trecrun.dumps(run, "tag")


@pytest.fixture
def measured(bench: Bench) -> Bench:
    """Two cells on the smallest collection."""
    run_cell(parse("bm25:flat"), "synthetic/tiny", bench)
    run_cell(parse("rrf(bm25:flat,bm25:tuned)"), "synthetic/tiny", bench)
    return bench


def test_a_record_reads_as_it_was_written(measured: Bench) -> None:
    """JSON and back; the path names the cell."""
    for path in measured.store.paths():
        value = read_json(path)
        assert Record.from_json(value).to_json() == value
    names = [str(path.relative_to(measured.store.root)) for path in measured.store.paths()]
    assert names == [
        "records/bm25.flat/synthetic.tiny.json",
        "records/rrf(bm25.flat,bm25.tuned)/synthetic.tiny.json",
    ]


def test_results_are_a_table(measured: Bench) -> None:
    """`load_results` has one row for each cell and measure, with the records' means."""
    frame = load_results(measured.store.root)
    assert len(frame) == 2 * 4
    row = frame[(frame.spec == "bm25:flat") & (frame.measure == "nDCG@10")].iloc[0]
    record = measured.store.read(measured.store.paths()[0])
    assert row["mean"] == record.means["nDCG@10"]
    assert load_results(measured.store.root / "nothing").empty


def test_what_was_not_touched_verifies(measured: Bench, tmp_path: Path) -> None:
    """Every score of every query and every mean is recomputed."""
    write_reports(measured.store, tmp_path / "reports")
    found = verify_records(measured.store)
    assert not found.problems
    assert not found.not_recomputed
    queries = measured.store.read(measured.store.paths()[0]).counts["queries"]
    assert found.numbers == found.records * 4 * (queries + 1)
    assert not stale_reports(measured.store, tmp_path / "reports")


def test_many_records_are_verified_by_several_processes(
    measured: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What they find is what one finds: numbers, and what is wrong."""
    run_cell(parse("bm25:flat"), "synthetic/tiny/dev", measured)
    path = measured.store.paths()[0]
    path.write_text(change_a_digit(path.read_text(), DIGITS[0]))
    alone = verify_records(measured.store)
    monkeypatch.setattr(verification, "MANY", 1)
    assert verify_records(measured.store) == alone
    assert alone.records == 3 and len(alone.problems) == 1


def change_a_digit(text: str, pattern: str) -> str:
    """`text` with the last digit of the first match of `pattern` raised by one."""
    match = re.search(pattern, text)
    assert match is not None
    at = match.end() - 1
    return text[:at] + str((int(text[at]) + 1) % 10) + text[at + 1 :]


DIGITS = [
    r'"nDCG@10": 0\.\d+',
    r'"q\d+": 0\.\d+',
    r'"k1": 0\.9',
    r'"documents": 300',
    r'"seed": 0',
    r'"schema": 1',
    r'"run_sha256": "\d',
]


@pytest.mark.parametrize("pattern", DIGITS)
def test_a_changed_digit_in_a_record_shows(pattern: str, measured: Bench) -> None:
    """A mean, a query's score, a parameter, a count, a seed, the version, a hash."""
    path = measured.store.paths()[0]
    path.write_text(change_a_digit(path.read_text(), pattern))
    assert len(verify_records(measured.store).problems) == 1


def test_a_forged_digest_does_not_help(measured: Bench) -> None:
    """A score changed together with its mean and the digest is still not what the run gives."""
    path = measured.store.paths()[0]
    value = json.loads(path.read_text())
    query = next(q for q, s in value["scores"]["nDCG@10"].items() if s > 0)
    value["scores"]["nDCG@10"][query] = 0.5
    record = Record.from_json(value).to_json()
    path.write_text(json.dumps({**record, "digest": digest_of(record)}))
    (problem,) = verify_records(measured.store).problems
    assert f"nDCG@10 of query {query} is 0.5, recomputed" in problem


@pytest.mark.parametrize("damage", ["digit", "truncated", "missing"])
def test_a_changed_run_shows(damage: str, measured: Bench) -> None:
    """One digit of a run, half a file, no file."""
    path = next((measured.store.root / "runs").glob("*/*.gz"))
    if damage == "digit":
        text = gzip.decompress(path.read_bytes()).decode()
        path.write_bytes(gzip.compress(change_a_digit(text, r"Q0 \S+ 1 \d+\.\d").encode()))
    elif damage == "truncated":
        path.write_bytes(path.read_bytes()[:200])
    else:
        path.unlink()
    assert len(verify_records(measured.store).problems) == 1


def test_a_changed_or_missing_or_extra_page_shows(measured: Bench, tmp_path: Path) -> None:
    """Pages are what the records give, all of them and no others."""
    reports = tmp_path / "reports"
    write_reports(measured.store, reports)
    page = reports / "README.md"
    page.write_text(change_a_digit(page.read_text(), r"\[0\.\d+"))
    assert "not what the records give (first at line" in stale_reports(measured.store, reports)[0]
    page.unlink()
    (reports / "baselines/old.md").write_text(f"{GENERATED}\nstale")
    problems = " ".join(stale_reports(measured.store, reports))
    assert "README.md: missing" in problems
    assert "old.md: no record backs this page" in problems


def test_a_run_without_a_record_shows(measured: Bench) -> None:
    """Nothing lies in results that nobody accounts for."""
    measured.store.paths()[0].unlink()
    assert "no record belongs to this run" in verify_records(measured.store).problems[0]


def test_judgments_that_are_not_here_are_named(
    bench: Bench, needs: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where a collection is not on disk, verification says which numbers it left alone, and downloads nothing."""
    run_cell(parse("bm25:flat"), needs("beir/nfcorpus/test"), bench)
    monkeypatch.setenv("IR_DATASETS_HOME", str(tmp_path / "elsewhere"))
    found = verify_records(bench.store)
    assert not found.problems
    assert found.numbers == 0
    ((path, why),) = found.not_recomputed.items()
    assert path.endswith("beir.nfcorpus.test.json")
    assert "beir/nfcorpus/test is not on disk" in why


def test_two_specs_never_share_a_file(measured: Bench) -> None:
    """A path that another cell has is refused rather than overwritten."""
    path = measured.store.paths()[0]
    value = json.loads(path.read_text())
    value["spec"] = "bm25.flat"
    record = Record.from_json(value)
    with pytest.raises(RecordError, match="belongs to bm25:flat"):
        Store(measured.store.root).write(record, b"")


def test_verifying_needs_no_model() -> None:
    """Neither torch nor faiss nor transformers is imported."""
    import subprocess

    code = "import sys, benchmarks.records.verification, benchmarks.rendering.reports; print([m for m in ('torch', 'faiss', 'transformers') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
