"""The lab's BERT: small ones, trained by masked words on a small corpus, for others to start from.

They stand where the papers have bert-base-uncased, and are measured as the untuned rows are: the mean over
the last layer's tokens.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from baselines.encoders.transformer import Conventions, TransformerEncoder
from baselines.training.checkpoint import trained_variant
from baselines.training.recipe import Recipe, recipes
from baselines.training.trained import Materials, Training
from benchmarks.registry import Baseline, Variant

if TYPE_CHECKING:
    from baselines.training.objective import Objective

_RECIPES = Path(__file__).with_name("recipe.toml")


def _objective(materials: Materials) -> Objective:
    from baselines.training.mlm import MaskedLM

    return MaskedLM(materials)


def _variants(profile: str) -> dict[str, Variant]:
    return {
        f"{profile}:{name}": _variant(f"{profile}:{name}", recipe)
        for name, recipe in recipes(_RECIPES, profile).items()
    }


def _variant(name: str, recipe: Recipe) -> Variant:
    longest = recipe.document_tokens
    conventions = Conventions(normalised=False, query_tokens=longest, document_tokens=longest)
    return trained_variant(
        Training(f"lab_bert:{name}", recipe, _objective),
        lambda checkpoint, setting: TransformerEncoder(checkpoint, conventions, setting),
        f"BERT of size {recipe.start.partition(':')[2]}, masked words, {recipe.tokens / 1e6:g} million tokens",
    )


baseline = Baseline(
    key="lab_bert",
    summary="small BERTs trained here by masked words, for others to start from",
    variants={**_variants("lab"), **_variants("synthetic")},
)
