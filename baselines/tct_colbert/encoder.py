"""TCT-ColBERT's encoder: the mean of BERT's last layer, with ColBERT's ways kept half.

Lin et al. 2021, section 3, and the authors' documentation. A query is `[CLS] [Q] text` filled up
with [MASK]s to 36 word pieces, a passage `[CLS] [D] text`, neither with a [SEP]. `[Q]` and `[D]` are
no special tokens: three pieces each, so that the four leading positions are left out of the mean,
and a query's [MASK]s are in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from baselines.encoders.checkpoints import Checkpoint
from baselines.encoders.pooling import mean
from baselines.encoders.tower import Tokens, Tower
from baselines.encoders.weights import Weights
from benchmarks.interfaces import Document, FloatArray, Setting

if TYPE_CHECKING:
    from baselines.encoders.modules import Pooled

MARKERS = 4
QUERY_TOKENS = 32 + MARKERS
PASSAGE_TOKENS = 150 + MARKERS
FIRSTP_TOKENS = 512
"""Of a passage, and of a document, of which the beginning is read (Table 4)."""


class TctEncoder:
    """One tower, two formats. `tokens` are the most a document may have, `asked` those that every query has."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        setting: Setting,
        tokens: int = PASSAGE_TOKENS,
        asked: int = QUERY_TOKENS,
    ) -> None:
        self._checkpoint, self._setting, self._tokens, self._asked = checkpoint, setting, tokens, asked
        self._tower = Tower(lambda: checkpoint.open(setting), pooled)

    @property
    def protocol(self) -> Mapping[str, Any]:
        """Checkpoint and conventions."""
        return {
            "model": self._checkpoint.identity(self._setting), "template": "[CLS] [D] title text",
            "query_template": "[CLS] [Q] text [MASK]...", "truncation": "end cut",
            "pooling": f"mean from position {MARKERS}", "normalised": False, "dtype": "float32",
            "query_tokens": self._asked, "document_tokens": self._tokens,
        }  # fmt: skip

    @property
    def training(self) -> Mapping[str, Any]:
        """What making the weights took, where they were made here."""
        return self._checkpoint.spent(self._setting)

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        """float32[len(texts), dimension]."""
        return self._tower.vectors(query_tokens(self._tower.tokenizer, texts, self._asked))

    def encode_documents(self, documents: Sequence[Document]) -> FloatArray:
        """float32[len(documents), dimension]; an empty document gives the zero vector."""
        return self._tower.vectors(document_tokens(self._tower.tokenizer, documents, self._tokens))


def query_tokens(tokenizer: Any, texts: Sequence[str], asked: int) -> list[Tokens]:
    """So many pieces: [CLS] [Q] text, filled up with [MASK]s."""
    masks = tokenizer.mask_token * asked
    return _pieces(tokenizer, [f"[CLS] [Q] {text}{masks}" for text in texts], asked)


def document_tokens(tokenizer: Any, documents: Sequence[Document], longest: int) -> list[Tokens]:
    """[CLS] [D] title text, cut at `longest`."""
    return _pieces(tokenizer, [f"[CLS] [D] {document.contents}" for document in documents], longest)


def _pieces(tokenizer: Any, texts: list[str], longest: int) -> list[Tokens]:
    if not texts:
        return []
    cut = tokenizer(texts, add_special_tokens=False, truncation=True, max_length=longest)["input_ids"]
    return [Tokens(ids, kept=list(range(MARKERS, len(ids)))) for ids in cut]


def pooled(weights: Weights) -> Pooled:
    """The model of a checkpoint."""
    from baselines.encoders.modules import Pooled

    return Pooled(weights.backbone(), mean, normalised=False)
