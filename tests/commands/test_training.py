"""`train`, and `run` of what was trained, as a person meets them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.cli import main
from benchmarks.interfaces import Setting
from benchmarks.runner import Bench, run_cell
from benchmarks.spec import parse
from tests.rendering.test_rendering import EFFICIENCY
from tests.trainee import place, train

pytestmark = pytest.mark.usefixtures("trainee")
PLAIN = "trainee:lab:plain"


@pytest.fixture(autouse=True)
def in_scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Results and reports of these tests lie in scratch."""
    monkeypatch.chdir(tmp_path)


def asked(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    """What a command says as JSON."""
    capsys.readouterr()
    assert main([*arguments, "--json", "--quiet", "--no-efficiency"]) == code
    return json.loads(capsys.readouterr().out)


def test_an_experiment_is_trained_measured_and_reported(capsys: pytest.CaptureFixture[str]) -> None:
    """All seeds; references once; the page is there; the second time the weights are found finished."""
    found = asked(capsys, "train", "--suite", "letters")
    assert [(one["variant"], one["seed"]) for one in found["trained"]] == [
        (variant, seed) for seed in (0, 1, 2) for variant in (PLAIN, "trainee:lab:longer")
    ]
    assert len(found["cells"]) == 8 + 6 + 6
    assert sum(cell["spec"] == "bm25:flat" for cell in found["cells"]) == 2
    assert not found["not_run"] + found["failed"] + found["not_trained"] + found["failed_to_train"]
    assert Path("reports/experiments/letters.md").exists()
    made = place("lab:plain", 1).stat().st_mtime_ns
    assert asked(capsys, "train", "--suite", "letters")["cells"] == found["cells"]
    assert place("lab:plain", 1).stat().st_mtime_ns == made
    assert main(["verify", "--strict"]) == 0
    assert "20 of 20 records recomputed; 0 problems" in capsys.readouterr().out


def test_a_baseline_and_a_profile_choose_the_experiments(capsys: pytest.CaptureFixture[str]) -> None:
    """Every experiment that trains one of them, each cell once; one failure ends no other and is told by exit 1."""
    found = asked(capsys, "train", "--baseline", "trainee", code=1)
    assert {cell["spec"] for cell in found["cells"]} >= {PLAIN, "trainee:lab:longer", "bm25:flat"}
    assert len(found["cells"]) == 20
    (failed,) = found["failed_to_train"]
    assert (failed["variant"], failed["seed"]) == ("trainee:lab:unstable", 0)
    assert "the loss is not finite" in failed["why"]
    assert [cell["why"] for cell in found["failed"]] == ["trainee:lab:unstable was not trained"]
    (lost,) = found["not_trained"]
    assert lost["why"].startswith("needs a GPU")
    assert [cell["spec"] for cell in found["not_run"]] == ["trainee:paper:large"]


def test_what_cannot_be_trained_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """As text: the reason once, and its cells; with --strict it is a failure even where the rest is measured."""
    large = ["--variant", "trainee:paper:large", "--variant", PLAIN, "--collection", "synthetic/60"]
    arguments = ["train", "--suite", "lost", *large, "--quiet", "--no-efficiency"]
    assert main(arguments) == 0
    shown = capsys.readouterr().out
    assert (
        shown.count("not trained: trainee:paper:large, seed 0: needs a GPU; train it where there is one") == 1
    )
    assert "not run: trainee:paper:large was not trained (1 cell)" in shown
    assert "trained: trainee:lab:plain, seed 0" in shown
    assert main([*arguments, "--strict"]) == 1


def test_a_variant_alone_is_only_trained(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is measured without a collection, whatever the seed; nor with --only-train."""
    found = asked(capsys, "train", "--variant", f"rrf(bm25,{PLAIN})", "--seed", "5")
    assert [(one["variant"], one["seed"]) for one in found["trained"]] == [(PLAIN, 5)]
    assert place("lab:plain", 5).exists()
    found = asked(capsys, "train", "--suite", "letters", "--only-train", "--seed", "1")
    assert [one["seed"] for one in found["trained"]] == [1, 1]
    assert not found["cells"]
    assert not Path("results").exists()
    assert not Path("reports").exists()


def test_a_variant_is_measured_on_what_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """With the seed that is asked for."""
    cell = ["--variant", PLAIN, "--collection", "synthetic/60", "--results", "mine/results"]
    found = asked(capsys, "train", *cell, "--seed", "7")
    assert [(one["spec"], one["seed"]) for one in found["cells"]] == [(PLAIN, 7)]
    assert Path("mine/results/records/trainee.lab.plain/synthetic.60.seed7.json").exists()


def test_run_measures_every_seed_that_was_trained(capsys: pytest.CaptureFixture[str]) -> None:
    """A seed without weights is not run, and says what makes it; the others are."""
    for seed in ("0", "2"):
        asked(capsys, "train", "--suite", "letters", "--only-train", "--seed", seed)
    found = asked(capsys, "run", "--suite", "letters", "--collection", "synthetic/60")
    assert {(one["spec"], one["seed"]) for one in found["cells"]} == {
        ("bm25:flat", 0), *((spec, seed) for seed in (0, 2) for spec in TRAINED),
    }  # fmt: skip
    assert {(one["spec"], one["seed"]) for one in found["not_run"]} == {(spec, 1) for spec in TRAINED}
    assert all("`retriever-bench train` makes it" in one["why"] for one in found["not_run"])
    page = Path("reports/experiments/letters.md").read_text()
    assert "(seeds 0, 2)" in page


TRAINED = (PLAIN, "trainee:lab:longer", f"rrf(bm25:flat,{PLAIN})")


def test_one_seed_of_an_experiment_is_among_the_results(capsys: pytest.CaptureFixture[str]) -> None:
    """Its own seeds need no folder of their own; any other does, and a suite's any."""
    found = asked(capsys, "train", "--suite", "letters", "--seed", "2", "--collection", "synthetic/60")
    assert {one["seed"] for one in found["cells"]} == {2}
    for arguments in (["--suite", "letters", "--seed", "9"], ["--suite", "demo", "--seed", "1"]):
        assert main(["run", *arguments]) == 2
        assert "name a --results folder of its own" in capsys.readouterr().err


WRONG = [
    (["train"], "name a --baseline, a --suite or a --variant"),
    (["train", "--baseline", "traine"], "no baseline named 'traine'; did you mean trainee"),
    (
        ["train", "--baseline", "trainee", "--profile", "lap"],
        "no profile of trainee named 'lap'; did you mean lab",
    ),
    (["train", "--baseline", "bm25"], "no profile of bm25 named 'lab'; none of its variants is trained here"),
    (["train", "--suite", "leters"], "no suite named 'leters'; did you mean letters"),
    (["train", "--suite", "demo"], "nothing of this is trained here; `retriever-bench run` measures it"),
    (["train", "--suite", "letters", "--profile", "lab"], "--profile goes with --baseline"),
    (["train", "--variant", "trainee:lab:plan"], "did you mean lab:plain"),
    (["train", "--variant", PLAIN, "--collection", "synthetic/huge"], "no synthetic size 'huge'"),
    (["train", "--variant", PLAIN, "--collection", "synthetic/60", "--seed", "1"], "name a --results folder"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_wrong_use_trains_nothing(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line, exit 2, before the first step."""
    assert main(arguments) == 2
    assert message in capsys.readouterr().err.strip().splitlines()[-1]
    assert not place("lab:plain", 0).exists()
    assert not place("lab:plain", 1).exists()


def test_latency_is_measured_with_the_seeds_own_weights(capsys: pytest.CaptureFixture[str]) -> None:
    """In its process, where another seed was never trained."""
    assert main(["train", "--suite", "letters", "--seed", "1", "--variant", PLAIN, "--quiet"]) == 0
    record = json.loads(Path("results/records/trainee.lab.plain/synthetic.60.seed1.json").read_text())
    assert record["efficiency"]["search"]["p50_ms"] > 0


def test_trained_variants_are_one_line_of_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    """A line for each profile, experiments with their question; every name where it is asked for."""
    assert main(["list"]) == 0
    shown = capsys.readouterr().out
    assert "trainee:untrained" in shown
    assert shown.count("trainee:lab:") == 1
    assert "4 trained here; `list --trained` names them" in shown
    assert "Does a longer name make a better weighting of letters?" in shown
    assert "SUITE letters" not in shown
    assert main(["list", "--trained"]) == 0
    shown = capsys.readouterr().out
    assert "trainee:lab:longer" in shown
    assert "trainee:untrained" not in shown
    assert "bm25:flat" not in shown


def test_the_doctor_counts_every_seed(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    """A trained variant costs once for each seed, a reference once; profiles are told in one line."""
    train("lab:plain")(Setting(), bench.progress)
    for spec in ("bm25:flat", PLAIN):
        record = run_cell(parse(spec), "synthetic/60", bench)
        bench.store.write(record.with_efficiency(EFFICIENCY), b"")
    assert main(["doctor", "--suite", "letters", "--json", "--results", str(bench.store.root)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["trained"]["trainee:lab"] == {"variants": 4, "ready": 4}
    assert not any(name.startswith("trainee:lab") for name in found["variants"])
    seconds = {
        one["spec"]: one["seconds"] for one in found["estimate"] if one["collection"] == "synthetic/60"
    }
    assert seconds[PLAIN] == pytest.approx(3 * seconds["bm25:flat"], abs=0.3)


def test_an_experiment_can_be_rehearsed(capsys: pytest.CaptureFixture[str]) -> None:
    """Every variant with random weights, whether or not it can be trained here."""
    assert main(["run", "--suite", "lost", "--dry-run", "--documents", "60", "--quiet", "--json"]) == 0
    ran = json.loads(capsys.readouterr().out)["ran"]
    assert ran == ["trainee:lab:unstable", "trainee:paper:large", PLAIN]


def test_a_dry_run_of_what_is_not_trained_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """As the training itself would."""
    assert main(["train", "--variant", "bm25", "--dry-run"]) == 2
    assert "nothing of this is trained here" in capsys.readouterr().err


def test_a_dry_run_rehearses_a_whole_profile(capsys: pytest.CaptureFixture[str]) -> None:
    """Every variant of a profile is trained with random weights, experiments or not, and nothing is measured."""
    found = asked(capsys, "train", "--baseline", "trainee", "--dry-run", code=1)
    names = {one["variant"] for one in found["trained"]}
    assert PLAIN in names and "trainee:lab:longer" in names
    assert [one["variant"] for one in found["failed_to_train"]] == ["trainee:lab:unstable"]
    assert not Path("results").exists()
