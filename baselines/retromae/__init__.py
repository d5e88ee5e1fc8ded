"""RetroMAE (Xiao et al. 2022): a masked auto-encoder whose decoder sees a text through its [CLS] alone.

What is new in it is the pre-training. Its fine-tuned checkpoints are plain: the last layer's
[CLS], an inner product, no normalisation, no prefix. `Shitao/RetroMAE` and
`Shitao/RetroMAE_MSMARCO` are pre-trained only and retrieve nothing before fine-tuning, so they
are no variants. The MS MARCO checkpoints were fine-tuned on passages with titles, which the
official passages lack.
"""

from __future__ import annotations

from pathlib import Path

from baselines.encoders.checkpoints import PYTORCH, Checkpoint
from baselines.encoders.transformer import Conventions, plain_variant
from benchmarks.registry import Baseline, Paper

# No revision of these was to be found in a source.
FINETUNED = Checkpoint("Shitao/RetroMAE_MSMARCO_finetune", weights=PYTORCH)
DISTILLED = Checkpoint("Shitao/RetroMAE_MSMARCO_distill", weights=PYTORCH)
BEIR = Checkpoint("Shitao/RetroMAE_BEIR", weights=PYTORCH)

ON_MSMARCO = Conventions(normalised=False, query_tokens=32, document_tokens=140, pooling="first token")
ON_BEIR = Conventions(normalised=False, query_tokens=32, document_tokens=144, pooling="first token")

baseline = Baseline(
    key="retromae",
    summary="pre-training by auto-encoding through a weak decoder; [CLS], 768 dimensions",
    paper=Paper(
        "RetroMAE: Pre-Training Retrieval-oriented Language Models Via Masked Auto-Encoder",
        "Xiao et al.",
        2022,
        "2205.12035",
    ),
    variants={
        "msmarco-finetune": plain_variant(
            FINETUNED, ON_MSMARCO, "fine-tuned on MS MARCO with negatives of its own mining"
        ),
        "msmarco-distill": plain_variant(DISTILLED, ON_MSMARCO, "distilled from a cross-encoder on MS MARCO"),
        "beir": plain_variant(
            BEIR, ON_BEIR, "fine-tuned on MS MARCO with the hard negatives of sentence-transformers"
        ),
    },
    published=Path(__file__).with_name("published.toml"),
)
