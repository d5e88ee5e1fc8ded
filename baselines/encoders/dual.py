"""The dual encoder of DPR: a tower for questions, another for passages, [CLS] of each.

Karpukhin et al. 2020, section 3.1. Conventions of the released code: title and text are the two
segments of a BERT pair, [CLS] title [SEP] text [SEP], but all token types are 0; a typographic
apostrophe in a question becomes a plain one; nothing is projected or normalised.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from baselines.encoders.checkpoints import Checkpoint
from baselines.encoders.pooling import POOLINGS
from baselines.encoders.tower import Tokens, Tower
from baselines.encoders.transformer import tokenised
from baselines.encoders.variants import weighted
from baselines.encoders.weights import Weights
from benchmarks.interfaces import Document, FloatArray, Setting
from benchmarks.registry import Variant

if TYPE_CHECKING:
    import torch

SIDES = ("question_encoder", "ctx_encoder")
"""What transformers' DPR classes call the two, in names of tensors and of folders."""


def sides(checkpoint: Checkpoint) -> tuple[Checkpoint, Checkpoint]:
    """The two towers of a folder that holds both."""
    questions, passages = (replace(checkpoint, part=side) for side in SIDES)
    return questions, passages


class DualEncoder:
    """Two BERTs in the layout of transformers' DPR classes, with its projection where the file has one.

    Tokens are the most a question or a passage may have, special ones included. `build` makes another model of the
    weights and the side's name than a BERT with one of `POOLINGS`; `pooling` then names what it does.
    """

    def __init__(
        self,
        questions: Checkpoint,
        passages: Checkpoint,
        setting: Setting,
        query_tokens: int,
        document_tokens: int,
        pooling: str = "first token",
        normalised: bool = False,
        build: Callable[[Weights, str], torch.nn.Module] | None = None,
    ) -> None:
        self._checkpoints = {"questions": questions, "passages": passages}
        self._query_tokens, self._document_tokens = query_tokens, document_tokens
        self._setting, self._pooling, self._normalised = setting, pooling, normalised
        made = partial(_model, build or partial(_bert, pooling=pooling), normalised)
        self._questions = Tower(lambda: questions.open(setting), lambda w: made(w, SIDES[0]))
        self.document_tower = Tower(lambda: passages.open(setting), lambda w: made(w, SIDES[1]))

    @property
    def protocol(self) -> Mapping[str, Any]:
        """The two checkpoints and the conventions."""
        return {
            "model": {name: point.identity(self._setting) for name, point in self._checkpoints.items()},
            "template": "[CLS] title [SEP] text [SEP], one token type", "truncation": "longest segment cut",
            "apostrophe": "U+2019 as '", "pooling": self._pooling, "normalised": self._normalised, "dtype": "float32",
            "query_tokens": self._query_tokens, "document_tokens": self._document_tokens,
        }  # fmt: skip

    @property
    def training(self) -> Mapping[str, Any]:
        """What making the weights took, where they were made here."""
        return self._checkpoints["questions"].spent(self._setting)

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        """float32[len(texts), dimension]."""
        plain = [text.replace("\u2019", "'") for text in texts]
        return self._questions.vectors(tokenised(self._questions.tokenizer, plain, self._query_tokens))

    def encode_documents(self, documents: Sequence[Document]) -> FloatArray:
        """float32[len(documents), dimension]."""
        return self.document_tower.vectors(
            paired(self.document_tower.tokenizer, documents, self._document_tokens)
        )


def paired(tokenizer: Any, documents: Sequence[Document], longest: int) -> list[Tokens]:
    """[CLS] title [SEP] text [SEP]; a document without a title is [CLS] text [SEP]."""
    tokens = [Tokens([])] * len(documents)
    for titled in (True, False):
        places = [place for place, document in enumerate(documents) if bool(document.title) is titled]
        some = [documents[place] for place in places]
        for place, ids in zip(places, _pairs(tokenizer, some, longest, titled=titled), strict=True):
            tokens[place] = Tokens(ids)
    return tokens


def _pairs(tokenizer: Any, documents: Sequence[Document], longest: int, *, titled: bool) -> list[list[int]]:
    """Token ids of passages with a title, or of such without."""
    if not documents:
        return []
    titles, texts = [document.title for document in documents], [document.text for document in documents]
    columns = (titles, texts) if titled else (texts,)
    cut: list[list[int]] = tokenizer(*columns, truncation="longest_first", max_length=longest)["input_ids"]
    return cut


def _model(
    build: Callable[[Weights, str], torch.nn.Module], normalised: bool, weights: Weights, tower: str
) -> torch.nn.Module:
    from baselines.encoders.modules import Scaled

    built = build(weights, tower)
    return Scaled(built) if normalised else built


def _bert(weights: Weights, tower: str, pooling: str) -> torch.nn.Module:
    from baselines.encoders.modules import Pooled, Projected

    backbone = weights.backbone(f"{tower}.bert_model.")
    pooled = Pooled(backbone, POOLINGS[pooling], normalised=False)
    size = getattr(backbone.config, "projection_dim", 0)
    if not size:
        return pooled
    head = f"{tower}.encode_proj"
    return Projected(
        pooled,
        weights.tensor(f"{head}.weight", (size, backbone.config.hidden_size)), weights.tensor(f"{head}.bias", (size,)),
    )  # fmt: skip


def dual_variant(
    questions: Checkpoint,
    passages: Checkpoint,
    summary: str,
    query_tokens: int = 256,
    document_tokens: int = 256,
) -> Variant:
    """A variant with a pair of checkpoints."""
    return weighted(
        lambda setting: DualEncoder(questions, passages, setting, query_tokens, document_tokens),
        summary,
        questions,
        passages,
    )
