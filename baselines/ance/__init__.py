"""ANCE (Xiong et al. 2021): negatives from an index of the model's own, refreshed while it trains.

The MS MARCO checkpoints are a RoBERTa with a linear layer and a LayerNorm on its first token; a
plain RoBERTa of the same file is another model. Documents are read up to 512 tokens (FirstP), or
as four passages of 512 of which the best counts (MaxP). The question-answering checkpoint was
trained from DPR's and has its layout and conventions.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from baselines.ance.encoder import AnceEncoder, MaxPEncoder
from baselines.encoders.checkpoints import PYTORCH, Checkpoint
from baselines.encoders.dual import dual_variant
from baselines.encoders.variants import weighted
from benchmarks.interfaces import Encoder, Setting, TokenEncoder
from benchmarks.registry import Baseline, Paper, Variant

PASSAGE = Checkpoint(
    "castorini/ance-msmarco-passage", "6d7e7d6b6c59dd691671f280bc74edb4297f8234", weights=PYTORCH, architecture="roberta"
)  # fmt: skip
# No revision of these was to be found in a source; the paper's FirstP document checkpoint is on no hub.
DOC_FIRSTP = Checkpoint("", architecture="roberta")
DOC_MAXP = Checkpoint("castorini/ance-msmarco-doc-maxp", weights=PYTORCH, architecture="roberta")
QUESTIONS = Checkpoint("castorini/ance-dpr-question-multi", weights=PYTORCH, part="question_encoder")
PASSAGES = Checkpoint("castorini/ance-dpr-context-multi", weights=PYTORCH, part="ctx_encoder")


def _variant(
    build: Callable[[Checkpoint, Setting], Encoder | TokenEncoder], checkpoint: Checkpoint, summary: str
) -> Variant:
    return weighted(lambda setting: build(checkpoint, setting), summary, checkpoint)


def _passage(checkpoint: Checkpoint, setting: Setting) -> AnceEncoder:
    return AnceEncoder(checkpoint, 256, setting, documents=False)


def _firstp(checkpoint: Checkpoint, setting: Setting) -> AnceEncoder:
    return AnceEncoder(checkpoint, 512, setting, documents=True)


baseline = Baseline(
    key="ance",
    summary="nearest-neighbour negatives refreshed during training; RoBERTa, 768 dimensions",
    paper=Paper(
        "Approximate Nearest Neighbor Negative Contrastive Learning for Dense Text Retrieval",
        "Xiong et al.",
        2021,
        "2007.00808",
    ),
    variants={
        "msmarco-passage": _variant(
            _passage, PASSAGE, "MS MARCO passages; 64 tokens of a query, 256 of a passage"
        ),
        "msmarco-doc:firstp": _variant(_firstp, DOC_FIRSTP, "MS MARCO documents, their first 512 tokens"),
        "msmarco-doc:maxp": _variant(
            MaxPEncoder, DOC_MAXP, "MS MARCO documents, the best of four passages of 512 tokens"
        ),
        "multi": dual_variant(QUESTIONS, PASSAGES, "four question sets, from DPR's multiset checkpoint"),
    },
    published=Path(__file__).with_name("published.toml"),
    claims=Path(__file__).with_name("claims.toml"),
)
