"""How token vectors are kept: what comes back, what it weighs, and that MaxSim over it is MaxSim."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.errors import DamagedCache, EvaluationError
from benchmarks.interfaces import Document, FloatArray
from benchmarks.retrieval.codecs import Codec, Floats
from benchmarks.retrieval.latekeys import STORED, codec_of
from benchmarks.retrieval.residual import packed, unpacked
from benchmarks.retrieval.tokenshards import drawn
from benchmarks.storage.manifest import Manifest

WORST = {"float32": 0.0, "float16": 2**-11, "int8": 0.5 / 127}
"""The largest error of a component, as a share of the vector's largest."""


def clustered(rows: int, dimension: int = 16, seed: int = 0) -> FloatArray:
    """Unit vectors around 64 points, as token vectors of a language model lie."""
    generator = np.random.default_rng(seed)
    points = np.random.default_rng(99).standard_normal((64, dimension))
    noise = generator.standard_normal((rows, dimension)) * 0.3
    found = points[generator.integers(64, size=rows)] + noise
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def opened(stored: str, folder: Path, sample: FloatArray) -> Codec:
    """A codec that has learnt from `sample`."""
    codec = codec_of(stored, seed=0)
    codec.open(Manifest(folder), lambda: sample)
    return codec


def back(codec: Codec, vectors: FloatArray) -> FloatArray:
    """What is left of vectors that were kept."""
    kept = {name: torch.from_numpy(array) for name, array in codec.encode(vectors).items()}
    found: FloatArray = codec.decode(kept).numpy()
    return found


@pytest.mark.parametrize("stored", WORST)
def test_floats_and_bytes_are_as_near_as_they_can_be(stored: str, tmp_path: Path) -> None:
    """Half a step of the scale at the worst, for vectors of any length, and the zero vector is itself."""
    vectors = np.random.default_rng(0).standard_normal((500, 24), dtype=np.float32)
    vectors *= np.logspace(-3, 3, 500, dtype=np.float32)[:, None]
    vectors[7] = 0
    codec = opened(stored, tmp_path, vectors)
    error = np.abs(back(codec, vectors) - vectors).max(axis=1)
    assert (error <= np.abs(vectors).max(axis=1) * (WORST[stored] * 1.01 + 1e-7) + 1e-7).all()


def test_more_bits_leave_less_error(tmp_path: Path) -> None:
    """The squared error falls with each bit, and with none is that of the centroids alone; seen and unseen vectors alike."""
    sample, unseen = clustered(8_000), clustered(2_000, seed=1)
    errors = [
        np.square(back(opened(f"residual{bits}", tmp_path / str(bits), sample), unseen) - unseen).mean()
        for bits in (1, 2, 4)
    ]
    codec = opened("residual2", tmp_path / "2", sample)
    rows = codec.encode(unseen)
    centroids = np.load(tmp_path / "2" / "centroids.npy")
    alone = np.square(centroids[rows["nearest"][:, 0]] - unseen).mean()
    # Four intervals of a normal distribution filled equally leave 0.14 of the variance, two 0.36, sixteen 0.02.
    assert errors[0] < 0.5 * alone
    assert errors[1] < 0.25 * alone
    assert errors[2] < 0.06 * alone


def test_each_vector_is_kept_with_its_closest_centroid(tmp_path: Path) -> None:
    """No other centroid is closer than the one that is written down."""
    codec = opened("residual1", tmp_path, clustered(4_000))
    vectors = clustered(300, seed=2)
    centroids = np.load(tmp_path / "centroids.npy")
    distances = np.square(vectors[:, None] - centroids).sum(axis=2)
    taken = distances[np.arange(300), codec.encode(vectors)["nearest"][:, 0]]
    np.testing.assert_allclose(taken, distances.min(axis=1), rtol=1e-4, atol=1e-6)


@given(st.sampled_from([1, 2, 4]), st.integers(1, 20), st.integers(1, 5), st.integers(0, 99))
def test_bits_come_back(bits: int, columns: int, rows: int, seed: int) -> None:
    """Any small numbers, whether they fill their last byte or not."""
    places = np.random.default_rng(seed).integers(2**bits, size=(rows, columns), dtype=np.uint8)
    codes = packed(places, bits)
    assert codes.shape == (rows, -(-columns * bits // 8))
    np.testing.assert_array_equal(unpacked(codes, bits)[:, :columns], places)


@pytest.mark.parametrize("stored", STORED)
def test_a_vector_weighs_what_is_said(stored: str, tmp_path: Path) -> None:
    """The bytes of a row of all arrays together, at an odd dimension too."""
    vectors = clustered(400, dimension=13)
    codec = opened(stored, tmp_path, vectors)
    kept = codec.encode(vectors)
    assert tuple(kept) == codec.parts
    assert sum(array.nbytes for array in kept.values()) == 400 * codec.bytes_per_vector(13)
    assert back(codec, vectors).shape == vectors.shape


def test_learning_twice_is_learning_once(tmp_path: Path) -> None:
    """The same sample and seed give the same bytes; what was learnt is opened without a sample; few vectors will do."""
    sample = clustered(2_000)
    codes = [opened("residual2", tmp_path / name, sample).encode(sample)["codes"] for name in ("a", "b")]
    np.testing.assert_array_equal(*codes)
    again = codec_of("residual2", seed=0)
    again.open(Manifest(tmp_path / "a"), lambda: pytest.fail("the sample was drawn again"))
    np.testing.assert_array_equal(again.encode(sample)["codes"], codes[0])
    assert np.isfinite(back(opened("residual2", tmp_path / "few", sample[:3]), sample)).all()


def test_damaged_centroids_are_never_used(tmp_path: Path) -> None:
    """A flipped byte is one clear line."""
    opened("residual1", tmp_path, clustered(500))
    content = bytearray((tmp_path / "centroids.npy").read_bytes())
    content[-5] ^= 1
    (tmp_path / "centroids.npy").write_bytes(content)
    with pytest.raises(DamagedCache, match=r"centroids.* delete .* and run again"):
        opened("residual1", tmp_path, clustered(500))


def test_what_half_precision_cannot_hold_is_refused() -> None:
    """No infinity is kept in silence; the line says what to use."""
    with pytest.raises(EvaluationError, match="@float32"):
        Floats("float16").encode(np.full((1, 4), 1e6, dtype=np.float32))


def test_a_drawn_sample_is_fair_and_repeatable() -> None:
    """Each of forty documents is drawn about as often as any other; all where there are fewer than wanted."""
    documents = [Document(str(number), "", "") for number in range(40)]
    counts = dict.fromkeys((document.id for document in documents), 0)
    for seed in range(1_000):
        for document in drawn(documents, 10, seed):
            counts[document.id] += 1
    # Binomial with 1,000 trials at 1/4: five standard deviations are 68.
    assert all(abs(count - 250) < 70 for count in counts.values())
    assert drawn(documents, 10, 3) == drawn(iter(documents), 10, 3)
    assert drawn(documents, 50, 0) == documents
