"""SG-OPT (Kim, Yoo and Lee 2021): sentence vectors from BERT, guided by its own layers.

It is measured on sentence pairs, not on retrieval. No checkpoint was released: its rows come from
the recipe. The rows it is set against need nothing but the language model: [CLS], means and WK
pooling of its layers, and whitening.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from baselines.encoders.checkpoints import Checkpoint
from baselines.encoders.transformer import Conventions, TransformerEncoder
from baselines.encoders.variants import weighted
from baselines.encoders.weights import Weights
from baselines.sg_opt.pooling import LayerPooling, mean_of_last_two, wk
from baselines.sg_opt.whitening import Whitening
from benchmarks.interfaces import Setting
from benchmarks.registry import Baseline, Paper, Variant

if TYPE_CHECKING:
    import torch

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


def _encoder(checkpoint: Checkpoint, pooling: str, setting: Setting) -> TransformerEncoder:
    conventions = Conventions(normalised=False, query_tokens=128, document_tokens=128, pooling=pooling)
    if pooling not in LAYERED:
        return TransformerEncoder(checkpoint, conventions, setting)

    def build(weights: Weights) -> torch.nn.Module:
        from baselines.encoders.modules import LayersPooled

        return LayersPooled(weights.backbone(), LAYERED[pooling])

    return TransformerEncoder(checkpoint, conventions, setting, build)


def _variant(checkpoint: Checkpoint, pooling: str, summary: str) -> Variant:
    return weighted(lambda setting: _encoder(checkpoint, pooling, setting), summary, checkpoint)


def _whitened(checkpoint: Checkpoint, summary: str) -> Variant:
    return weighted(lambda setting: Whitening(_encoder(checkpoint, "mean", setting)), summary, checkpoint)


baseline = Baseline(
    key="sg_opt",
    summary="sentence vectors from an untuned language model; the trained form comes from the recipe",
    paper=Paper(
        "Self-Guided Contrastive Learning for BERT Sentence Representations", "Kim et al.", 2021, "2106.07345"
    ),
    variants={
        **{
            f"{model}:{pooling}": _variant(checkpoint, name, f"{model}, untuned, {words}")
            for model, checkpoint in MODELS.items()
            for pooling, (name, words) in POOLINGS.items()
        },
        "bert-base:whitening": _whitened(
            MODELS["bert-base"], "bert-base, untuned, the mean of the last layer, whitened on the collection"
        ),
    },
    published=Path(__file__).with_name("published.toml"),
)
