"""Cross-encoders: a BERT that reads query and passage together (Nogueira and Cho 2019, 1901.04085).

They order what another retriever found: `rerank(bm25:flat,cross_encoder:minilm-l6,depth=1000)`.
`bert-base:random` has weights drawn at random and costs what a BERT re-ranker costs: for latency
only, what ColBERT's and TCT-ColBERT's tables are set against.
"""

from __future__ import annotations

from baselines.cross_encoder.scorer import CrossEncoder
from baselines.encoders.checkpoints import Checkpoint
from baselines.encoders.weights import FolderWeights, Weights
from baselines.minilm import CHECKPOINT as VOCABULARY
from benchmarks.interfaces import Setting
from benchmarks.registry import Baseline, Paper, Variant

MINILM = Checkpoint("cross-encoder/ms-marco-MiniLM-L-6-v2", "c5ee24cb16019beea0893ab7796b1df96625c6b8")


def _minilm(setting: Setting) -> CrossEncoder:
    return CrossEncoder(lambda: MINILM.open(setting), MINILM.identity(setting))


def _drawn(setting: Setting) -> CrossEncoder:
    from baselines.encoders.drawn import DrawnWeights

    def weights() -> Weights:
        # A text has as many tokens as BERT's vocabulary gives it; MiniLM's is BERT's.
        return DrawnWeights("bert-base", setting.seed, FolderWeights(VOCABULARY.locate()).tokenizer())

    if setting.random_weights:
        return CrossEncoder(
            lambda: DrawnWeights("bert", setting.seed), {"drawn": "bert", "seed": setting.seed}
        )
    return CrossEncoder(weights, {"drawn": "bert-base", "seed": setting.seed})


baseline = Baseline(
    key="cross_encoder",
    summary="query and passage read together by one BERT; re-ranks only",
    paper=Paper("Passage Re-ranking with BERT", "Nogueira and Cho", 2019, "1901.04085"),
    variants={
        "minilm-l6": Variant(
            _minilm,
            "six layers, distilled on MS MARCO; 512 tokens",
            missing=MINILM.missing,
            needs=MINILM.needs,
        ),
        "bert-base:random": Variant(
            _drawn,
            "BERT-base with random weights: for its cost, never its quality",
            missing=VOCABULARY.missing,
            needs=f"the vocabulary of {VOCABULARY.needs}",
        ),
    },
)
