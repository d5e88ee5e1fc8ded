"""Contriever (Izacard et al. 2022): dense retrieval learnt without judgments.

What is new in it, random cropping and MoCo, is in its training. What a reproducer must get
right at the other end: the mean over unmasked positions, an inner product without
normalisation, no prefix. Taking [CLS], or the cosine, gives other numbers.
"""

from __future__ import annotations

from pathlib import Path

from baselines.encoders.checkpoints import PYTORCH, Checkpoint
from baselines.encoders.transformer import Conventions, plain_variant
from benchmarks.registry import Baseline, Paper

# The repositories hold PyTorch files only.
UNSUPERVISED = Checkpoint("facebook/contriever", "2bd46a25019aeea091fd42d1f0fd4801675cf699", weights=PYTORCH)
MSMARCO = Checkpoint(
    "facebook/contriever-msmarco", "abe8c1493371369031bcb1e02acb754cf4e162fa", weights=PYTORCH
)
# No revision of these two was to be found in a source.
MULTILINGUAL = Checkpoint("facebook/mcontriever", weights=PYTORCH)
MULTILINGUAL_MSMARCO = Checkpoint("facebook/mcontriever-msmarco", weights=PYTORCH)

CONVENTIONS = Conventions(normalised=False, query_tokens=512, document_tokens=512)

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
        "unsupervised": plain_variant(
            UNSUPERVISED, CONVENTIONS, "trained on crops of Wikipedia and CCNet, no judgments"
        ),
        "msmarco": plain_variant(
            MSMARCO, CONVENTIONS, "the former, fine-tuned on MS MARCO with mined negatives"
        ),
        "mcontriever": plain_variant(
            MULTILINGUAL, CONVENTIONS, "29 languages of CCNet, from multilingual BERT, no judgments"
        ),
        "mcontriever-msmarco": plain_variant(
            MULTILINGUAL_MSMARCO, CONVENTIONS, "the multilingual one, fine-tuned on English MS MARCO"
        ),
    },
    published=Path(__file__).with_name("published.toml"),
)
