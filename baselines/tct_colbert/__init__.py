"""TCT-ColBERT (Lin et al. 2021): one vector a text, distilled from ColBERT within each batch.

The teacher scores all pairs of a batch while the student trains (`distillation.py`, `teacher.py`). The hybrids add BM25's score to
the dense one with the weights of the authors' reproduction (0.06; 0.1 for doc2query-T5), tuned on
6,000 training queries: the best 1,000 of each, a missing score being the lowest of its list.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from baselines.encoders.checkpoints import PYTORCH, Checkpoint
from baselines.encoders.variants import weighted
from baselines.tct_colbert.encoder import FIRSTP_TOKENS, PASSAGE_TOKENS, TctEncoder
from baselines.training.checkpoint import TrainedCheckpoint
from baselines.training.family import family
from baselines.training.recipe import Recipe
from baselines.training.trained import SCRATCH, Materials
from benchmarks.interfaces import Setting
from benchmarks.registry import Baseline, Paper, Variant
from benchmarks.retrieval.resolve import composed

if TYPE_CHECKING:
    from baselines.training.finetuning import FineTuning

EXPERIMENTS = Path(__file__).with_name("experiments.toml")
_RECIPES = Path(__file__).with_name("recipe.toml")


def _variant(repository: str, summary: str, tokens: int = PASSAGE_TOKENS) -> Variant:
    # No revision of these was to be found in a source.
    checkpoint = Checkpoint(repository, weights=PYTORCH)
    return weighted(lambda setting: TctEncoder(checkpoint, setting, tokens), summary, checkpoint)


def _objective(materials: Materials) -> FineTuning:
    """With a teacher distillation from it, without one the labels' contrast over the batch."""
    from baselines.tct_colbert.tower import TctTower

    recipe = materials.recipe
    tower = TctTower(materials.start.weights, recipe.query_tokens, recipe.document_tokens)
    if "teacher" in recipe.objective:
        from baselines.tct_colbert.distillation import TightlyCoupled
        from baselines.tct_colbert.teacher import teacher

        return TightlyCoupled(tower, teacher(materials), materials)
    from baselines.training.finetuning import FineTuning

    return FineTuning(tower, materials)


def _encoder(recipe: Recipe, checkpoint: TrainedCheckpoint, setting: Setting) -> TctEncoder:
    return TctEncoder(checkpoint, setting, recipe.document_tokens, recipe.query_tokens)


def _trained(profile: str) -> dict[str, Variant]:
    return family("tct_colbert", _RECIPES, profile, _objective, _encoder, stand_ins={"teacher": SCRATCH})


baseline = Baseline(
    key="tct_colbert",
    summary="in-batch distillation from ColBERT; one BERT, mean of its tokens, 768 dimensions",
    paper=Paper(
        "In-Batch Negatives for Knowledge Distillation with Tightly-Coupled Teachers for Dense Retrieval",
        "Lin et al.",
        2021,
        acl="2021.repl4nlp-1.17",
        contribution=(
            "A ColBERT teaches a student of one vector a text, tightly coupled: it scores all pairs of each batch while the "
            "student trains, so that in-batch negatives have soft labels too, which scores computed beforehand could not "
            "give. With negatives that the trained student finds hard, and a teacher tuned on them first, one small index "
            "comes near its teacher, and with BM25 beside it passes it."
        ),
    ),
    variants={
        "v2-hnp": _variant(
            "castorini/tct_colbert-v2-hnp-msmarco", "hard negatives, teacher tuned on them first"
        ),
        "v2-hn": _variant(
            "castorini/tct_colbert-v2-hn-msmarco", "hard negatives of its own finding, the first teacher"
        ),
        "v2": _variant("castorini/tct_colbert-v2-msmarco", "BM25 negatives and in-batch distillation"),
        "v1": _variant("castorini/tct_colbert-msmarco", "the model of the 2020 preprint, a lower mark"),
        "v2-hnp:firstp": _variant(
            "castorini/tct_colbert-v2-hnp-msmarco",
            "v2-hnp on the first 512 tokens of a document",
            FIRSTP_TOKENS,
        ),
        "v2-hnp+bm25": composed("sum(0.06*bm25:flat,1*tct_colbert:v2-hnp)", "v2-hnp and 0.06 times BM25"),
        "v2-hnp+doc2query": composed(
            "sum(0.1*doc2query_t5:t5-base,1*tct_colbert:v2-hnp)",
            "v2-hnp and 0.1 times BM25 on expanded passages",
        ),
        **_trained("paper"),
        **_trained("lab"),
        **_trained("synthetic"),
    },
    published=Path(__file__).with_name("published.toml"),
    claims=Path(__file__).with_name("claims.toml"),
    recipe=_RECIPES,
)
