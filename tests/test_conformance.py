"""The conformance kit: the built-in baselines pass, broken ones do not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.conformance import ConformanceError, check_encoder, check_retriever, check_variant
from benchmarks.errors import BenchError
from benchmarks.interfaces import Document, FloatArray, Query, Ranking, Retriever, Setting
from benchmarks.protocol import fingerprint
from benchmarks.registry import Baseline, Variant, baselines
from benchmarks.retrieval.dense import DenseRetriever
from tests.retrieval.stubs import HashEncoder

RANDOM = Setting(random_weights=True)


def _built_in() -> list[str]:
    """The variants whose retrievals differ: those that differ in how their weights were trained keep the contract alike.

    Compositions are left out, since their parts are here. Candidates answer the queries of their collection and no
    others: tests/retrieval/test_candidates.py.
    """
    found: dict[str, str] = {}
    for key, baseline in baselines().items():
        for name, variant in baseline.variants.items():
            built = variant.build(RANDOM) if key != "candidates" else None
            if built is not None and not (hasattr(built, "parts") and not isinstance(built, Retriever)):
                kind = fingerprint({"class": type(built).__name__, **built.protocol})
                found.setdefault(kind if variant.trained_here else name + kind, f"{key}:{name}")
    return list(found.values())


BUILT_IN = _built_in()


@pytest.mark.parametrize("spec", BUILT_IN)
def test_the_built_in_baselines_pass(spec: str, tmp_path: Path) -> None:
    """Shapes, types, repeatability, batch size, padding, odd texts, order, reopening."""
    key, _, name = spec.partition(":")
    if lacking := baselines()[key].variants[name].missing():
        pytest.skip(f"{spec}: {lacking}")
    check_variant(spec, tmp_path)


@pytest.mark.parametrize("spec", BUILT_IN)
def test_every_variant_passes_with_random_weights(spec: str, tmp_path: Path) -> None:
    """What a variant makes of its model keeps the contract, whatever the weights."""
    check_variant(spec, tmp_path, RANDOM)


class Spoiled(HashEncoder):
    """An encoder with one thing wrong."""

    def __init__(self, spoil: Callable[[FloatArray, Sequence[str]], Any]) -> None:
        super().__init__()
        self.spoil = spoil

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        """What the stub gives, spoiled."""
        spoiled: FloatArray = self.spoil(super().encode_queries(texts), texts)
        return spoiled


BROKEN = {
    "float64 for float32": (lambda v, t: v.astype(np.float64), "not float32"),
    "a vector short": (lambda v, t: v[1:], "gave shape"),
    "depends on its batch": (lambda v, t: v - v.sum(axis=0), "encoded alone differs"),
    "depends on padding": (lambda v, t: v * max((len(x) for x in t), default=1), "differs"),
    "not repeatable": (lambda v, t: v + np.random.default_rng().random(v.shape, dtype=np.float32), "the second time"),
    "not finite for empty text": (lambda v, t: np.where([[x.removeprefix("title").strip(" 0123456789") == ""] for x in t] or [[False]], np.float32(np.nan), v), "not finite"),
    "fails on no text": (lambda v, t: v if len(t) else np.zeros((1, 16), dtype=np.float32), "no texts gave 1"),
}  # fmt: skip


@pytest.mark.parametrize("fault", BROKEN)
def test_broken_encoders_are_caught(fault: str, tmp_path: Path) -> None:
    """Each fault is found and named."""
    spoil, message = BROKEN[fault]
    with pytest.raises(ConformanceError, match=message):
        check_encoder(Spoiled(spoil), tmp_path)


class Disordered(DenseRetriever):
    """A retriever that returns its documents worst first."""

    def search(self, queries: Sequence[Query], depth: int) -> list[Ranking]:
        """Backwards."""
        return [Ranking(r.ids[::-1], r.scores[::-1]) for r in super().search(queries, depth)]


class Deep(DenseRetriever):
    """A retriever that returns more than was asked."""

    def search(self, queries: Sequence[Query], depth: int) -> list[Ranking]:
        """One deeper."""
        return super().search(queries, depth + 1)


class Inventive(DenseRetriever):
    """A retriever that names documents nobody gave it."""

    def search(self, queries: Sequence[Query], depth: int) -> list[Ranking]:
        """A stranger in front."""
        return [Ranking(["zzz", *r.ids[1:]], r.scores) for r in super().search(queries, depth)]


@pytest.mark.parametrize(
    ("kind", "message"),
    [(Disordered, "ranking order"), (Deep, "deeper than asked"), (Inventive, "not indexed")],
)
def test_broken_retrievers_are_caught(kind: type[DenseRetriever], message: str, tmp_path: Path) -> None:
    """Wrong order, wrong depth, wrong ids."""
    with pytest.raises(ConformanceError, match=message):
        check_retriever(kind(HashEncoder()), kind(HashEncoder()), tmp_path)


def test_an_index_that_forgets_is_caught(tmp_path: Path) -> None:
    """A second instance must find what the first one wrote."""

    class Forgetful(DenseRetriever):
        def index(self, documents: Any, folder: Path) -> None:
            super().index(
                [Document(d.id, "", d.text + str(id(self))) for d in documents], folder / str(id(self))
            )

    first, second = Forgetful(HashEncoder()), Forgetful(HashEncoder())
    with pytest.raises(BenchError, match="a second time"):
        check_retriever(first, second, tmp_path)


class Lists(DenseRetriever):
    """A retriever that returns ids and scores, and no rankings."""

    def search(self, queries: Sequence[Query], depth: int) -> Any:
        """Pairs for rankings."""
        return [(r.ids, r.scores) for r in super().search(queries, depth)]


def test_what_is_no_ranking_is_named(tmp_path: Path) -> None:
    """A wrong type is a line that says which type was owed."""
    with pytest.raises(ConformanceError, match="gave tuple for a query, not a Ranking"):
        check_retriever(Lists(HashEncoder()), Lists(HashEncoder()), tmp_path)


def test_what_is_neither_encoder_nor_retriever_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A class without `protocol` is told what it lacks."""
    broken = Baseline("broken", "a toy", {"x": Variant(lambda setting: object(), "nothing")})  # type: ignore[arg-type, return-value]
    monkeypatch.setattr("benchmarks.registry.baselines", lambda: {"broken": broken})
    with pytest.raises(ConformanceError, match="object lacks what an Encoder or a Retriever has"):
        check_variant("broken:x", tmp_path)
