"""SG-OPT (Kim, Yoo and Lee 2021): sentence vectors from BERT, guided by its own layers.

It is measured on sentence pairs, not on retrieval. No checkpoint was released: its rows come from
the recipe. The rows it is set against need nothing but the language model: [CLS], means and WK
pooling of its layers, and whitening.
"""

from __future__ import annotations

from pathlib import Path

from baselines.encoders.checkpoints import Checkpoint
from baselines.sg_opt.encoder import LayerEncoder
from baselines.sg_opt.whitening import Whitening
from benchmarks.registry import Baseline, Paper, Variant

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
    "cls": "[CLS] of the last layer",
    "mean": "the mean of the last layer",
    "last2": "the mean of the last two layers",
    "wk": "WK pooling of its layers",
}


def _variant(checkpoint: Checkpoint, pooling: str, summary: str) -> Variant:
    return Variant(
        lambda setting: LayerEncoder(checkpoint, pooling, setting),
        summary,
        missing=checkpoint.missing,
        needs=checkpoint.needs,
    )


def _whitened(checkpoint: Checkpoint, summary: str) -> Variant:
    return Variant(
        lambda setting: Whitening(LayerEncoder(checkpoint, "mean", setting)),
        summary,
        missing=checkpoint.missing,
        needs=checkpoint.needs,
    )


baseline = Baseline(
    key="sg_opt",
    summary="sentence vectors from an untuned language model; the trained form comes from the recipe",
    paper=Paper(
        "Self-Guided Contrastive Learning for BERT Sentence Representations", "Kim et al.", 2021, "2106.07345"
    ),
    variants={
        **{
            f"{model}:{pooling}": _variant(checkpoint, pooling, f"{model}, untuned, {words}")
            for model, checkpoint in MODELS.items()
            for pooling, words in POOLINGS.items()
        },
        "bert-base:whitening": _whitened(
            MODELS["bert-base"], "bert-base, untuned, the mean of the last layer, whitened on the collection"
        ),
    },
    published=Path(__file__).with_name("published.toml"),
)
