"""DPR (Karpukhin et al. 2020): two encoders, in-batch negatives and one of BM25's.

The conventions are those of `baselines/encoders/dual.py`, which ANCE's question-answering
checkpoints share. The released NQ checkpoint is better than the paper's (79.97 against 78.4 of
answers in the top 20); the hybrid adds 1.1 times DPR's score to BM25's over the union of the two
best 2,000, as in the paper (section 5.1), where the weight was tuned on the development sets. The
reader answers from the best passages: `read(dpr:multiset,dpr:reader-multiset,depth=50)`.
"""

from __future__ import annotations

from pathlib import Path

from baselines.dpr.reader import reader_variant
from baselines.encoders.checkpoints import PYTORCH, Checkpoint
from baselines.encoders.dual import dual_variant
from benchmarks.registry import Baseline, Paper
from benchmarks.retrieval.resolve import composed


def _checkpoints(name: str, question: str, passage: str) -> tuple[Checkpoint, Checkpoint]:
    """Question and passage encoder of one training, pinned."""
    return (
        Checkpoint(
            f"facebook/dpr-question_encoder-{name}", question, weights=PYTORCH, part="question_encoder"
        ),
        Checkpoint(f"facebook/dpr-ctx_encoder-{name}", passage, weights=PYTORCH, part="ctx_encoder"),
    )


SINGLE = _checkpoints(
    "single-nq-base", "d04a52f6d2f96c60117a925e8c24c4043a75f265", "bb21a3c2b1656d60c6a8e920283bc40dabddadb8"
)
MULTI = _checkpoints(
    "multiset-base", "5325e4ee906435291d63046f535476cb3fc60d43", "fdb3d46584386d2f20aa00724ae31cebc348d16b"
)

# No revision of the readers was to be found in a source.
SINGLE_READER = Checkpoint("facebook/dpr-reader-single-nq-base", weights=PYTORCH, part="reader")
MULTI_READER = Checkpoint("facebook/dpr-reader-multiset-base", weights=PYTORCH, part="reader")

baseline = Baseline(
    key="dpr",
    summary="dense passage retrieval for questions; two BERTs, [CLS], 768 dimensions",
    paper=Paper(
        "Dense Passage Retrieval for Open-Domain Question Answering", "Karpukhin et al.", 2020, "2004.04906"
    ),
    variants={
        "multiset": dual_variant(*MULTI, "trained on NQ, TriviaQA, WebQuestions and CuratedTREC"),
        "single-nq": dual_variant(*SINGLE, "trained on Natural Questions"),
        "reader-multiset": reader_variant(MULTI_READER, "extractive reader, for the multiset retriever"),
        "reader-single-nq": reader_variant(SINGLE_READER, "extractive reader, trained on Natural Questions"),
        "bm25+dpr": composed(
            "union(1*bm25:flat,1.1*dpr:multiset,depth=2000)",
            "BM25 + 1.1 DPR over the union of their best 2,000",
        ),
    },
    published=Path(__file__).with_name("published.toml"),
    claims=Path(__file__).with_name("claims.toml"),
)
