"""Variants that are trained here: several seeds of one cell, kept apart from the store to the table."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import load_results
from benchmarks.cli import main
from benchmarks.errors import EvaluationError, MissingWeights, RecordError, UsageError
from benchmarks.interfaces import Setting
from benchmarks.records import trecrun
from benchmarks.records.record import Record
from benchmarks.records.verification import verify_records
from benchmarks.registry import baselines, trained_leaves, variant_of
from benchmarks.retrieval.resolve import training_of
from benchmarks.runner import Bench, run_cell
from benchmarks.spec import parse
from benchmarks.suites import suite, suites
from tests.trainee import train

pytestmark = pytest.mark.usefixtures("trainee")
PLAIN = "trainee:lab:plain"


def measured(bench: Bench, spec: str = PLAIN, seeds: tuple[int, ...] = (0, 1, 2)) -> list[Record]:
    """One cell with several seeds, trained before."""
    records = []
    for seed in seeds:
        for leaf in trained_leaves(parse(spec)):
            name = str(leaf).removeprefix("trainee:")
            train(name)(Setting(seed=seed), bench.progress)
        bench.seed = seed
        records.append(run_cell(parse(spec), "synthetic/60", bench))
    return records


def test_the_leaves_that_are_trained_are_found_wherever_they_stand() -> None:
    """In compositions and on indexes, once each; what is not installed is not known to be trained."""
    spec = parse("rrf(bm25,trainee:lab:plain@HNSW32,rerank(gone:x,trainee:lab:plain),trainee:untrained)")
    assert [str(leaf) for leaf in trained_leaves(spec)] == [PLAIN]
    assert list(baselines()["trainee"].profiles) == ["lab", "paper"]
    assert not variant_of(parse("trainee:untrained").leaves[0])[1].trained_here


def test_what_was_not_trained_is_missing(bench: Bench) -> None:
    """A seed that was not trained is no measurement of another one's weights."""
    measured(bench, seeds=(0,))
    bench.seed = 1
    with pytest.raises(MissingWeights, match=r"seed 1; `retriever-bench train` makes it"):
        run_cell(parse(PLAIN), "synthetic/60", bench)


def test_each_seed_has_files_of_its_own(bench: Bench) -> None:
    """The first keeps the plain path; three records, three runs, three protocols."""
    records = measured(bench)
    assert [path.name for path in bench.store.paths()] == [
        "synthetic.60.json", "synthetic.60.seed1.json", "synthetic.60.seed2.json",
    ]  # fmt: skip
    assert bench.store.run_path(PLAIN, "synthetic/60", 1).name == "synthetic.60.seed1.trec.gz"
    assert bench.store.seeds(PLAIN, "synthetic/60") == records
    assert len({record.protocol.fingerprint for record in records}) == 3
    assert len({record.run_sha256 for record in records}) == 3
    found = verify_records(bench.store)
    assert (found.records, found.problems, found.not_recomputed) == (3, [], {})


def test_the_record_keeps_what_was_spent(bench: Bench) -> None:
    """As the encoder says, whatever it is a part of; of two encoders both; nothing where nothing was trained."""
    (alone,) = measured(bench, seeds=(2,))
    assert alone.training["seconds"] == 4.0
    assert Record.from_json(json.loads(json.dumps(alone.to_json()))) == alone
    (part,) = measured(bench, f"rerank(bm25:flat,{PLAIN},depth=5)", seeds=(2,))
    assert part.training == alone.training
    twins = Pair(Spent(1), Pair(Spent(1), Spent(2)))
    assert training_of(twins) == {"parts": [{"steps": 1}, {"steps": 2}]}
    assert "training" not in run_cell(parse("bm25"), "synthetic/60", bench).to_json()


class Spent:
    """Something that was trained."""

    def __init__(self, steps: int) -> None:
        self.training = {"steps": steps}


class Pair:
    """A composition. As a torch module it would be in training."""

    training = True

    def __init__(self, *parts: object) -> None:
        self.parts = parts


def test_a_sentence_task_keeps_it_too(bench: Bench) -> None:
    """The encoder stands behind the task's own vectors."""
    train("lab:plain")(Setting(), bench.progress)
    assert run_cell(parse(PLAIN), "synthetic/60/pairs", bench).training["steps"] == 10


def test_a_protocol_that_does_not_tell_seeds_apart_is_refused(bench: Bench) -> None:
    """The vectors of one seed would be searched as the other's; a record that slipped through is found."""
    (record,) = measured(bench, "trainee:lab:forgetful", seeds=(0,))
    with pytest.raises(EvaluationError, match="the seeds 0 and 1 have one protocol"):
        measured(bench, "trainee:lab:forgetful", seeds=(1,))
    lines = trecrun.read(bench.store.run_path(record.spec, record.collection))
    bench.store.write(replace(record, seed=1), lines)
    (problem,) = verify_records(bench.store).problems
    assert "synthetic.60.seed1.json: has the protocol of another seed (synthetic.60.json)" in problem


def test_a_finished_cell_is_one_seeds(bench: Bench) -> None:
    """What draws nothing has one protocol for all seeds, and a record for the one that was asked for."""
    for seed in (0, 1):
        bench.seed = seed
        assert run_cell(parse("bm25"), "synthetic/60", bench).seed == seed
    assert len(bench.store.seeds("bm25:flat", "synthetic/60")) == 2


def test_a_seed_and_a_collection_never_share_a_file(bench: Bench) -> None:
    """A collection whose name ends like a seed's file is refused."""
    first, second = measured(bench, seeds=(0, 1))
    with pytest.raises(RecordError, match=r"belongs to trainee:lab:plain on synthetic/60, seed 1"):
        bench.store.write(replace(first, collection="synthetic/60.seed1"), b"")
    assert bench.store.seeds(PLAIN, "synthetic/60") == [first, second]


def test_results_have_a_column_of_seeds(bench: Bench) -> None:
    """One row for each seed: a mean over them is the reader's to take."""
    measured(bench)
    frame = load_results(bench.store.root)
    assert sorted(frame[frame.measure == "nDCG@10"].seed) == [0, 1, 2]


def test_compare_takes_the_first_seed(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    """And says which; where the two have different ones it warns."""
    records = measured(bench)
    bench.seed = 0
    run_cell(parse("bm25"), "synthetic/60", bench)
    arguments = ["compare", "bm25", PLAIN, "--results", str(bench.store.root)]
    assert main([*arguments, "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["seed_a"], found["seed_b"]) == (0, 0)
    assert found["mean_b"] == pytest.approx(records[0].means["nDCG@10"], abs=1e-6)
    bench.store.record_path(PLAIN, "synthetic/60").unlink()
    assert main(arguments) == 0
    shown = capsys.readouterr().out
    assert "trainee:lab:plain, seed 1" in shown
    assert "careful: the two were measured differently in seed" in shown


def test_compare_pairs_the_first_seed_that_both_have(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    """A variant that lacks seed 0 is compared with the other's same seed."""
    measured(bench)
    measured(bench, "trainee:lab:longer", seeds=(1, 2))
    assert main(["compare", "trainee:lab:longer", PLAIN, "--results", str(bench.store.root), "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["seed_a"], found["seed_b"]) == (1, 1)


def test_history_says_which_seeds_there_are(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    """Where the one that is asked for is not."""
    measured(bench, seeds=(1, 2))
    assert main(["history", PLAIN, "synthetic/60", "--results", str(bench.store.root)]) == 1
    assert "with seed 0, but with --seed 1, 2" in capsys.readouterr().err


def test_a_plan_has_each_reference_once() -> None:
    """All cells with the first seed; with the others those that a seed moves by training."""
    plan = suite("letters").plan()
    assert list(plan) == [0, 1, 2]
    assert len(plan[0]) == 8
    assert {spec for spec, _ in plan[1]} == {PLAIN, "trainee:lab:longer", f"rrf(bm25:flat,{PLAIN})"}
    assert plan[1] == plan[2]
    assert suite("demo").plan() == {0: suite("demo").cells()}


WRONG = [
    ("seeds = [0, 1]", "suite x has seeds and no question"),
    ("seeds = []\nquestion = 'q'", "needs at least one seed"),
    ("seeds = [1, 1]\nquestion = 'q'", "needs at least one seed, each once"),
    ("# twice", "two files declare the suite 'x'"),
]


@pytest.mark.parametrize(("entry", "message"), WRONG)
def test_a_suite_that_does_not_fit_is_named(
    entry: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line, with the file."""

    class Point:
        def __init__(self, name: str, text: str) -> None:
            self.name, self._path = name, tmp_path / f"{name}.toml"
            self._path.write_text(f"[x]\nsummary = 's'\n{text}\ngrid = []")

        def load(self) -> Path:
            return self._path

    twice = [Point("again", "")] if "twice" in entry else []
    monkeypatch.setattr("benchmarks.suites.entry_points", lambda group: [Point("own", entry), *twice])
    suites.cache_clear()
    with pytest.raises(UsageError, match=message) as error:
        suites()
    assert "own.toml" in str(error.value)
