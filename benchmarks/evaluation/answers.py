r"""Does a passage hold an answer? DPR's definitions (Karpukhin et al. 2020, section 5), restated.

Passage and answer are NFD-normalised. As tokens (runs of letters, digits and marks, or single characters
that are neither spaces nor control characters), a passage holds an answer when the answer's lower-cased
tokens occur in it as a contiguous sequence. As a regular expression (CuratedTREC), it holds an answer when
the pattern, ignoring case, is found anywhere in it; a pattern that does not compile is found nowhere
(NFD spoils three of CuratedTREC's 694, which escape an accented letter; so it does in DPR's code).
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence

import regex

from benchmarks.errors import EvaluationError
from benchmarks.interfaces import Document, Run

Matching = Callable[[str, Sequence[str]], bool]

_TOKEN = regex.compile(r"[\p{L}\p{N}\p{M}]+|[^\p{Z}\p{C}]", flags=regex.UNICODE)


def tokens(text: str) -> list[str]:
    """The lower-cased tokens of `text`."""
    return [match.lower() for match in _TOKEN.findall(unicodedata.normalize("NFD", text))]


@functools.lru_cache(maxsize=65536)
def _answer_tokens(answer: str) -> tuple[str, ...]:
    return tuple(tokens(answer))


def has_answer(passage: str, answers: Sequence[str]) -> bool:
    """Whether `passage` holds one of `answers` as a contiguous token sequence."""
    haystack = tokens(passage)
    return any(_contains(haystack, _answer_tokens(answer)) for answer in answers)


def _contains(haystack: list[str], needle: tuple[str, ...]) -> bool:
    if not needle:
        return False
    first, size = needle[0], len(needle)
    return any(
        token == first and tuple(haystack[at : at + size]) == needle for at, token in enumerate(haystack)
    )


def has_pattern(passage: str, patterns: Sequence[str]) -> bool:
    """Whether one of `patterns` is found in `passage`."""
    text = unicodedata.normalize("NFD", passage)
    found = (compiled(pattern) for pattern in patterns)
    return any(pattern is not None and pattern.search(text) is not None for pattern in found)


@functools.lru_cache(maxsize=65536)
def compiled(pattern: str) -> regex.Pattern[str] | None:
    """An answer that is a regular expression; nothing for one that is none."""
    try:
        return regex.compile(
            unicodedata.normalize("NFD", pattern), regex.IGNORECASE | regex.UNICODE | regex.MULTILINE
        )
    except regex.error:
        return None


MATCHING: Mapping[str, Matching] = {"tokens": has_answer, "regex": has_pattern}
"""By the name that a collection's conventions give."""


def find_answers(
    run: Run,
    documents: Iterable[Document],
    answers: Mapping[str, Sequence[str]],
    depth: int,
    holds: Matching = has_answer,
) -> dict[str, list[bool]]:
    """For each query of `run`, whether the document at each of the first `depth` ranks holds an answer.

    `documents` is streamed once; only the texts that some query retrieved are kept. The title
    does not count.
    """
    wanted = {id for ranking in run.values() for id in ranking.ids[:depth]}
    texts = {document.id: document.text for document in documents if document.id in wanted}
    if strangers := wanted - texts.keys():
        raise EvaluationError(f"document {min(strangers)!r} was retrieved and is not in the collection")
    return {
        query: [holds(texts[id], answers.get(query, ())) for id in ranking.ids[:depth]]
        for query, ranking in run.items()
    }
