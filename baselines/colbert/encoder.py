"""ColBERT's encoder: BERT's last layer through a linear layer, a unit vector for each token.

Khattab and Zaharia 2020, section 3.2. Queries are `[CLS] [Q] text [SEP]` filled up to 32 with
[MASK]s, which are scored like words (query augmentation) though no position attends to them, as in
the released code. Passages are `[CLS] [D] text [SEP]`; the vectors of punctuation are left out.
[Q] and [D] are BERT's [unused0] and [unused1]. With unit vectors, MaxSim by inner product and by
negative squared distance (the paper's end-to-end form) rank alike: -|q - d|^2 = 2 q.d - 2.
"""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from baselines.encoders.checkpoints import Checkpoint
from baselines.encoders.tower import Tokens, Tower
from baselines.encoders.weights import Weights
from benchmarks.interfaces import Document, FloatArray, Setting

if TYPE_CHECKING:
    from baselines.colbert.head import Head

QUERY_MARKER, DOCUMENT_MARKER = "[unused0]", "[unused1]"
LINEAR = "linear.weight"
"""The name of the linear layer in a checkpoint."""


@dataclass(frozen=True)
class Conventions:
    """How a text becomes vectors. Tokens are the most it may have, special ones included.

    Without `augmented` queries are not filled up; without `normalised` vectors keep their length.
    """

    document_tokens: int
    query_tokens: int = 32
    dimension: int = 128
    augmented: bool = True
    normalised: bool = True


class ColbertEncoder:
    """One tower, a matrix a text."""

    token_vectors = "float16"

    def __init__(self, checkpoint: Checkpoint, conventions: Conventions, setting: Setting) -> None:
        self._checkpoint, self._setting = checkpoint, setting
        self.conventions = conventions
        self._tower = Tower(self.weights, lambda weights: stored(weights, conventions))

    @property
    def protocol(self) -> Mapping[str, Any]:
        """Checkpoint and conventions."""
        masks = " [MASK]..." if self.conventions.augmented else ""
        return {
            "model": self._checkpoint.identity(self._setting), "template": "[CLS] [D] title text [SEP]",
            "query_template": f"[CLS] [Q] text [SEP]{masks}", "truncation": "end cut",
            "masks": "scored, not attended to" if self.conventions.augmented else "none",
            "punctuation": "left out", "normalised": self.conventions.normalised, "dtype": "float32",
            "dimension": self.conventions.dimension, "query_tokens": self.conventions.query_tokens,
            "document_tokens": self.conventions.document_tokens,
        }  # fmt: skip

    @property
    def training(self) -> Mapping[str, Any]:
        """What making the weights took, where they were made here."""
        return self._checkpoint.spent(self._setting)

    def weights(self) -> Weights:
        """The checkpoint's own. Raises `MissingWeights`."""
        return self._checkpoint.open(self._setting)

    def encode_queries(self, texts: Sequence[str]) -> list[FloatArray]:
        """A list of float32[32, 128]; of fewer rows where queries are not augmented."""
        return self._tower.matrices(query_tokens(self._tower.tokenizer, texts, self.conventions))

    def encode_documents(self, documents: Sequence[Document]) -> list[FloatArray]:
        """A list of float32[tokens that are no punctuation, 128]."""
        return self._tower.matrices(document_tokens(self._tower.tokenizer, documents, self.conventions))


def query_tokens(tokenizer: Any, texts: Sequence[str], conventions: Conventions) -> list[Tokens]:
    """[CLS] [Q] text [SEP], filled up with [MASK]s that none attends to."""
    found = []
    for ids in _marked(tokenizer, list(texts), QUERY_MARKER, conventions.query_tokens):
        room = conventions.query_tokens - len(ids) if conventions.augmented else 0
        found.append(Tokens([*ids, *[tokenizer.mask_token_id] * room], attended=len(ids)))
    return found


def document_tokens(tokenizer: Any, documents: Sequence[Document], conventions: Conventions) -> list[Tokens]:
    """[CLS] [D] title text [SEP], of which all but punctuation is kept."""
    left_out = set(tokenizer.convert_tokens_to_ids(list(string.punctuation))) - {tokenizer.unk_token_id}
    texts = [document.contents for document in documents]
    return [
        Tokens(ids, kept=[place for place, id in enumerate(ids) if id not in left_out])
        for ids in _marked(tokenizer, texts, DOCUMENT_MARKER, conventions.document_tokens)
    ]


def _marked(tokenizer: Any, texts: list[str], marker: str, longest: int) -> list[list[int]]:
    """Token ids of each text between [CLS] and [SEP], the marker second, cut at `longest`."""
    if not texts:
        return []
    cut = tokenizer(texts, add_special_tokens=False, truncation=True, max_length=longest - 3)["input_ids"]
    second = tokenizer.convert_tokens_to_ids(marker)
    return [[tokenizer.cls_token_id, second, *ids, tokenizer.sep_token_id] for ids in cut]


def stored(weights: Weights, conventions: Conventions) -> Head:
    """The model of a checkpoint. Raises `MissingWeights` where that has no linear layer of this dimension."""
    from baselines.colbert.head import Head

    backbone = weights.backbone()
    linear = weights.tensor(LINEAR, (conventions.dimension, backbone.config.hidden_size))
    return Head(backbone, linear, conventions.normalised)
