"""Pre-training tasks for two-tower retrieval (Chang et al. 2020): ICT, BFS, WLP.

No checkpoint was ever released, nor code: what can be measured is a training of one's own, given
with `--checkpoint`: a folder with `question_encoder/` and `ctx_encoder/` in the layout of
transformers' DPR classes, whose projection is the paper's linear layer to 512 dimensions. The
paper's sparse row is `bm25:flat`.
"""

from __future__ import annotations

from pathlib import Path

from baselines.encoders.checkpoints import Checkpoint
from baselines.encoders.dual import dual_variant
from benchmarks.registry import Baseline, Paper, Variant

QUESTIONS = Checkpoint("", part="question_encoder")
PASSAGES = Checkpoint("", part="ctx_encoder")


def _variant(tasks: str) -> Variant:
    summary = f"two towers, {tasks}; no checkpoint was released"
    return dual_variant(QUESTIONS, PASSAGES, summary, query_tokens=64, document_tokens=288)


baseline = Baseline(
    key="pretraining_tasks",
    summary="two towers pre-trained by ICT, BFS and WLP on Wikipedia; 512 dimensions",
    paper=Paper(
        "Pre-training Tasks for Embedding-based Large-scale Retrieval", "Chang et al.", 2020, "2002.03932"
    ),
    variants={
        "ict+bfs+wlp": _variant("pre-trained by all three tasks"),
        "ict": _variant("pre-trained by the inverse cloze task"),
        "mlm": _variant("pre-trained by masked words only"),
        "none": _variant("not pre-trained"),
    },
    published=Path(__file__).with_name("published.toml"),
)
