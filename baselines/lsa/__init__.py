"""Latent semantic analysis: the dense reference that needs no weights (Deerwester et al. 1990)."""

from __future__ import annotations

from benchmarks.interfaces import Encoder, Setting
from benchmarks.registry import Baseline, Variant


def _lsa(setting: Setting) -> Encoder:
    from baselines.lsa.encoder import LSAEncoder

    return LSAEncoder(dimension=256, seed=setting.seed, language=setting.language)


baseline = Baseline(
    key="lsa",
    summary="TF-IDF reduced to 256 dimensions by a truncated SVD of the collection itself",
    variants={"svd256": Variant(_lsa, "fitted on at most 50,000 documents, cosine")},
)
