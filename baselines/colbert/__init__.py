"""ColBERT (Khattab and Zaharia 2020): a vector for every token, compared late.

`colbert:v2` retrieves end to end over all documents; `rerank(candidates:bm25,colbert:v2,depth=1000)`
re-orders a first stage's best. No checkpoint of the paper's own (v1) is on the hub: train it here (`triples.py`), or give
yours with `--checkpoint`. The second version's checkpoint is another training (distillation, residual
compression) under the same conventions, and its numbers are not the paper's.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from baselines.colbert.encoder import ColbertEncoder, Conventions
from baselines.colbert.single import POOLED, SingleVectorEncoder
from baselines.encoders.checkpoints import Checkpoint
from baselines.encoders.variants import weighted
from baselines.training.checkpoint import TrainedCheckpoint
from baselines.training.family import family
from baselines.training.recipe import Recipe
from baselines.training.trained import Materials
from benchmarks.interfaces import Setting
from benchmarks.registry import Baseline, Paper, Variant

if TYPE_CHECKING:
    from baselines.colbert.triples import Triples

EXPERIMENTS = Path(__file__).with_name("experiments.toml")
_RECIPES = Path(__file__).with_name("recipe.toml")

V1 = Checkpoint("")
V2 = Checkpoint("colbert-ir/colbertv2.0", "c1e84128e85ef755c096a95bdb06b47793b13acf")


def _variant(checkpoint: Checkpoint, document_tokens: int, summary: str) -> Variant:
    conventions = Conventions(document_tokens)
    return weighted(lambda setting: ColbertEncoder(checkpoint, conventions, setting), summary, checkpoint)


def conventions_of(recipe: Recipe) -> Conventions:
    """The conventions of what a recipe trains."""
    options = recipe.objective
    return Conventions(
        recipe.document_tokens, recipe.query_tokens, options["dimension"], options["augmented"],
        normalised=options["interaction"] != "first token",
    )  # fmt: skip


def _objective(materials: Materials) -> Triples:
    from baselines.colbert.tower import begun, opened
    from baselines.colbert.triples import Triples

    again = materials.recipe.start.startswith("colbert:")
    tower = (opened if again else begun)(materials.start.weights, conventions_of(materials.recipe))
    return Triples(tower, materials)


def _encoder(
    recipe: Recipe, checkpoint: TrainedCheckpoint, setting: Setting
) -> ColbertEncoder | SingleVectorEncoder:
    encoder = ColbertEncoder(checkpoint, conventions_of(recipe), setting)
    interaction = recipe.objective["interaction"]
    return SingleVectorEncoder(encoder, interaction) if interaction in POOLED else encoder


def _trained(profile: str) -> dict[str, Variant]:
    return family("colbert", _RECIPES, profile, _objective, _encoder)


baseline = Baseline(
    key="colbert",
    summary="late interaction: 128 dimensions for every token, MaxSim",
    paper=Paper(
        "ColBERT: Efficient and Effective Passage Search via Contextualized Late Interaction over BERT",
        "Khattab and Zaharia",
        2020,
        "2004.12832",
        contribution=(
            "Late interaction: a query and a document are encoded apart, as a vector for each token, and compared token by "
            "token: for each of the query's the nearest of the document's, summed (MaxSim). It keeps most of what a cross- "
            "encoder finds at a hundredth of the cost, documents are encoded once and for all, and token vectors in an index "
            "make it a retriever end to end. Queries are filled up with [MASK], which the encoder uses to weigh and expand "
            "terms."
        ),
    ),
    variants={
        "v2": _variant(V2, 220, "the ColBERTv2 checkpoint, exact MaxSim, 220 tokens of a passage"),
        "v1": _variant(V1, 180, "the paper's model, 180 tokens of a passage; bring a checkpoint"),
        **_trained("paper"),
        **_trained("lab"),
        **_trained("synthetic"),
    },
    published=Path(__file__).with_name("published.toml"),
    claims=Path(__file__).with_name("claims.toml"),
    recipe=_RECIPES,
)
