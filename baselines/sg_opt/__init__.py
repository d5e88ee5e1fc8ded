"""SG-OPT (Kim, Yoo and Lee 2021): sentence vectors from BERT, guided by its own layers.

It is measured on sentence pairs, not on retrieval. No checkpoint was released: its rows come from
the recipes here (`losses.py`, `views.py`, `training.py`). The rows it is set against need nothing but the
language model: [CLS], means and WK pooling of its layers, whitening, and BERT-flow.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from baselines.encoders.checkpoints import Checkpoint
from baselines.encoders.transformer import Conventions, TransformerEncoder
from baselines.encoders.variants import weighted
from baselines.encoders.weights import Weights
from baselines.sg_opt.pooling import LayerPooling, mean_of_last_two, wk
from baselines.sg_opt.whitening import Whitening
from baselines.training.checkpoint import trained_variant
from baselines.training.recipe import recipes
from baselines.training.trained import Materials, Training
from benchmarks.interfaces import Encoder, Setting
from benchmarks.registry import Baseline, Paper, Variant

if TYPE_CHECKING:
    import torch

    from baselines.training.objective import Objective

_RECIPES = Path(__file__).with_name("recipe.toml")
EXPERIMENTS = Path(__file__).with_name("experiments.toml")

MODELS = {
    "bert-base": Checkpoint("google-bert/bert-base-uncased", "86b5e0934494bd15c9632b12f734a8a67f723594"),
    "roberta-base": Checkpoint(
        "FacebookAI/roberta-base", "e2da8e2f811d1448a5b465c236feacd80ffbac7b", architecture="roberta"
    ),
    "mbert": Checkpoint(
        "google-bert/bert-base-multilingual-cased", "3f076fdb1ab68d5b2880cb87a0886f315b8146f8"
    ),
}
POOLINGS = {
    "cls": ("first token", "[CLS] of the last layer"),
    "mean": ("mean", "the mean of the last layer"),
    "last2": ("mean of the last two layers", "the mean of the last two layers"),
    "wk": ("WK", "WK pooling of its layers"),
}
LAYERED: dict[str, LayerPooling] = {"mean of the last two layers": mean_of_last_two, "WK": wk}
"""The poolings that look at more than the last layer."""


def _pooled(pooling: str, checkpoint: Checkpoint, setting: Setting) -> TransformerEncoder:
    conventions = Conventions(normalised=False, query_tokens=128, document_tokens=128, pooling=pooling)
    if pooling not in LAYERED:
        return TransformerEncoder(checkpoint, conventions, setting)

    def build(weights: Weights) -> torch.nn.Module:
        from baselines.encoders.modules import LayersPooled

        return LayersPooled(weights.backbone(), LAYERED[pooling])

    return TransformerEncoder(checkpoint, conventions, setting, build)


def _whitened(checkpoint: Checkpoint, setting: Setting) -> Whitening:
    return Whitening(_pooled("mean", checkpoint, setting))


def _flowed(checkpoint: Checkpoint, setting: Setting) -> Encoder:
    from baselines.sg_opt.flow import Flowed

    return Flowed(_pooled("mean", checkpoint, setting))


UNTUNED: dict[str, tuple[Callable[[Checkpoint, Setting], Encoder], str]] = {
    **{way: (partial(_pooled, pooling), words) for way, (pooling, words) in POOLINGS.items()},
    "whitening": (_whitened, "the mean of the last layer, whitened on the collection"),
    "flow": (_flowed, "the mean of the last layer, through a flow learnt on the collection (BERT-flow)"),
}
"""What is made of a language model as it is."""


def _variant(model: str, way: str) -> Variant:
    build, words = UNTUNED[way]
    return weighted(partial(build, MODELS[model]), f"{model}, untuned, {words}", MODELS[model])


def _objective(materials: Materials) -> Objective:
    from baselines.sg_opt.selection import Selected
    from baselines.sg_opt.simcse import SimCSE
    from baselines.sg_opt.training import SelfGuided

    options = materials.recipe.objective
    made = SimCSE(materials) if options["loss"] == "simcse" else SelfGuided(materials)
    return Selected(made, materials) if "select" in options else made


def _trained(profile: str) -> dict[str, Variant]:
    """A variant for each recipe; of one without a budget, which gives its start, all that can be made untuned."""
    found = {}
    for name, recipe in recipes(_RECIPES, profile).items():
        key = f"{profile}:{name}"
        if recipe.steps:
            training = Training(f"sg_opt:{key}", recipe, _objective)
            build = partial(_pooled, recipe.objective["pooling"])
            found[key] = trained_variant(training, build, f"trained here: {name}")
            continue
        # All read one folder, which has the name of the first.
        training = Training(f"sg_opt:{key}:{next(iter(UNTUNED))}", recipe, _objective)
        for way, (make, words) in UNTUNED.items():
            found[f"{key}:{way}"] = trained_variant(training, make, f"{recipe.start}, untuned, {words}")
    return found


baseline = Baseline(
    key="sg_opt",
    summary="sentence vectors from a language model: untuned, or guided by its own layers",
    paper=Paper(
        "Self-Guided Contrastive Learning for BERT Sentence Representations",
        "Kim et al.",
        2021,
        "2106.07345",
        contribution=(
            "Sentence vectors from BERT without labels and without augmentation: BERT guides itself. Two copies, one of them "
            "frozen; the last layer's [CLS] of the one is pulled to the middle layers' vectors of the other, for the same "
            "sentence, against those of other sentences. Reduced losses leave out the terms that push in vain. What results "
            "needs no pooling afterwards, and lasts under a change of domain."
        ),
    ),
    variants={
        **{f"{model}:{way}": _variant(model, way) for model in MODELS for way in POOLINGS},
        **{f"bert-base:{way}": _variant("bert-base", way) for way in ("whitening", "flow")},
        **_trained("paper"),
        **_trained("lab"),
        **_trained("synthetic"),
    },
    published=Path(__file__).with_name("published.toml"),
    claims=Path(__file__).with_name("claims.toml"),
    recipe=_RECIPES,
)
