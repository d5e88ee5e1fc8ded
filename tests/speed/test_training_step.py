"""A training step beside sentence-transformers': the same model, batch, type and optimiser, texts in, weights moved.

    nox -s latency -- -k training_step

Karpukhin et al. 2020's in-batch recipe is their MultipleNegativesRankingLoss on inner products. Both tokenise, run queries
and documents through one of the lab's BERTs without dropout, and step AdamW.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from baselines.encoders.transformer import Conventions
from baselines.training import starts
from baselines.training.finetuning import FineTuning
from baselines.training.recipe import Recipe
from baselines.training.towers import OneTower
from baselines.training.trained import Materials
from benchmarks.progress import Progress
from benchmarks.storage.cache import Cache
from tests.speed.test_kernels import ratio

BATCH, TOKENS = 128, 128
RATE = 1e-5
RECIPE = Recipe(
    "scratch:small", "synthetic/small/train", BATCH, RATE, "synthetic/small", query_tokens=TOKENS, document_tokens=TOKENS,
    objective={"share": 100, "temperature": 1.0},
)  # fmt: skip


def stepped(model: torch.nn.Module, loss: Callable[[], torch.Tensor]) -> Callable[[], float]:
    """One step of AdamW on the same batch, each time it is called; gives the loss."""
    optimizer = torch.optim.AdamW(model.parameters(), RATE, fused=True)
    model.eval()  # no dropout: the losses of the first step are to be equal

    def step() -> float:
        value = loss()
        torch.autograd.backward(value)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return value.item()

    return step


@pytest.mark.benchmark(group=f"a training step of {BATCH} pairs, a BERT of two layers")
def test_a_training_step_is_no_slower_than_sentence_transformers(
    benchmark: Any, cache: Cache, tmp_path: Path
) -> None:
    """At least as fast, and the same loss before the first step."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
    from sentence_transformers.util import dot_score

    start = starts.drawn(RECIPE, 0, cache)
    assert start is not None
    tower = OneTower(start.weights, Conventions(False, TOKENS, TOKENS))
    tower.save(tmp_path / "start")
    made = FineTuning(tower, Materials(RECIPE, 0, start, cache, Progress(True)))
    # Of each question the passage that tells the fact, which answers no other: theirs would take one that does for wrong.
    pairs = [(query, document) for query, document in made._data.pairs if not document.endswith("-0")][:BATCH]
    relevant = made._data.false_negatives([query for query, _ in pairs], [id for _, id in pairs])
    assert relevant.sum() == BATCH
    made._data.pairs = pairs
    queries = [made._data.queries[query] for query, _ in pairs]
    documents = [document.contents for document in made._data.documents([id for _, id in pairs])]

    # Of a plain checkpoint it takes the mean.
    model = SentenceTransformer(str(tmp_path / "start"), device="cpu")
    model.max_seq_length = TOKENS
    criterion = MultipleNegativesRankingLoss(model, scale=1.0, similarity_fct=dot_score)
    ours = stepped(made.model, lambda: made.loss(0).value)
    theirs = stepped(
        criterion, lambda: criterion([model.preprocess(queries), model.preprocess(documents)], torch.empty(0))
    )
    assert ours() == pytest.approx(theirs(), rel=1e-4)
    assert ratio(benchmark, ours, theirs, rounds=15) >= 1.0
