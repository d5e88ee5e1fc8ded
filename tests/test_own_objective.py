"""The example of CONTRIBUTING.md, "Try your own objective": its files as they are printed, its commands as they are given."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

CONTRIBUTING = Path(__file__).parents[1] / "CONTRIBUTING.md"
PRINTED = re.compile(r"`((?:words/)?[\w.]+\.(?:py|toml))`[,:]?\n\n```(?:python|toml)\n(.*?)```", re.DOTALL)
COMMANDS = re.compile(r"```console\n(python -m pip install -e \.\n.*?)```", re.DOTALL)


@pytest.fixture(scope="module")
def example() -> str:
    """The section of the example."""
    text = CONTRIBUTING.read_text("utf-8")
    return text[text.index("**Try your own objective.**") : text.index("**Add a published number.**")]


@pytest.mark.slow
def test_the_examples_objective_is_trained_measured_and_reported(example: str, tmp_path: Path) -> None:
    """Every file is written and every command run, but for the latency: the report has both variants."""
    files = dict(PRINTED.findall(example))
    assert sorted(files) == [
        "pyproject.toml", "words/__init__.py", "words/experiments.toml", "words/objective.py", "words/recipe.toml",
    ]  # fmt: skip
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    (commands,) = COMMANDS.findall(example)
    install, *run = commands.splitlines()
    assert install == "python -m pip install -e ."
    target = tmp_path / "installed"
    quiet = ["-q", "--no-deps", "--no-build-isolation", "--target", str(target)]
    subprocess.run([sys.executable, "-m", "pip", "install", *quiet, "."], cwd=tmp_path, check=True)
    # What was installed there holds the TOML files only where it is run from: an editable install reads them in place.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(tmp_path), str(target)))}
    for command in run:
        name, verb, *words = command.split()
        assert name == "retriever-bench"
        quick = ["--no-efficiency"] if verb == "train" else []
        asked = [sys.executable, "-m", "benchmarks", verb, *words, *quick]
        subprocess.run(asked, cwd=tmp_path, env=environment, check=True)
    page = (tmp_path / "reports/experiments/words.md").read_text("utf-8")
    for variant in ("words:lab:none", "words:lab:told", "bm25:flat"):
        assert variant in page


def test_the_example_names_what_is_there(example: str) -> None:
    """The functions and files of RetroMAE's decoder that it points to exist."""
    folder = CONTRIBUTING.parent / "baselines/retromae"
    for file, name in (
        ("masks.py", "def sampled("), ("decoder.py", "class EnhancedDecoder("), ("decoder.py", "def decoder("),
        ("pretraining.py", "class RetroMAE("),
    ):  # fmt: skip
        assert f"`{file}`" in example
        assert name.split()[1].rstrip("(") in example
        assert name in (folder / file).read_text("utf-8")
