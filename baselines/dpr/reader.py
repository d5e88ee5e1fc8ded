"""DPR's reader: the best span of the passage that is most likely to hold the answer.

Karpukhin et al. 2020, section 6.1. Conventions of the released code: [CLS] question [SEP] title [SEP]
text, without a closing [SEP] and with one token type, cut after 350 tokens; among the passages the highest
relevance wins, whatever their retrieval scores; in it the highest sum of start and end, over spans of at
most 10 tokens inside the text; the span is widened to whole words, and the answer is its word pieces put
together again, so that it is in lower case and without accents.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from baselines.encoders.checkpoints import Checkpoint
from baselines.encoders.tower import Tokens, Tower
from baselines.encoders.variants import weighted
from baselines.encoders.weights import Weights
from benchmarks.interfaces import Answer, Document, FloatArray, Setting
from benchmarks.registry import Variant

if TYPE_CHECKING:
    import torch

TOKENS = 350
SPAN = 10


BERT = "span_predictor.encoder.bert_model."
"""What the names of the reader's BERT begin with in a checkpoint."""


@dataclass(frozen=True)
class Input:
    """A question with one passage: the tokens the model sees, where the text starts, and all of the text's."""

    seen: list[int]
    start: int
    text: list[int]


def inputs(tokenizer: Any, pairs: Sequence[tuple[str, Document]], longest: int) -> list[Input]:
    """[CLS] question [SEP] title [SEP] text of each pair, cut after `longest` tokens."""
    if not pairs:
        return []
    questions = [question.replace("\u2019", "'") for question, _ in pairs]
    heads = tokenizer(questions, [passage.title for _, passage in pairs])["input_ids"]
    texts = tokenizer([passage.text for _, passage in pairs], add_special_tokens=False)["input_ids"]
    return [Input((head + text)[:longest], len(head), text) for head, text in zip(heads, texts, strict=True)]


class ExtractiveReader:
    """A BERT in the layout of transformers' `DPRReader`. Loading waits for the first question."""

    def __init__(self, checkpoint: Checkpoint, setting: Setting) -> None:
        self._checkpoint, self._setting = checkpoint, setting
        self._tower = Tower(lambda: checkpoint.open(setting), _model)

    @property
    def protocol(self) -> Mapping[str, Any]:
        """Checkpoint and conventions."""
        return {
            "model": self._checkpoint.identity(self._setting), "apostrophe": "U+2019 as '",
            "template": "[CLS] question [SEP] title [SEP] text, one token type", "truncation": "end cut",
            "tokens": TOKENS, "span_tokens": SPAN, "passage": "highest relevance", "dtype": "float32",
        }  # fmt: skip

    def read(self, questions: Sequence[str], passages: Sequence[Sequence[Document]]) -> list[Answer]:
        """One answer to each question; an empty one where no passage has a token."""
        pairs = [(q, passage) for q, found in zip(questions, passages, strict=True) for passage in found]
        given = inputs(self._tower.tokenizer, pairs, TOKENS)
        logits = self._tower.matrices([Tokens(one.seen) for one in given])
        read = iter(zip(given, logits, strict=True))
        return [self._answer(found, list(itertools.islice(read, len(found)))) for found in passages]

    def _answer(self, passages: Sequence[Document], read: Sequence[tuple[Input, FloatArray]]) -> Answer:
        """`read` has, for each passage, its input and the logits float32[tokens, 3]."""
        relevance = [
            float(logits[0, 2]) if len(given.seen) > given.start else -np.inf for given, logits in read
        ]
        best = int(np.argmax(relevance))
        if relevance[best] == -np.inf:
            return Answer("", "")
        given, logits = read[best]
        inside = logits[given.start :]
        first, last = best_span(inside[:, 0], inside[:, 1], SPAN)
        return Answer(self._words(given.text, first, last), passages[best].id)

    def _words(self, text: list[int], first: int, last: int) -> str:
        tokenizer = self._tower.tokenizer
        pieces = tokenizer.convert_ids_to_tokens(text)
        while first > 0 and pieces[first].startswith("##"):
            first -= 1
        while last + 1 < len(pieces) and pieces[last + 1].startswith("##"):
            last += 1
        words: str = tokenizer.decode(
            text[first : last + 1], skip_special_tokens=True, clean_up_tokenization_spaces=True
        )
        return words


def best_span(starts: FloatArray, ends: FloatArray, longest: int) -> tuple[int, int]:
    """First and last position of the span with the highest starts[first] + ends[last].

    Spans have at most `longest` tokens; of equal ones the first to start wins, then the shortest.
    """
    sums = np.full((len(starts), longest), -np.inf, dtype=np.float32)
    for more in range(min(longest, len(starts))):
        sums[: len(starts) - more, more] = starts[: len(starts) - more] + ends[more:]
    first, more = divmod(int(sums.argmax()), longest)
    return first, first + more


def _model(weights: Weights) -> torch.nn.Module:
    from baselines.dpr.head import SpanHead

    return SpanHead(weights.backbone(BERT), weights)


def reader_variant(checkpoint: Checkpoint, summary: str) -> Variant:
    """A variant with a published reader."""
    return weighted(lambda setting: ExtractiveReader(checkpoint, setting), summary, checkpoint)
