"""What is exported is read by those it is for, with the numbers of the records."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import pytrec_eval
import yaml
from huggingface_hub import ModelCard

from benchmarks.cli import main
from benchmarks.collections.collection import open_collection
from benchmarks.exports.mteb import measure_name, write_mteb
from benchmarks.exports.runs import parse_header
from benchmarks.records.record import Record
from benchmarks.records.store import Store
from benchmarks.records.verification import verify_records
from benchmarks.runner import Bench, run_cell
from benchmarks.spec import parse

WORLD = "synthetic/tiny"


@pytest.fixture
def record(bench: Bench) -> Record:
    """BM25 on a generated world."""
    return run_cell(parse("bm25:flat"), WORLD, bench)


def export(bench: Bench, form: str, output: Path) -> int:
    """The command, over the bench's results."""
    return main(["export", form, str(output), "--results", str(bench.store.root)])


def test_a_run_is_trec_evals(bench: Bench, record: Record, tmp_path: Path) -> None:
    """pytrec_eval reads it, and finds the record's nDCG@10, ties and all."""
    assert export(bench, "trec", tmp_path / "out") == 0
    with (tmp_path / "out" / "bm25.flat" / "synthetic.tiny.trec").open() as file:
        run = pytrec_eval.parse_run(file)
    judged = open_collection(WORLD, bench.cache).judgments()
    whole = {query: {id: int(grade) for id, grade in grades.items()} for query, grades in judged.items()}
    found = pytrec_eval.RelevanceEvaluator(whole, {"ndcg_cut.10"}).evaluate(run)
    assert sum(one["ndcg_cut_10"] for one in found.values()) / len(judged) == pytest.approx(
        record.means["nDCG@10"], abs=1e-5
    )


def test_metadata_say_where_a_run_is_from(bench: Bench, record: Record, tmp_path: Path) -> None:
    """As comments in front of the lines, in YAML; the lines are the run's own."""
    export(bench, "ir_metadata", tmp_path / "out")
    text = (tmp_path / "out" / "bm25.flat" / "synthetic.tiny.trec").read_text()
    found = parse_header(text)
    assert found["tag"] == "bm25:flat"
    assert found["data"]["test_collection"]["name"] == WORLD
    assert found["method"]["indexing"]["protocol"] == record.protocol.fingerprint
    assert {"platform", "implementation", "research goal"} <= found.keys()
    lines = [line for line in text.splitlines(keepends=True) if not line.startswith("#")]
    plain = tmp_path / "plain"
    export(bench, "trec", plain)
    assert "".join(lines) == (plain / "bm25.flat" / "synthetic.tiny.trec").read_text()
    assert parse_header("q Q0 d 1 1.0 t") == {}


def test_a_run_comes_back(
    bench: Bench, record: Record, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exported with metadata and imported: the scores are the same, under a protocol of its own, and they verify."""
    export(bench, "ir_metadata", tmp_path / "out")
    path, other = tmp_path / "out" / "bm25.flat" / "synthetic.tiny.trec", tmp_path / "other"
    arguments = [
        str(path),
        "--collection",
        WORLD,
        "--name",
        "theirs",
        "--results",
        str(other),
        "--source",
        "a friend",
    ]
    assert main(["import", *arguments]) == 0
    (brought,) = Store(other).records()
    assert brought.spec == "imported:theirs"
    assert brought.scores == record.scores
    said = brought.protocol.retrieval["said"]
    assert said["source"] == "a friend"
    assert said["ir_metadata"]["tag"] == "bm25:flat"
    assert not verify_records(Store(other)).problems
    assert "queries answered\n" in capsys.readouterr().out


def test_what_a_run_lacks_scores_nothing(bench: Bench, record: Record, tmp_path: Path) -> None:
    """Half of the queries: about half of the mean, over all judged queries. The record can be compared with."""
    run = bench.store.run(record)
    half = dict(list(run.items())[::2])
    lines = "".join(
        f"{query} Q0 {id} 1 {score} x\n"
        for query, ranking in half.items()
        for id, score in zip(ranking.ids, ranking.scores, strict=True)
    )
    (tmp_path / "half.trec").write_text(lines)
    results = ["--results", str(bench.store.root)]
    assert (
        main(["import", str(tmp_path / "half.trec"), "--collection", WORLD, "--name", "half", *results]) == 0
    )
    (brought,) = (one for one in bench.store.records() if one.spec == "imported:half")
    expected = sum(record.scores["nDCG@10"][query] for query in half) / len(run)
    assert brought.means["nDCG@10"] == pytest.approx(expected, abs=1e-5)
    assert main(["compare", "imported:half", "bm25", *results]) == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("not a run", "is not a line of a TREC run"),
        ("q9999 Q0 d 1 1.0 x\n", "has none of the queries"),
        ("q107 Q0 nowhere 1 1.0 x\n", "has none of the documents"),
    ],
)
def test_a_wrong_run_is_one_line(
    content: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """That names the file; nothing is kept."""
    path = tmp_path / "wrong.trec"
    path.write_text(content)
    results = tmp_path / "results"
    assert main(["import", str(path), "--collection", WORLD, "--name", "x", "--results", str(results)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert str(path) in line
    assert not Store(results).paths()


def test_a_card_is_hugging_faces(bench: Bench, record: Record, tmp_path: Path) -> None:
    """huggingface_hub reads the results out of it."""
    export(bench, "huggingface", tmp_path / "cards")
    card = ModelCard.load(tmp_path / "cards" / "bm25.flat.md")
    found = {one.metric_name: one.metric_value for one in card.data.eval_results or []}
    assert found == record.means


def test_tables(bench: Bench, record: Record, tmp_path: Path) -> None:
    """A CSV line for each measure; LaTeX with the name escaped and the best in bold."""
    export(bench, "csv", tmp_path / "all.csv")
    frame = pd.read_csv(tmp_path / "all.csv")
    assert dict(zip(frame["measure"], frame["mean"], strict=True)) == pytest.approx(record.means)
    run_cell(parse("rrf(bm25:flat,lsa:svd256)"), WORLD, bench)
    export(bench, "latex", tmp_path / "table.tex")
    text = (tmp_path / "table.tex").read_text()
    assert "\\toprule" in text
    assert text.count("\\textbf") == 1
    assert f"{record.means['nDCG@10']:.4f}" in text


def test_nothing_to_export_is_an_error(bench: Bench, record: Record, tmp_path: Path) -> None:
    """Nor does MTEB have a task for everything."""
    results = ["--results", str(bench.store.root)]
    assert main(["export", "csv", str(tmp_path / "x"), "--variant", "lsa:svd256", *results]) == 1
    assert export(bench, "mteb", tmp_path / "mteb") == 1
    for wrong in (["latex", str(tmp_path / "x"), "--measure", "nDCG@7"], ["csv", str(tmp_path)]):
        assert main(["export", *wrong, *results]) == 1 if wrong[0] == "latex" else 2
    assert not (tmp_path / "x").exists()
    assert main(["export", "csv", str(tmp_path / "x"), "--variant", "bm25", *results]) == 0


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("nDCG@10", "ndcg_at_10"), ("R@100", "recall_at_100"), ("RR@10", "mrr_at_10"), ("Spearman", "cosine_spearman"), ("AnswerRecall@20", ""), ("RR(rel=2)@10", "")],
)  # fmt: skip
def test_measures_have_mtebs_names(ours: str, theirs: str) -> None:
    """And one that is defined otherwise has none."""
    assert measure_name(ours) == theirs


def test_mteb_reads_its_results(record: Record, tmp_path: Path) -> None:
    """By its own loader of files, and of folders; two subsets of a task lie in one file."""
    python = os.environ.get("RETRIEVER_BENCH_MTEB")
    if not python:
        pytest.skip("RETRIEVER_BENCH_MTEB names no interpreter with MTEB; `nox -s exports` makes one")
    sentences = {"Spearman": {"all": 0.75}, "Pearson": {"all": 0.5}}
    records = [
        replace(record, collection="beir/scifact/test"),
        replace(record, collection="sts17/en-en", scores=sentences),
        replace(record, collection="sts17/ar-ar", scores={**sentences, "Spearman": {"all": 0.25}}),
    ]
    files, left = write_mteb([*records, record], tmp_path / "mteb")
    assert left == [record]
    assert [path.name for path in files] == ["STS17.json", "SciFact.json", "model_meta.json"]
    script = Path(__file__).with_name("with_mteb.py")
    done = subprocess.run(
        [python, str(script), str(tmp_path / "mteb")], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout.splitlines()[-1])
    expected = {"SciFact": record.means["nDCG@10"], "STS17": 0.5}
    assert found["files"] == {"retriever-bench__bm25.flat": pytest.approx(expected)}
    assert found["cache"] == {"retriever-bench/bm25.flat": pytest.approx(expected)}


def test_a_front_matter_is_yaml(bench: Bench, record: Record, tmp_path: Path) -> None:
    """Between its two rules."""
    export(bench, "huggingface", tmp_path / "cards")
    _, front, _ = (tmp_path / "cards" / "bm25.flat.md").read_text().split("---\n")
    assert yaml.safe_load(front)["model-index"][0]["name"] == "bm25:flat"
