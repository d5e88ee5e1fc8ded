"""The command line, as a person meets it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.cli import main


@pytest.fixture(autouse=True)
def in_scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Results and reports of these tests lie in scratch."""
    monkeypatch.chdir(tmp_path)


def bench(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        capture_output=True, text=True, check=False, env={**os.environ, **environment},
    )  # fmt: skip


@pytest.mark.parametrize("arguments", [["--help"], ["list"], ["list", "--json"]])
def test_the_door_is_light(arguments: list[str]) -> None:
    """`--help` and `list` import neither torch nor faiss nor transformers nor pandas nor ir_datasets."""
    code = (
        "import sys; from benchmarks.cli import main\n"
        f"try: main({arguments!r})\nexcept SystemExit: pass\n"
        "heavy = [m for m in ('torch', 'faiss', 'transformers', 'pandas', 'ir_datasets', 'sklearn', 'matplotlib') if m in sys.modules]\n"
        "print('heavy', heavy)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("heavy []\n")


def test_list_tells_what_can_run_here(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Variants, suites and collections, each with what is missing; the same as JSON."""
    monkeypatch.setenv("IR_DATASETS_HOME", str(tmp_path))
    assert main(["list"]) == 0
    text = capsys.readouterr().out
    for part in (
        "bm25:flat",
        "lsa:svd256",
        "minilm:l6-v2",
        "SUITE demo",
        "SUITE beir",
        "downloads from public.ukp",
    ):
        assert part in text
    assert main(["list", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["baselines"]["bm25"]["variants"]["flat"]["missing"] == ""
    assert "beir/scifact/test" in found["suites"]["beir"]["collections"]


WRONG = [
    (
        ["run", "--variant", "bm24", "--collection", "synthetic/tiny"],
        "no baseline named 'bm24'; did you mean bm25?",
    ),
    (["run", "--variant", "bm25:flt", "--collection", "synthetic/tiny"], "did you mean flat?"),
    (["run", "--variant", "rrf(bm25)", "--collection", "synthetic/tiny"], "at least two retrievers"),
    (
        ["run", "--variant", "bm25", "--collection", "beir/scifct"],
        "no collection named 'beir/scifct'; did you mean",
    ),
    (["run", "--variant", "bm25", "--collection", "synthetic/huge"], "no synthetic size 'huge'"),
    (["run", "--suite", "bier"], "did you mean beir?"),
    (["run", "--variant", "bm25"], "name a --suite, or at least one --variant and one --collection"),
    (["run", "--suite", "demo", "--checkpoint", "x"], "--checkpoint goes with exactly one --variant"),
    (
        ["run", "--variant", "bm25", "--collection", "synthetic/tiny", "--checkpoint", "x"],
        "there is no such folder",
    ),
    (
        ["run", "--variant", "bm25", "--collection", "synthetic/tiny", "--documents", "9"],
        "goes with --dry-run",
    ),
    (["run", "--variant", "bm25", "--collection", "synthetic/tiny", "--seed", "-1"], "a whole number from 0"),
    (["history", "bm25", "synthetic/tiny", "--seed", "x"], "a whole number from 0"),
    (["compare", "bm25", "lsa"], "no measured variant named 'bm25:flat'"),
    (["fly"], "invalid choice: 'fly'"),
    (["run", "--seed"], "argument --seed: expected one argument; see `retriever-bench run --help`"),
]
USELESS = [
    ("bm25@HNSW32", "bm25 brings its own index"),
    ("lsa@HNSWxx", "'HNSWxx' is not a faiss factory key"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_wrong_use_is_one_line_and_exit_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """No stack trace, a suggestion where there is one."""
    assert main([*arguments]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert message in line
    assert line.startswith("retriever-bench: ")


@pytest.mark.parametrize(("variant", "message"), USELESS)
def test_cells_that_nobody_could_run_are_wrong_use(
    variant: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What only the cell itself can tell is said as its failure: exit 2, but 1 where something else was measured."""
    cell = ["--collection", "synthetic/tiny", "--quiet", "--no-efficiency"]
    assert main(["run", "--variant", variant, *cell]) == 2
    assert message in capsys.readouterr().out
    assert main(["run", "--variant", variant, "--variant", "bm25", *cell]) == 1


def test_a_missing_folder_is_one_line_and_exit_1(capsys: pytest.CaptureFixture[str]) -> None:
    """A collection that is not there is not run; nothing measured is no success."""
    assert main(["run", "--variant", "bm25", "--collection", "folder:nowhere", "--quiet"]) == 1
    assert "not run: folder:nowhere: no corpus.jsonl in nowhere" in capsys.readouterr().out


def test_verify_and_report_without_records_fail(capsys: pytest.CaptureFixture[str]) -> None:
    """A check that checked nothing has not passed."""
    assert main(["verify"]) == 1
    assert "nothing was verified" in capsys.readouterr().err
    assert main(["report"]) == 1
    assert "holds no records" in capsys.readouterr().err


def test_from_run_to_verified_report(capsys: pytest.CaptureFixture[str]) -> None:
    """run, report, verify, compare and doctor, one after the other, on the smallest collection."""
    cells = [
        "--variant",
        "bm25",
        "--variant",
        "lsa",
        "--variant",
        "rrf(bm25,lsa)",
        "--collection",
        "synthetic/tiny",
    ]
    assert main(["run", *cells, "--quiet"]) == 0
    text = capsys.readouterr().out
    assert "rrf(bm25:flat,lsa:svd256)" in text
    assert text.strip().endswith("report: reports/README.md")
    page = Path("reports/README.md").read_text()
    assert "synthetic/tiny" in page

    assert main(["verify", "--strict"]) == 0
    assert "0 problems" in capsys.readouterr().out
    assert main(["report"]) == 0
    assert Path("reports/README.md").read_text() == page
    capsys.readouterr()

    assert main(["compare", "bm25", "lsa", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["wins"] + found["losses"] <= found["queries"]
    assert found["difference"] == pytest.approx(found["mean_b"] - found["mean_a"])
    assert found["protocol_differs_in"] == []
    assert main(["compare", "bm25", "lsa", "--measure", "P@3"]) == 2
    assert "no measure of synthetic/tiny named 'P@3'" in capsys.readouterr().err
    assert main(["doctor", "--suite", "demo"]) == 0
    assert "all that can be estimated" in capsys.readouterr().out

    record = json.loads(Path("results/records/bm25.flat/synthetic.tiny.json").read_text())
    search = record["efficiency"]["search"]
    assert search["p50_ms"] <= search["p95_ms"] <= search["p99_ms"]
    assert set(search["stages_ms"]) == {"encode", "search", "fetch"}
    assert record["efficiency"]["build"]["index_bytes"] > 0
    assert record["efficiency"]["calibration"]["matrix_gflops"] > 0

    Path("reports/README.md").write_text(page.replace("0.5", "0.6", 1))
    assert main(["verify"]) == 1
    assert "not what the records give" in capsys.readouterr().out


def test_unreachable_data_is_said_and_strict_makes_it_a_failure(tmp_path: Path) -> None:
    """One line, exit 0 when something was measured; exit 1 with --strict."""
    cells = [
        "--variant",
        "bm25",
        "--collection",
        "beir/arguana",
        "--collection",
        "synthetic/tiny",
        "--no-efficiency",
    ]
    environment = {"IR_DATASETS_HOME": str(tmp_path / "none"), "https_proxy": "http://127.0.0.1:9"}
    done = bench("run", *cells, **environment)
    assert done.returncode == 0
    assert done.stdout.count("not run: beir/arguana: not on disk; downloads from") == 1
    assert "Traceback" not in done.stderr
    assert bench("run", *cells, "--strict", **environment).returncode == 1


def test_numbers_on_a_pipe_that_closes(tmp_path: Path) -> None:
    """`list | head -1` is no error."""
    done = subprocess.run(
        f"{sys.executable} -m benchmarks list | head -1",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


@pytest.mark.parametrize("variant", ["lsa", "bm25", "lsa@HNSW32"])
def test_a_full_disk_is_one_line_and_the_same_command_goes_on(variant: str, small_disk: Path) -> None:
    """No stack trace, exit 1, nothing damaged: with room, the same command ends well."""
    cell = ["run", "--variant", variant, "--collection", "synthetic/small", "--no-efficiency"]
    subprocess.run(["mount", "-o", "remount,size=600k", small_disk], check=True)
    done = bench(*cell, RETRIEVER_BENCH_CACHE=str(small_disk))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "no space left" in done.stderr
    assert not list(small_disk.rglob("*.tmp"))
    subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
    assert bench(*cell, RETRIEVER_BENCH_CACHE=str(small_disk)).returncode == 0


def test_wrong_generators_end_the_command_in_a_line(tmp_path: Path) -> None:
    """A user's file that declares one wrongly is named, and nothing else is printed."""
    path = tmp_path / "mine.toml"
    path.write_text('[mine]\nkind = "endpoint"\n')
    done = bench("list", RETRIEVER_BENCH_GENERATORS=str(path))
    assert done.returncode != 0
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert f"{path}: mine lacks model" in line
