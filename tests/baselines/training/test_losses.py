"""The contrastive loss against a loop, and against sentence-transformers."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.training.losses import contrastive, hit_rate


def slow(
    queries: torch.Tensor, documents: torch.Tensor, right: list[int], temperature: float,
    logs: list[float] | None, forbidden: torch.Tensor | None,
) -> torch.Tensor:  # fmt: skip
    """One query and one document at a time."""
    losses = []
    for i, positive in enumerate(right):
        exponentials, own = [], torch.zeros(())
        for j in range(len(documents)):
            score = sum((queries[i, d] * documents[j, d] for d in range(queries.shape[1])), torch.zeros(()))
            score = score / temperature - (logs[j] if logs else 0.0)
            if j == positive:
                own = score
            if forbidden is None or not forbidden[i, j]:
                exponentials.append(torch.exp(score))
        losses.append(torch.log(torch.stack(exponentials).sum()) - own)
    return torch.stack(losses).mean()


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 1_000), queries=st.integers(1, 5), more=st.integers(0, 4),
    temperature=st.sampled_from([0.05, 1.0, 3.0]), corrected=st.booleans(), masked=st.booleans(),
)  # fmt: skip
def test_the_loss_and_its_gradients_are_those_of_a_loop(
    seed: int, queries: int, more: int, temperature: float, corrected: bool, masked: bool
) -> None:
    """To 1e-9 in float64, with a correction, with documents that are no negatives, and without."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64) / 2

    values = draw(queries, 4), draw(queries + more, 4)
    right = torch.randint(queries + more, (queries,), generator=generator).tolist()
    logs = draw(queries + more) if corrected else None
    forbidden = draw(queries, queries + more) > 0.3 if masked else None
    if forbidden is not None:
        forbidden[torch.arange(queries), torch.tensor(right)] = False
    found, expected = ([value.clone().requires_grad_() for value in values] for _ in range(2))
    loss = contrastive(*found, torch.tensor(right), temperature, logs, forbidden)
    other = slow(*expected, right, temperature, logs.tolist() if logs is not None else None, forbidden)
    torch.testing.assert_close(loss, other, atol=1e-9, rtol=0)
    loss.backward()
    other.backward()
    for one, two in zip(found, expected, strict=True):
        torch.testing.assert_close(one.grad, two.grad, atol=1e-9, rtol=0)


def test_one_document_a_query_is_multiple_negatives_ranking() -> None:
    """sentence-transformers' loss with inner products, hard negatives behind the right documents."""
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
    from sentence_transformers.util import dot_score

    torch.manual_seed(0)
    queries, documents, hard = torch.randn(6, 5), torch.randn(6, 5), torch.randn(6, 5)

    class Nothing(torch.nn.Module):
        """Stands for the model, whose vectors are given."""

    reference: Any = MultipleNegativesRankingLoss(Nothing(), scale=20.0, similarity_fct=dot_score)
    expected = reference.compute_loss_from_embeddings([queries, documents, hard], None)
    found = contrastive(queries, torch.cat([documents, hard]), torch.arange(6), temperature=0.05)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)


def test_what_is_no_negative_counts_for_nothing() -> None:
    """A forbidden document changes neither the loss nor gets a gradient."""
    queries, documents = torch.eye(2), torch.eye(2).repeat(2, 1).requires_grad_()
    forbidden = torch.tensor([[False, False, True, False], [False, False, False, True]])
    loss = contrastive(queries, documents, torch.arange(2), forbidden=forbidden)
    assert loss.item() == pytest.approx(math.log(math.e + 2) - 1)
    loss.backward()
    assert documents.grad is not None
    assert documents.grad[2, 0] == documents.grad[3, 1] == 0


def test_hits_are_queries_that_are_nearest_to_their_document() -> None:
    """As a share of 1."""
    queries = torch.tensor([[1.0, 0], [0, 1], [1, 1]])
    documents = torch.tensor([[2.0, 0], [3, 0], [0, 1]])
    assert hit_rate(queries @ documents.T, torch.tensor([1, 2, 0])) == pytest.approx(2 / 3)
