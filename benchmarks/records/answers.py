"""The answers of a cell that reads, as JSON beside its run: query to text and passage, in order of query."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict

from benchmarks.errors import RecordError
from benchmarks.interfaces import Answer


def dumps(answers: Mapping[str, Answer]) -> bytes:
    """The file's content: equal answers give equal bytes."""
    value = {query: asdict(answer) for query, answer in answers.items()}
    return (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def loads(content: bytes) -> dict[str, Answer]:
    """The inverse of `dumps`. Raises `RecordError`."""
    try:
        return {query: Answer(**answer) for query, answer in json.loads(content).items()}
    except (ValueError, TypeError, AttributeError):
        raise RecordError("a file of answers holds {query: {text, document}}; run the cell again") from None
