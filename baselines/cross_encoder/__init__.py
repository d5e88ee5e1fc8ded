"""Cross-encoders: a BERT that reads query and passage together (Nogueira and Cho 2019, 1901.04085).

They order what another retriever found: `rerank(bm25:flat,cross_encoder:minilm-l6,depth=1000)`.
`bert-base:random` has weights drawn at random and costs what a BERT re-ranker costs: for latency
only, what ColBERT's and TCT-ColBERT's tables are set against.
"""

from __future__ import annotations

from dataclasses import replace

from baselines.cross_encoder.scorer import CrossEncoder
from baselines.encoders.checkpoints import Checkpoint
from baselines.encoders.variants import weighted
from baselines.minilm import CHECKPOINT as VOCABULARY
from benchmarks.interfaces import Setting
from benchmarks.registry import Baseline, Paper, Variant

DRAWN = Checkpoint("")
MINILM = Checkpoint("cross-encoder/ms-marco-MiniLM-L-6-v2", "c5ee24cb16019beea0893ab7796b1df96625c6b8")


def _minilm(setting: Setting) -> CrossEncoder:
    return CrossEncoder(lambda: MINILM.open(setting), MINILM.identity(setting))


def _drawn(setting: Setting) -> CrossEncoder:
    size = replace(setting, random_weights=True, full_size=not setting.random_weights)
    return CrossEncoder(lambda: DRAWN.open(size), DRAWN.identity(size))


baseline = Baseline(
    key="cross_encoder",
    summary="query and passage read together by one BERT; re-ranks only",
    paper=Paper("Passage Re-ranking with BERT", "Nogueira and Cho", 2019, "1901.04085"),
    variants={
        "minilm-l6": weighted(_minilm, "six layers, distilled on MS MARCO; 512 tokens", MINILM),
        "bert-base:random": Variant(
            _drawn,
            "BERT-base with random weights: for its cost, never its quality",
            missing=VOCABULARY.missing,
            needs=f"the vocabulary of {VOCABULARY.needs}",
        ),
    },
)
