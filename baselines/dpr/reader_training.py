"""Training the reader (Karpukhin et al. 2020, section 6.1): to choose the passage, and the answer in it.

A question comes with one passage that holds an answer and others that hold none, all of a retriever's best. Learnt are
the shares of the right passage among them (P_selected), and of the right spans in it, P_start(s) P_end(t): wherever an
answer stands in the passage is right, so that their sum counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.functional import log_softmax, pad

from baselines.dpr.head import OUTPUTS, SpanHead
from baselines.dpr.reader import BERT, Input, inputs
from baselines.dpr.supervision import by_answer
from baselines.dpr.towers import save_bert
from baselines.encoders.tower import Batch, Tokens
from baselines.training.chunks import CHUNK_TOKENS, read, vectors_of
from baselines.training.devices import share
from baselines.training.epochs import batch_of
from baselines.training.objective import Footprint, Loss
from baselines.training.pairs import training_pairs
from baselines.training.trained import Materials
from benchmarks.collections.collection import open_collection

Span = tuple[int, int]
"""The places of its first and its last token."""


class Logits(torch.nn.Module):
    """The outputs of a `SpanHead`, padded to one length, so that chunks of texts can stand side by side."""

    def __init__(self, head: SpanHead, longest: int) -> None:
        super().__init__()
        self.head, self._longest = head, longest

    def forward(self, batch: Batch) -> torch.Tensor:
        """float[texts, longest, 3]: start, end, relevance; minus infinity where there is no token."""
        logits = self.head(batch).masked_fill(batch.attended[:, :, None] == 0, float("-inf"))
        return pad(logits, (0, 0, 0, self._longest - logits.shape[1]), value=float("-inf"))


class ReaderTraining:
    """Takes `passages` of a question (the right one included), from the best `negatives` of `miner`; and `cached`."""

    def __init__(self, materials: Materials) -> None:
        self._recipe, self._seed = materials.recipe, materials.seed
        self._options = materials.recipe.objective
        weights, cache = materials.start.weights, materials.cache
        self.tokenizer: Any = weights.tokenizer()
        self.head = SpanHead(weights.backbone(), None)
        self.model: torch.nn.Module = Logits(self.head, self._recipe.document_tokens)
        self._texts = training_pairs(self._recipe.corpus, 100, cache)
        self._answers = open_collection(self._recipe.corpus, cache).answers()
        found = by_answer(self._recipe, cache, materials.progress)
        self.found = {query: one for query, one in found.items() if one.holding and one.others}

    def loss(self, step: int) -> Loss:
        """Minus the logs of what the right passage and its right spans are given, averaged over the questions."""
        questions = share(batch_of(list(self.found), step, self._recipe.batch, self._seed))
        drawn = self.passages(questions, step)
        documents = self._texts.documents([id for ids in drawn for id in ids])
        texts, each = [self._texts.queries[question] for question in questions], self._options["passages"]
        pairs = [(texts[place // each], document) for place, document in enumerate(documents)]
        given = inputs(self.tokenizer, pairs, self._recipe.document_tokens)
        tokens = [Tokens(one.seen) for one in given]
        padding, cached = self.tokenizer.pad_token_id, self._options["cached"]
        logits = vectors_of(self.model, tokens, padding, cached=cached)
        spans = [
            answer_spans(self.tokenizer, one, self._answers[question])
            for one, question in zip(given[::each], questions, strict=True)
        ]
        return Loss(reading_loss(logits.view(-1, each, *logits.shape[1:]), spans), read(tokens))

    def passages(self, questions: Sequence[str], step: int) -> list[list[str]]:
        """For each question one passage that holds an answer, and then others that do not, drawn without replacement.

        Of fewer than are asked for some come more than once.
        """
        rng, more = np.random.default_rng([self._seed, step]), self._options["passages"] - 1
        drawn = []
        for question in questions:
            one = self.found[question]
            right = one.holding[rng.integers(len(one.holding))]
            others = rng.choice(one.others, size=more, replace=len(one.others) < more)
            drawn.append([right, *others.tolist()])
        return drawn

    def footprint(self) -> Footprint:
        """The passages of a batch, or of a chunk."""
        longest = self._recipe.document_tokens
        whole = self._recipe.batch * self._options["passages"] * longest
        return Footprint(
            min(whole, max(CHUNK_TOKENS.values())) if self._options["cached"] else whole, longest
        )

    def save(self, folder: Path) -> None:
        """In the layout of transformers' `DPRReader`."""
        others = {
            f"span_predictor.{name}.{part}": tensor
            for name in OUTPUTS
            for part, tensor in self.head.get_submodule(name).state_dict().items()
        }
        save_bert(self.head.backbone, BERT, self.tokenizer, folder / "reader", others)


def reading_loss(logits: torch.Tensor, spans: Sequence[Sequence[Span]]) -> torch.Tensor:
    """-log P_selected(right) - log of the sum over right spans of P_start(s) P_end(t), averaged over the questions.

    `logits` [questions, passages, tokens, 3], the right passage first; `spans` are those in it. A question without one,
    because it was cut off, learns which passage is right.
    """
    total = -log_softmax(logits[:, :, 0, 2], dim=1)[:, 0].sum()
    for question, right in zip(logits, spans, strict=True):
        if right:
            starts, ends = log_softmax(question[0, :, :2], dim=0).unbind(dim=1)
            first, last = (list(places) for places in zip(*right, strict=True))
            total = total - torch.logsumexp(starts[first] + ends[last], dim=0)
    return total / len(logits)


def answer_spans(tokenizer: Any, given: Input, answers: Sequence[str]) -> list[Span]:
    """Where answers stand in what is seen of a passage's text, as whole words; each place once, in order."""
    text = given.seen[given.start :]
    begins = [not piece.startswith("##") for piece in tokenizer.convert_ids_to_tokens(given.text)] + [True]
    found = set()
    for answer in tokenizer(list(answers), add_special_tokens=False)["input_ids"]:
        size = len(answer)
        for first in range(len(text) - size + 1 if size else 0):
            if text[first : first + size] == answer and begins[first] and begins[first + size]:
                found.add((given.start + first, given.start + first + size - 1))
    return sorted(found)
