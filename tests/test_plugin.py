"""A plugin from outside: forty lines, an entry point, and no change here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PYPROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "retriever-bench-outsider"
version = "1"
[project.entry-points."retriever_bench.baselines"]
outsider = "outsider:baseline"
[tool.setuptools]
py-modules = ["outsider"]
"""

MODULE = '''
"""Letters as vectors, and a retriever that ranks by length."""
import numpy as np
from benchmarks import Baseline, Ranking, Variant


class Letters:
    protocol = {"model": "letters", "version": 1}

    def encode_queries(self, texts):
        rows = [[text.lower().count(letter) for letter in "abcdefghijklmnopqrstuvwxyz"] for text in texts]
        vectors = np.array(rows, dtype=np.float32).reshape(-1, 26)
        return vectors / np.maximum(1, np.linalg.norm(vectors, axis=1, keepdims=True))

    def encode_documents(self, documents):
        return self.encode_queries([document.contents for document in documents])


class Shortest:
    protocol = {"model": "shortest first", "version": 1}

    def index(self, documents, folder):
        self.lengths = sorted((len(document.text), document.id) for document in documents)

    def search(self, queries, depth):
        best = self.lengths[:depth]
        scores = np.array([-length for length, _ in best], dtype=np.float32)
        return [Ranking([id for _, id in best], scores) for _ in queries]


baseline = Baseline(
    key="outsider",
    summary="two toys",
    variants={
        "letters": Variant(lambda setting: Letters(), "how often each letter occurs"),
        "shortest": Variant(lambda setting: Shortest(), "the shortest documents first"),
    },
)
'''


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plugin, installed from its folder into a place of its own."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("target")
    (source / "pyproject.toml").write_text(PYPROJECT)
    (source / "outsider.py").write_text(MODULE)
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "--target",
        str(target),
        str(source),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return target


def bench(plugin: Path, folder: Path, *arguments: str) -> str:
    """The command line with the plugin installed."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        capture_output=True, text=True, check=False, cwd=folder, env={**os.environ, "PYTHONPATH": str(plugin)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_is_listed_run_recorded_and_reported(plugin: Path, tmp_path: Path) -> None:
    """Both kinds of plugin go the whole way, compositions and a faiss index included."""
    assert "outsider:letters" in bench(plugin, tmp_path, "list")
    specs = [
        "outsider",
        "outsider:letters@HNSW16",
        "outsider:shortest",
        "rrf(bm25,outsider)",
        "rerank(bm25,outsider,depth=20)",
    ]
    arguments = [part for spec in specs for part in ("--variant", spec)]
    found = json.loads(
        bench(plugin, tmp_path, "run", *arguments, "--collection", "synthetic/tiny", "--json", "--quiet")
    )
    assert [cell["spec"] for cell in found["cells"]] == [
        "outsider:letters", "outsider:letters@HNSW16", "outsider:shortest",
        "rrf(bm25:flat,outsider:letters)", "rerank(bm25:flat,outsider:letters,depth=20)",
    ]  # fmt: skip
    assert all(
        cell["efficiency"]["build"]["index_bytes"] > 0 for cell in found["cells"] if "letters" in cell["spec"]
    )
    page = (tmp_path / "reports/baselines/outsider.md").read_text()
    assert "outsider:shortest" in page
    assert "outsider:letters" in (tmp_path / "reports/README.md").read_text()
    assert "0 problems" in bench(plugin, tmp_path, "verify", "--strict")


def test_it_passes_the_conformance_kit(plugin: Path, tmp_path: Path) -> None:
    """The kit that ships with the bench, run by the plugin itself."""
    code = (
        "import pathlib, sys; from benchmarks.conformance import check_variant\n"
        "for name in ('letters', 'shortest'): check_variant(f'outsider:{name}', pathlib.Path(sys.argv[1]) / name)"
    )
    environment = {**os.environ, "PYTHONPATH": str(plugin)}
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, env=environment)


@pytest.mark.parametrize(
    ("module", "message"),
    [
        ("import no_such_module", "plugin 'broken' (broken:baseline) is left out: ModuleNotFoundError"),
        (
            "from benchmarks.errors import UsageError\nraise UsageError('no such key')",
            "plugin 'broken' (broken:baseline) is left out: no such key",
        ),
        ("baseline = 3", "entry point 'broken' (broken:baseline) is not a Baseline"),
        (
            "from benchmarks import Baseline, Variant\nclass Nothing: pass\n"
            "baseline = Baseline('broken', 's', {'x': Variant(lambda s: Nothing(), 'd')})",
            "broken:x: Nothing is neither an Encoder",
        ),
    ],
)
def test_a_broken_plugin_is_named(module: str, message: str, tmp_path: Path) -> None:
    """No stack trace, and the plugin's name: where it cannot be imported, the others still work."""
    info = tmp_path / "broken-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[retriever_bench.baselines]\nbroken = broken:baseline\n")
    (tmp_path / "broken.py").write_text(module)
    variant = "bm25" if "left out" in message else "broken"
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "run", "--variant", variant, "--collection", "synthetic/tiny", "--no-efficiency"],
        capture_output=True, text=True, check=False, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert message in done.stderr + done.stdout
    assert "Traceback" not in done.stderr
    assert (done.returncode == 0) is (variant == "bm25")
