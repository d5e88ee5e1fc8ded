"""Contriever (Izacard et al. 2022): dense retrieval learnt without judgments.

What is new in it, random cropping and MoCo, is in its training (`cropping.py`, `inbatch.py`, `moco.py`).
What a reproducer must get right at the other end: the mean over unmasked positions, an inner product
without normalisation, no prefix. Taking [CLS], or the cosine, gives other numbers.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from baselines.encoders.checkpoints import PYTORCH, Checkpoint
from baselines.encoders.transformer import Conventions, TransformerEncoder, plain_variant
from baselines.training.checkpoint import TrainedCheckpoint
from baselines.training.family import family
from baselines.training.recipe import Recipe, recipes
from baselines.training.trained import Materials, Training
from baselines.training.tuning import after, tuned
from benchmarks.interfaces import Setting
from benchmarks.registry import Baseline, Paper, Variant

if TYPE_CHECKING:
    from baselines.training.objective import Objective
    from baselines.training.towers import Towers

EXPERIMENTS = Path(__file__).with_name("experiments.toml")
_RECIPES = Path(__file__).with_name("recipe.toml")
_TUNING = Path(__file__).with_name("tuning.toml")

# The repositories hold PyTorch files only.
UNSUPERVISED = Checkpoint("facebook/contriever", "2bd46a25019aeea091fd42d1f0fd4801675cf699", weights=PYTORCH)
MSMARCO = Checkpoint(
    "facebook/contriever-msmarco", "abe8c1493371369031bcb1e02acb754cf4e162fa", weights=PYTORCH
)
# No revision of these two was to be found in a source.
MULTILINGUAL = Checkpoint("facebook/mcontriever", weights=PYTORCH)
MULTILINGUAL_MSMARCO = Checkpoint("facebook/mcontriever-msmarco", weights=PYTORCH)

CONVENTIONS = Conventions(normalised=False, query_tokens=512, document_tokens=512)


def conventions(recipe: Recipe) -> Conventions:
    """The mean over tokens, not scaled (section 3.2), at the lengths of a recipe."""
    return Conventions(False, recipe.query_tokens, recipe.document_tokens)


def _objective(materials: Materials) -> Objective:
    from baselines.contriever.inbatch import InBatch
    from baselines.contriever.moco import MoCo

    return MoCo(materials) if materials.recipe.objective["queue"] else InBatch(materials)


def _tower(materials: Materials) -> Towers:
    from baselines.training.towers import OneTower

    return OneTower(materials.start.weights, conventions(materials.recipe))


def _fine_tuning(materials: Materials) -> Objective:
    from baselines.contriever.finetuning import OneNegativeEach

    return OneNegativeEach(_tower(materials), materials)


def _two_phases(training: Training, profile: str) -> dict[str, Training]:
    """The fine-tunings of `tuning.toml` after a pre-training, by the variant's name."""
    found = {}
    for name, recipe in recipes(_TUNING, profile).items():
        miner = recipe.objective.get("miner")
        options = {"miner": f"{training.name}:{miner}"} if miner else {}
        found[name] = Training(f"{training.name}:{name}", after(training, recipe, options), _fine_tuning)
    return found


def _encoder(recipe: Recipe, checkpoint: TrainedCheckpoint, setting: Setting) -> TransformerEncoder:
    return TransformerEncoder(checkpoint, conventions(recipe), setting)


def _trained(profile: str) -> dict[str, Variant]:
    return family(
        "contriever", _RECIPES, profile, _objective, _encoder,
        lambda training: {**tuned(training, _tower, profile), **_two_phases(training, profile)},
    )  # fmt: skip


baseline = Baseline(
    key="contriever",
    summary="unsupervised dense retrieval by random cropping and MoCo, 768 dimensions",
    paper=Paper(
        "Unsupervised Dense Information Retrieval with Contrastive Learning",
        "Izacard et al.",
        2022,
        "2112.09118",
        contribution=(
            "Dense retrieval without any judgments: two random crops of one text are a pair, those of other texts negatives, "
            "kept by the thousand in a momentum encoder's queue (MoCo). It was the first unsupervised retriever to match BM25 "
            "on most of BEIR at 100 documents, is a better start for fine-tuning with few or many pairs, and in many "
            "languages retrieves across scripts."
        ),
    ),
    variants={
        "unsupervised": plain_variant(
            UNSUPERVISED, CONVENTIONS, "trained on crops of Wikipedia and CCNet, no judgments"
        ),
        "msmarco": plain_variant(
            MSMARCO, CONVENTIONS, "the former, fine-tuned on MS MARCO with mined negatives"
        ),
        "mcontriever": plain_variant(
            MULTILINGUAL, CONVENTIONS, "29 languages of CCNet, from multilingual BERT, no judgments"
        ),
        "mcontriever-msmarco": plain_variant(
            MULTILINGUAL_MSMARCO, CONVENTIONS, "the multilingual one, fine-tuned on English MS MARCO"
        ),
        **_trained("paper"),
        **_trained("lab"),
        **_trained("synthetic"),
    },
    published=Path(__file__).with_name("published.toml"),
    claims=Path(__file__).with_name("claims.toml"),
    recipe=_RECIPES,
)
