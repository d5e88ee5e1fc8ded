"""Runs as TREC files: query, Q0, document, rank, score, tag; gzipped, queries in order of id.

Scores are written in the shortest form that reads back as the same float32, so that a run read
again is in the same order and a run written again has the same bytes.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from pathlib import Path

import numpy as np

from benchmarks.errors import RecordError
from benchmarks.evaluation.ranking import rank
from benchmarks.interfaces import Run
from benchmarks.storage.atomic import write_gzip


def dumps(run: Run, tag: str) -> bytes:
    """The lines of a run. Raises `RecordError` for ids that would not survive (spaces)."""
    lines = []
    for query in sorted(run):
        ranking = run[query]
        for place, (id, score) in enumerate(zip(ranking.ids, ranking.scores, strict=True), start=1):
            if len(id.split()) != 1 or len(query.split()) != 1:
                raise RecordError(f"query {query!r}, document {id!r}: a TREC run cannot hold ids with spaces")
            lines.append(f"{query} Q0 {id} {place} {np.float32(score)!s} {tag}\n")
    return "".join(lines).encode()


def loads(content: bytes) -> Run:
    """The inverse of `dumps`; the rank column is not trusted, the ranking order is applied."""
    columns: dict[str, tuple[list[str], list[float]]] = {}
    for number, line in enumerate(content.decode("utf-8").splitlines(), start=1):
        fields = line.split()
        try:
            query, _, document, _, score, *_ = fields
            ids, scores = columns.setdefault(query, ([], []))
            ids.append(document)
            scores.append(float(score))
        except ValueError:
            raise RecordError(f"line {number} is not a line of a TREC run: {line[:80]!r}") from None
    return {query: rank(ids, np.array(scores, dtype=np.float32)) for query, (ids, scores) in columns.items()}


def write(path: Path, content: bytes) -> None:
    """Save a run's lines, gzipped, the same bytes for the same lines."""
    write_gzip(path, content)


def read(path: Path) -> bytes:
    """A run's lines. Raises `RecordError` for a file that is damaged."""
    try:
        return gzip.decompress(path.read_bytes())
    except FileNotFoundError:
        raise RecordError(f"{path} is missing; run the cell again") from None
    except (OSError, EOFError, zlib.error):
        raise RecordError(f"{path} is not a whole gzip file; restore it or run the cell again") from None


def digest(content: bytes) -> str:
    """What a record says of its run: the SHA-256 of the lines, not of their compression."""
    return hashlib.sha256(content).hexdigest()
