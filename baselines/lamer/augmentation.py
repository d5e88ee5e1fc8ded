"""From a query and the answers to it to what is searched for (Shen et al. 2023, sections 4 and 5)."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.generation.prompts import shortened
from benchmarks.interfaces import FloatArray

TOKENS = 128
"""Of a query, a passage and an answer. Which tokens the paper counts is not known; here they are words and signs."""


def cut(text: str) -> str:
    """What is read of a text."""
    return shortened(text, TOKENS)


def interleaved(query: str, answers: Sequence[str]) -> str:
    """The query again before each answer: q a1 q a2 ... q aN. Without answers, the query."""
    query = cut(query)
    return " ".join(f"{query} {cut(answer)}" for answer in answers) or query


def halfway(query: FloatArray, answers: FloatArray) -> FloatArray:
    """The mean over the answers [n, dimension] of (query + answer) / 2, the query being float32[dimension]."""
    found: FloatArray = ((query + answers) / 2).mean(axis=0)
    return found
