"""Contriever (Izacard et al. 2022): dense retrieval learnt without judgments.

What is new in it, random cropping and MoCo, is in its training. What a reproducer must get
right at the other end: the mean over unmasked positions, an inner product without
normalisation, no prefix. Taking [CLS], or the cosine, gives other numbers.
"""

from __future__ import annotations

from pathlib import Path

from baselines.encoders.checkpoints import PYTORCH, Checkpoint
from benchmarks.interfaces import Encoder, Setting
from benchmarks.registry import Baseline, Paper, Variant

# The repositories hold PyTorch files only.
UNSUPERVISED = Checkpoint("facebook/contriever", "2bd46a25019aeea091fd42d1f0fd4801675cf699", weights=PYTORCH)
MSMARCO = Checkpoint(
    "facebook/contriever-msmarco", "abe8c1493371369031bcb1e02acb754cf4e162fa", weights=PYTORCH
)


def _encoder(checkpoint: Checkpoint, setting: Setting) -> Encoder:
    from baselines.encoders.transformer import Conventions, TransformerEncoder

    conventions = Conventions(normalised=False, query_tokens=512, document_tokens=512)
    return TransformerEncoder(checkpoint, conventions, setting.checkpoint)


def _variant(checkpoint: Checkpoint, summary: str) -> Variant:
    return Variant(lambda setting: _encoder(checkpoint, setting), summary, missing=checkpoint.missing)


baseline = Baseline(
    key="contriever",
    summary="unsupervised dense retrieval by random cropping and MoCo, 768 dimensions",
    paper=Paper(
        "Unsupervised Dense Information Retrieval with Contrastive Learning",
        "Izacard et al.",
        2022,
        "2112.09118",
    ),
    variants={
        "unsupervised": _variant(UNSUPERVISED, "trained on crops of Wikipedia and CCNet, no judgments"),
        "msmarco": _variant(MSMARCO, "the former, fine-tuned on MS MARCO with mined negatives"),
    },
    published=Path(__file__).with_name("published.toml"),
)
