"""RetroMAE (Xiao et al. 2022): a masked auto-encoder whose decoder sees a text through its [CLS] alone.

What is new in it is the pre-training (`masks.py`, `decoder.py`, `pretraining.py`). Its fine-tuned checkpoints are plain: the last layer's
[CLS], an inner product, no normalisation, no prefix. `Shitao/RetroMAE` and
`Shitao/RetroMAE_MSMARCO` are pre-trained only and retrieve nothing before fine-tuning, so they
are no variants. The MS MARCO checkpoints were fine-tuned on passages with titles, which the
official passages lack.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from baselines.encoders.checkpoints import PYTORCH, Checkpoint
from baselines.encoders.transformer import Conventions, TransformerEncoder, plain_variant
from baselines.training.checkpoint import TrainedCheckpoint, trained_variant
from baselines.training.family import family
from baselines.training.recipe import Recipe, recipes
from baselines.training.trained import Materials, Training
from baselines.training.tuning import tuned
from benchmarks.interfaces import Setting
from benchmarks.registry import Baseline, Paper, Variant

if TYPE_CHECKING:
    from baselines.training.objective import Objective
    from baselines.training.towers import OneTower

_RECIPES = Path(__file__).with_name("recipe.toml")
EXPERIMENTS = Path(__file__).with_name("experiments.toml")

# No revision of these was to be found in a source.
FINETUNED = Checkpoint("Shitao/RetroMAE_MSMARCO_finetune", weights=PYTORCH)
DISTILLED = Checkpoint("Shitao/RetroMAE_MSMARCO_distill", weights=PYTORCH)
BEIR = Checkpoint("Shitao/RetroMAE_BEIR", weights=PYTORCH)

ON_MSMARCO = Conventions(normalised=False, query_tokens=32, document_tokens=140, pooling="first token")
ON_BEIR = Conventions(normalised=False, query_tokens=32, document_tokens=144, pooling="first token")


def _objective(materials: Materials) -> Objective:
    """With a decoder RetroMAE's pre-training, without one masked words alone."""
    if "decoder" in materials.recipe.objective:
        from baselines.retromae.pretraining import RetroMAE

        return RetroMAE(materials)
    from baselines.training.mlm import MaskedLM

    return MaskedLM(materials)


def _fine_tuning(materials: Materials) -> Objective:
    """With a teacher distillation, without one the contrast with mined negatives."""
    if "teacher" in materials.recipe.objective:
        from baselines.retromae.distillation import Distillation

        return Distillation(_tower(materials), materials)
    from baselines.training.finetuning import FineTuning

    return FineTuning(_tower(materials), materials)


def _conventions(recipe: Recipe) -> Conventions:
    return Conventions(
        normalised=False, query_tokens=recipe.query_tokens, document_tokens=recipe.document_tokens,
        pooling=recipe.objective["pooling"],
    )  # fmt: skip


def _tower(materials: Materials) -> OneTower:
    from baselines.training.towers import OneTower

    return OneTower(materials.start.weights, _conventions(materials.recipe))


def _encoder(recipe: Recipe, checkpoint: TrainedCheckpoint, setting: Setting) -> TransformerEncoder:
    return TransformerEncoder(checkpoint, _conventions(recipe), setting)


def _trained(profile: str) -> dict[str, Variant]:
    """The family of a profile, and what its recipes for fine-tuning make of some of it."""
    found = family(
        "retromae", _RECIPES, profile, _objective, _encoder, lambda training: tuned(training, _tower, profile)
    )
    for name, recipe in recipes(_RECIPES, f"{profile}-finetuning").items():
        training = Training(f"retromae:{profile}:{name}", recipe, _fine_tuning)
        summary = f"{recipe.start}, fine-tuned further"
        found[f"{profile}:{name}"] = trained_variant(training, partial(_encoder, recipe), summary)
    return found


baseline = Baseline(
    key="retromae",
    summary="pre-training by auto-encoding through a weak decoder; [CLS], 768 dimensions",
    paper=Paper(
        "RetroMAE: Pre-Training Retrieval-oriented Language Models Via Masked Auto-Encoder",
        "Xiao et al.",
        2022,
        "2205.12035",
        contribution=(
            "Pre-training for retrieval as masked auto-encoding with an uneven bargain: the encoder reads a lightly masked "
            "text into its [CLS], and a decoder of one layer must rebuild a heavily masked one from that vector alone. A "
            "strong decoder could guess; a weak one forces everything into the vector. Enhanced decoding rebuilds every "
            "token, each from its own random context. Fine-tuned the usual way, it set the state of the art on MS MARCO and "
            "zero-shot on BEIR."
        ),
    ),
    variants={
        "msmarco-finetune": plain_variant(
            FINETUNED, ON_MSMARCO, "fine-tuned on MS MARCO with negatives of its own mining"
        ),
        "msmarco-distill": plain_variant(DISTILLED, ON_MSMARCO, "distilled from a cross-encoder on MS MARCO"),
        "beir": plain_variant(
            BEIR, ON_BEIR, "fine-tuned on MS MARCO with the hard negatives of sentence-transformers"
        ),
        **_trained("paper"),
        **_trained("lab"),
        **_trained("synthetic"),
    },
    published=Path(__file__).with_name("published.toml"),
    claims=Path(__file__).with_name("claims.toml"),
    recipe=_RECIPES,
)
