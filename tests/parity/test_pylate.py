"""ColBERT's token matrices and MaxSim against PyLate, in an environment of its own (`nox -s parity`)."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from benchmarks.interfaces import Document
from benchmarks.retrieval.maxsim import maxsim
from tests.baselines.layouts import texts
from tests.baselines.test_colbert import built, saved


@pytest.fixture(scope="module")
def python() -> str:
    """The interpreter of an environment that has PyLate."""
    found = os.environ.get("RETRIEVER_BENCH_PYLATE")
    if not found:
        pytest.skip("RETRIEVER_BENCH_PYLATE names no interpreter with PyLate; `nox -s parity` makes one")
    return found


def test_matrices_and_scores_are_those_of_pylate(python: str, tmp_path: Path) -> None:
    """200 queries and passages on random weights: cosine of every vector >= 0.99999, MaxSim equal."""
    saved(tmp_path / "model")
    config = json.loads((tmp_path / "model" / "config.json").read_text("utf-8"))
    # How the released checkpoint calls itself, and PyLate knows it by.
    (tmp_path / "model" / "config.json").write_text(
        json.dumps({**config, "architectures": ["HF_ColBERT"]}), "utf-8"
    )
    given = texts()
    (tmp_path / "texts.json").write_text(json.dumps(given), "utf-8")
    script = Path(__file__).with_name("with_pylate.py")
    subprocess.run(
        [python, str(script), str(tmp_path / "model"), str(tmp_path / "texts.json"), str(tmp_path / "out.npz")],
        check=True, capture_output=True,
    )  # fmt: skip
    theirs = np.load(tmp_path / "out.npz")
    encoder = built("v2", tmp_path / "model")
    queries = encoder.encode_queries(given)
    documents = encoder.encode_documents([Document(str(n), "", text) for n, text in enumerate(given)])
    for kind, ours in (("query", queries), ("document", documents)):
        for place, matrix in enumerate(ours):
            assert matrix.shape == theirs[f"{kind}{place}"].shape, (kind, given[place])
            assert (matrix * theirs[f"{kind}{place}"]).sum(axis=1).min() >= 0.99999, (kind, given[place])
    scores = [maxsim([q], d, np.array([len(d)]))[0, 0] for q, d in zip(queries, documents, strict=True)]
    np.testing.assert_allclose(scores, theirs["scores"], rtol=1e-5)
