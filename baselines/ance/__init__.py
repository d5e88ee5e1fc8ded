"""ANCE (Xiong et al. 2021): negatives from an index of the model's own, refreshed while it trains.

The MS MARCO checkpoints are a RoBERTa with a linear layer and a LayerNorm on its first token; a
plain RoBERTa of the same file is another model. Documents are read up to 512 tokens (FirstP), or
as four passages of 512 of which the best counts (MaxP). The question-answering checkpoint was
trained from DPR's and has its layout and conventions.

What is new in it is its training: the negatives (`negatives.py`: refresh, search, sample), when they are refreshed
(`refreshing.py`, and `inferencer.py`, the process that does it meanwhile), and what is learnt of them (`training.py`; of a
document's passages `maxp.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from baselines.ance.encoder import DOCUMENT_TEMPLATE, PASSAGE_TEMPLATE, AnceEncoder, MaxPEncoder, template_of
from baselines.encoders.checkpoints import PYTORCH, Checkpoint
from baselines.encoders.dual import DualEncoder, dual_variant, sides
from baselines.encoders.variants import weighted
from baselines.training.family import family
from baselines.training.recipe import Recipe
from baselines.training.trained import Materials
from benchmarks.interfaces import Encoder, Setting, TokenEncoder
from benchmarks.registry import Baseline, Paper, Variant

if TYPE_CHECKING:
    from baselines.training.objective import Objective
    from baselines.training.towers import Towers

EXPERIMENTS = Path(__file__).with_name("experiments.toml")
_RECIPES = Path(__file__).with_name("recipe.toml")

PASSAGE = Checkpoint(
    "castorini/ance-msmarco-passage", "6d7e7d6b6c59dd691671f280bc74edb4297f8234", weights=PYTORCH, architecture="roberta"
)  # fmt: skip
# No revision of these was to be found in a source; the paper's FirstP document checkpoint is on no hub.
DOC_FIRSTP = Checkpoint("", architecture="roberta")
DOC_MAXP = Checkpoint("castorini/ance-msmarco-doc-maxp", weights=PYTORCH, architecture="roberta")
QUESTIONS = Checkpoint("castorini/ance-dpr-question-multi", weights=PYTORCH, part="question_encoder")
PASSAGES = Checkpoint("castorini/ance-dpr-context-multi", weights=PYTORCH, part="ctx_encoder")


def _variant(
    build: Callable[[Checkpoint, Setting], Encoder | TokenEncoder], checkpoint: Checkpoint, summary: str
) -> Variant:
    return weighted(lambda setting: build(checkpoint, setting), summary, checkpoint)


def _passage(checkpoint: Checkpoint, setting: Setting) -> AnceEncoder:
    return AnceEncoder(checkpoint, 256, setting, PASSAGE_TEMPLATE)


def _firstp(checkpoint: Checkpoint, setting: Setting) -> AnceEncoder:
    return AnceEncoder(checkpoint, 512, setting, DOCUMENT_TEMPLATE)


def _maxp(checkpoint: Checkpoint, setting: Setting) -> MaxPEncoder:
    """2,048 tokens of a document, cut at 512 (section 5)."""
    return MaxPEncoder(_firstp(checkpoint, setting), 512, 4, DOCUMENT_TEMPLATE)


def _towers(materials: Materials) -> Towers:
    """The paper's tower with its head, or where a recipe says `shared`, those that the lab's start has."""
    if "shared" in materials.recipe.objective:
        from baselines.training.twotowers import TwoTowers

        return TwoTowers(materials.start, materials.recipe)
    from baselines.ance.towers import HeadedTower

    return HeadedTower(materials.start, materials.recipe)


def _objective(materials: Materials) -> Objective:
    from baselines.ance.maxp import BestPassage
    from baselines.ance.training import OneNegative

    objective = BestPassage if "passages" in materials.recipe.objective else OneNegative
    return objective(_towers(materials), materials)


def _encoder(recipe: Recipe, checkpoint: Checkpoint, setting: Setting) -> Encoder | TokenEncoder:
    options, tokens = recipe.objective, recipe.document_tokens
    template = template_of(options)
    single: AnceEncoder | DualEncoder
    if "shared" in options:
        how = (options["pooling"], options["normalised"])
        single = DualEncoder(*sides(checkpoint), setting, recipe.query_tokens, tokens, *how)
    else:
        single = AnceEncoder(checkpoint, tokens, setting, template, recipe.query_tokens)
    return MaxPEncoder(single, tokens, most, template) if (most := options.get("passages")) else single


def encoder_of(recipe: Recipe) -> Callable[[Path], Encoder | TokenEncoder]:
    """What reads the checkpoints that a training by `recipe` writes, given their folder."""
    return lambda folder: _encoder(recipe, Checkpoint(""), Setting(checkpoint=folder))


def _trained(profile: str) -> dict[str, Variant]:
    return family("ance", _RECIPES, profile, _objective, _encoder)


baseline = Baseline(
    key="ance",
    summary="nearest-neighbour negatives refreshed during training; RoBERTa, 768 dimensions",
    paper=Paper(
        "Approximate Nearest Neighbor Negative Contrastive Learning for Dense Text Retrieval",
        "Xiong et al.",
        2021,
        "2007.00808",
        contribution=(
            "Dense retrieval learns from negatives, and those of a batch or of BM25 soon teach nothing: their loss and "
            "gradients vanish. ANCE draws negatives from an index of the model's own, which another process refreshes with "
            "newer checkpoints while training goes on. So the training sees what retrieval will get wrong; gradients stay "
            "alive, and one vector a text comes close to re-ranking by BERT at a hundredth of its time."
        ),
    ),
    variants={
        "msmarco-passage": _variant(
            _passage, PASSAGE, "MS MARCO passages; 64 tokens of a query, 256 of a passage"
        ),
        "msmarco-doc:firstp": _variant(_firstp, DOC_FIRSTP, "MS MARCO documents, their first 512 tokens"),
        "msmarco-doc:maxp": _variant(
            _maxp, DOC_MAXP, "MS MARCO documents, the best of four passages of 512 tokens"
        ),
        "multi": dual_variant(QUESTIONS, PASSAGES, "four question sets, from DPR's multiset checkpoint"),
        **_trained("paper"),
        **_trained("lab"),
        **_trained("synthetic"),
    },
    published=Path(__file__).with_name("published.toml"),
    claims=Path(__file__).with_name("claims.toml"),
    recipe=_RECIPES,
)
