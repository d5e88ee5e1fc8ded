"""ColBERT (Khattab and Zaharia 2020): a vector for every token, compared late.

`colbert:v2` retrieves end to end over all documents; `rerank(candidates:bm25,colbert:v2,depth=1000)`
re-orders a first stage's best. No checkpoint of the paper's own (v1) is on the hub: give yours with
`--checkpoint`. The second version's checkpoint is another training (distillation, residual
compression) under the same conventions, and its numbers are not the paper's.
"""

from __future__ import annotations

from pathlib import Path

from baselines.colbert.encoder import ColbertEncoder
from baselines.encoders.checkpoints import Checkpoint
from baselines.encoders.variants import weighted
from benchmarks.registry import Baseline, Paper, Variant

V1 = Checkpoint("")
V2 = Checkpoint("colbert-ir/colbertv2.0", "c1e84128e85ef755c096a95bdb06b47793b13acf")


def _variant(checkpoint: Checkpoint, document_tokens: int, summary: str) -> Variant:
    return weighted(lambda setting: ColbertEncoder(checkpoint, document_tokens, setting), summary, checkpoint)


baseline = Baseline(
    key="colbert",
    summary="late interaction: 128 dimensions for every token, MaxSim",
    paper=Paper(
        "ColBERT: Efficient and Effective Passage Search via Contextualized Late Interaction over BERT",
        "Khattab and Zaharia",
        2020,
        "2004.12832",
    ),
    variants={
        "v2": _variant(V2, 220, "the ColBERTv2 checkpoint, exact MaxSim, 220 tokens of a passage"),
        "v1": _variant(V1, 180, "the paper's model, 180 tokens of a passage; bring a checkpoint"),
    },
    published=Path(__file__).with_name("published.toml"),
    claims=Path(__file__).with_name("claims.toml"),
)
