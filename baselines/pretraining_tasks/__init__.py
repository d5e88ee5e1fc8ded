"""Pre-training tasks for two-tower retrieval (Chang et al. 2020): ICT, BFS, WLP.

No checkpoint was ever released, nor code: what can be measured is what the recipes here train (`tasks.py`,
`pretraining.py`), or a training of one's own, given with `--checkpoint`: a folder with `question_encoder/` and `ctx_encoder/` in the layout of
transformers' DPR classes, whose projection is the paper's linear layer to 512 dimensions. The
paper's shallow towers are `bow:...`, its sparse row is `bm25:flat`.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from baselines.encoders.checkpoints import Checkpoint
from baselines.encoders.dual import DualEncoder, dual_variant, sides
from baselines.training.checkpoint import TrainedCheckpoint
from baselines.training.family import family
from baselines.training.recipe import Recipe
from baselines.training.trained import Materials
from baselines.training.tuning import tuned
from benchmarks.interfaces import Setting
from benchmarks.registry import Baseline, Paper, Variant

if TYPE_CHECKING:
    import torch

    from baselines.encoders.weights import Weights
    from baselines.training.objective import Objective
    from baselines.training.towers import Towers

EXPERIMENTS = Path(__file__).with_name("experiments.toml")
"""What is asked of these variants (entry point group `retriever_bench.suites`)."""

_RECIPES = Path(__file__).with_name("recipe.toml")

QUESTIONS, PASSAGES = sides(Checkpoint(""))


def _variant(tasks: str) -> Variant:
    summary = f"two towers, {tasks}; no checkpoint was released"
    return dual_variant(QUESTIONS, PASSAGES, summary, query_tokens=64, document_tokens=288)


def _objective(materials: Materials) -> Objective:
    from baselines.pretraining_tasks.pretraining import objective

    return objective(materials)


def _towers(materials: Materials) -> Towers:
    from baselines.training.twotowers import TwoTowers

    return TwoTowers(materials.start, materials.recipe)


def _encoder(recipe: Recipe, checkpoint: TrainedCheckpoint, setting: Setting) -> DualEncoder:
    pooling, build = recipe.objective["pooling"], None
    if recipe.objective.get("architecture") == "bow":
        pooling, build = "mean of words, two layers", partial(_bag, recipe.objective["dimension"])
    return DualEncoder(
        *sides(checkpoint), setting, recipe.query_tokens, recipe.document_tokens, pooling, recipe.objective["normalised"], build,
    )  # fmt: skip


def _bag(dimension: int, weights: Weights, side: str) -> torch.nn.Module:
    from baselines.bow_mlp.bag import stored

    return stored(weights, side, dimension)


def _trained(profile: str) -> dict[str, Variant]:
    return family(
        "pretraining_tasks", _RECIPES, profile, _objective, _encoder,
        lambda training: tuned(training, _towers, profile),
    )  # fmt: skip


baseline = Baseline(
    key="pretraining_tasks",
    summary="two towers pre-trained by ICT, BFS and WLP on Wikipedia; 512 dimensions",
    paper=Paper(
        "Pre-training Tasks for Embedding-based Large-scale Retrieval",
        "Chang et al.",
        2020,
        "2002.03932",
        contribution=(
            "Retrieval by two towers was held to be too weak for a first stage, and BM25 stayed. This paper showed that what "
            "the towers are pre-trained on decides: not masked words, but tasks that resemble retrieval, on paragraphs of "
            "Wikipedia. A sentence finds the passage it was taken from (inverse cloze), a passage of its article (body "
            "first), or one of a linked article (wiki link). With all three a two-tower Transformer beats BM25 even where few "
            "judged pairs are left to fine-tune on."
        ),
    ),
    variants={
        "ict+bfs+wlp": _variant("pre-trained by all three tasks"),
        "ict": _variant("pre-trained by the inverse cloze task"),
        "mlm": _variant("pre-trained by masked words only"),
        "none": _variant("not pre-trained"),
        **_trained("paper"),
        **_trained("lab"),
        **_trained("synthetic"),
    },
    published=Path(__file__).with_name("published.toml"),
    claims=Path(__file__).with_name("claims.toml"),
    recipe=_RECIPES,
)
