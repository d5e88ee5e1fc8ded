"""DPR (Karpukhin et al. 2020): two encoders, in-batch negatives and one of BM25's.

The conventions are those of `baselines/encoders/dual.py`, which ANCE's question-answering
checkpoints share. The released NQ checkpoint is better than the paper's (79.97 against 78.4 of
answers in the top 20); the hybrid adds 1.1 times DPR's score to BM25's over the union of the two
best 2,000, as in the paper (section 5.1), where the weight was tuned on the development sets. The
reader answers from the best passages: `read(dpr:multiset,dpr:reader-multiset,depth=50)`.

How the encoders are trained stands in `training.py`, `losses.py` and `supervision.py`, the reader in `reader_training.py`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from baselines.dpr.reader import ExtractiveReader, reader_variant
from baselines.encoders.checkpoints import PYTORCH, Checkpoint
from baselines.encoders.dual import DualEncoder, dual_variant, sides
from baselines.training.checkpoint import TrainedCheckpoint, trained_variant
from baselines.training.family import family
from baselines.training.hybrid import TunedHybrid
from baselines.training.recipe import Recipe, recipes
from baselines.training.trained import Materials, Training
from benchmarks.interfaces import Setting
from benchmarks.registry import Baseline, Paper, Variant
from benchmarks.retrieval.resolve import composed

if TYPE_CHECKING:
    import torch

    from baselines.encoders.weights import Weights
    from baselines.training.objective import Objective

EXPERIMENTS = Path(__file__).with_name("experiments.toml")
_RECIPES = Path(__file__).with_name("recipe.toml")


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

# Inner products of towers that no scale was taught may have any: a weight of each size.
WEIGHTS = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
HYBRIDS = {
    f"{profile}:hybrid": TunedHybrid(
        f"dpr:{profile}:hybrid", f"union(1*bm25:flat,{{}}*dpr:{profile}:{name},depth=2000)", tuned_on, WEIGHTS
    )
    for profile, name, tuned_on in (
        ("lab", "nfcorpus", "beir/nfcorpus/dev"), ("synthetic", "in-batch", "synthetic/small/dev"),
    )
}  # fmt: skip


def _objective(materials: Materials) -> Objective:
    from baselines.dpr.training import DualTraining

    return DualTraining(materials)


def _encoder(recipe: Recipe, checkpoint: TrainedCheckpoint, setting: Setting) -> DualEncoder:
    pooling, similarity, build = recipe.objective["pooling"], recipe.objective["similarity"], None
    if similarity == "l2":
        pooling, build = f"{pooling}, ranked by distance", partial(_by_distance, pooling)
    return DualEncoder(
        *sides(checkpoint), setting, recipe.query_tokens, recipe.document_tokens, pooling, similarity == "cosine", build,
    )  # fmt: skip


def _by_distance(pooling: str, weights: Weights, side: str) -> torch.nn.Module:
    from baselines.dpr.distance import by_distance

    return by_distance(pooling, weights, side)


def _reading(materials: Materials) -> Objective:
    from baselines.dpr.reader_training import ReaderTraining

    return ReaderTraining(materials)


def _reader(checkpoint: TrainedCheckpoint, setting: Setting) -> ExtractiveReader:
    return ExtractiveReader(replace(checkpoint, part="reader"), setting)


def _trained(profile: str) -> dict[str, Variant]:
    """The encoders of a profile, and its readers."""
    found = family("dpr", _RECIPES, profile, _objective, _encoder)
    for name, recipe in recipes(_RECIPES, f"{profile}-reader").items():
        training = Training(f"dpr:{profile}:{name}", recipe, _reading)
        found[f"{profile}:{name}"] = trained_variant(training, _reader, "extractive reader trained here")
    return found


baseline = Baseline(
    key="dpr",
    summary="dense passage retrieval for questions; two BERTs, [CLS], 768 dimensions",
    paper=Paper(
        "Dense Passage Retrieval for Open-Domain Question Answering",
        "Karpukhin et al.",
        2020,
        "2004.04906",
        contribution=(
            "Two BERTs, one for questions and one for passages, trained on question-passage pairs alone, beat BM25 by 9 to 19 "
            "points of top-20 accuracy on open-domain questions, and no further pre-training is needed. What makes it work is "
            "simple: the other questions' passages of the batch as negatives, and one passage of BM25's that lacks the "
            "answer. Better retrieval gives better answers: a reader on top set the state of the art."
        ),
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
        **_trained("paper"),
        **_trained("lab"),
        **_trained("synthetic"),
        **{name: one.variant("BM25 + DPR, its weight found on dev queries") for name, one in HYBRIDS.items()},
    },
    published=Path(__file__).with_name("published.toml"),
    claims=Path(__file__).with_name("claims.toml"),
    recipe=_RECIPES,
)
