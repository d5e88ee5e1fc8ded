"""What every encoder and retriever owes the bench, as checks any plugin can run in its own tests.

    from benchmarks.conformance import check_variant
    check_variant("mybaseline:default", tmp_path)

Each check raises `ConformanceError` with what was wrong. Checked are shapes and types, equal
results on equal input, independence of batch size and padding, empty, over-long and non-Latin
text, for retrievers the ranking order, the depth, and an index opened a second time, for readers that an
answer comes from one of its question's passages.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import numpy as np

from benchmarks.errors import BenchError
from benchmarks.evaluation.ranking import ranking_order
from benchmarks.interfaces import (
    Answer,
    Document,
    Encoder,
    FloatArray,
    Indexed,
    Query,
    Ranking,
    Reader,
    Retriever,
    Scorer,
    Setting,
    TokenEncoder,
)
from benchmarks.registry import variant_of
from benchmarks.retrieval.dense import DenseRetriever
from benchmarks.retrieval.latekeys import late_interaction
from benchmarks.retrieval.resolve import indexed
from benchmarks.spec import Leaf, parse

_TOLERANCE = 1e-4
_TEXTS = (
    "a short text",
    "",
    "word",
    "the retrieval of documents by the vectors of their words " * 200,
    "Ελληνικά, русский, 日本語, العربية, हिन्दी",
    "é combining, zero\u200bwidth, emoji 🙂, tab\tand newline\n",
    "numbers 3.14 and 1,000,000; punctuation?!",
    "another short text that is a little longer than the first one",
)
DOCUMENTS = tuple(Document(f"d{number}", f"title {number}", text) for number, text in enumerate(_TEXTS))
QUERIES = tuple(Query(f"q{number}", text) for number, text in enumerate(_TEXTS))


class ConformanceError(BenchError):
    """A plugin that does not keep the contract of `benchmarks.interfaces`."""


def check_variant(spec: str, folder: str | Path, setting: Setting | None = None) -> None:
    """Check what `spec` names, built under `setting`; `folder` is scratch space."""
    leaf = parse(spec)
    if not isinstance(leaf, Leaf):
        raise ConformanceError(f"{spec} is a composition; check its parts")
    folder = Path(folder)
    built, again = (variant_of(leaf)[1].build(setting or Setting()) for _ in range(2))
    if isinstance(built, TokenEncoder) and isinstance(again, TokenEncoder):
        check_token_encoder(built)
        check_retriever(
            late_interaction(built, leaf.index, 0), late_interaction(again, leaf.index, 0), folder / "index"
        )
    elif isinstance(built, Encoder) and isinstance(again, Encoder):
        check_encoder(built, folder / "encoder")
        check_retriever(
            DenseRetriever(built, leaf.index), DenseRetriever(again, leaf.index), folder / "index"
        )
    elif isinstance(built, Retriever) and isinstance(again, Retriever):
        check_retriever(built, again, folder / "index")
    elif isinstance(built, Scorer) and isinstance(built, Indexed):
        built.index(DOCUMENTS, folder / "index")
        check_scorer(built)
    elif isinstance(built, Reader):
        check_reader(built)
    elif hasattr(built, "parts"):
        raise ConformanceError(f"{spec} is a composition; check its parts")
    else:
        _fail(f"{type(built).__name__} lacks what an Encoder or a Retriever has; each also needs `protocol`")


def check_encoder(encoder: Encoder, folder: Path) -> None:
    """Check an encoder on texts that are empty, long, and in many scripts."""
    _check_protocol(encoder.protocol)
    fit = getattr(encoder, "fit", None)
    if fit is not None:
        fit(DOCUMENTS, folder)
    documents = encoder.encode_documents(DOCUMENTS)
    queries = encoder.encode_queries([query.text for query in QUERIES])
    for name, vectors in (("encode_documents", documents), ("encode_queries", queries)):
        _check_shape(name, vectors, len(_TEXTS))
    if documents.shape[1] != queries.shape[1]:
        _fail(f"documents have {documents.shape[1]} dimensions and queries {queries.shape[1]}")
    empty = encoder.encode_queries([])
    if empty.shape[0] != 0:
        _fail(f"no texts gave {len(empty)} vectors")
    if not np.array_equal(documents, encoder.encode_documents(DOCUMENTS)):
        _fail("the same documents gave other vectors the second time")
    singly = np.concatenate([encoder.encode_documents([document]) for document in DOCUMENTS])
    _check_close("a document encoded alone", singly, documents)
    backwards = encoder.encode_queries([query.text for query in reversed(QUERIES)])[::-1]
    _check_close("queries encoded in another order", backwards, queries)


def check_token_encoder(encoder: TokenEncoder) -> None:
    """Check an encoder of several vectors a text."""
    _check_protocol(encoder.protocol)
    documents = encoder.encode_documents(DOCUMENTS)
    queries = encoder.encode_queries([query.text for query in QUERIES])
    for name, matrices in (("encode_documents", documents), ("encode_queries", queries)):
        if not isinstance(matrices, list) or len(matrices) != len(_TEXTS):
            _fail(f"{name} owes a list of {len(_TEXTS)} matrices")
        for matrix in matrices:
            _check_shape(name, matrix, len(matrix))
            if not len(matrix) or matrix.shape[1] != documents[0].shape[1]:
                _fail(f"{name} gave no vector for a text, or vectors of different dimensions")
    if encoder.encode_queries([]) or encoder.encode_documents([]):
        _fail("no texts gave matrices")
    again = encoder.encode_documents(DOCUMENTS)
    backwards = encoder.encode_queries([query.text for query in reversed(QUERIES)])[::-1]
    for place, document in enumerate(DOCUMENTS):
        if not np.array_equal(documents[place], again[place]):
            _fail("the same documents gave other vectors the second time")
        _check_close("a document encoded alone", encoder.encode_documents([document])[0], documents[place])
        _check_close("queries encoded in another order", backwards[place], queries[place])


def check_scorer(scorer: Scorer) -> None:
    """Check a re-ranker whose index is open: one finite score a candidate, whatever else is scored with it."""
    _check_protocol(scorer.protocol)
    ids = [document.id for document in DOCUMENTS]
    scores = scorer.score(QUERIES, [ids] * len(QUERIES))
    if len(scores) != len(QUERIES):
        _fail(f"{len(QUERIES)} queries gave {len(scores)} rows of scores")
    backwards = scorer.score(QUERIES[::-1], [ids[::-1]] * len(QUERIES))
    for row, reversed_row in zip(scores, reversed(backwards), strict=True):
        if row.shape != (len(ids),) or row.dtype != np.float32 or not np.isfinite(row).all():
            _fail(
                f"score gave {row.dtype}{row.shape} for {len(ids)} candidates, or a score that is not finite"
            )
        _check_close("candidates scored in another order", reversed_row[::-1], row)
    if len(scorer.score(QUERIES[:1], [[]])[0]):
        _fail("no candidates gave scores")


def check_reader(reader: Reader) -> None:
    """Check a reader on questions and passages that are empty, long, and in many scripts."""
    _check_protocol(reader.protocol)
    questions = [query.text for query in QUERIES]
    passages = [DOCUMENTS[place:] for place in range(len(DOCUMENTS))]
    answers = reader.read(questions, passages)
    if len(answers) != len(questions):
        _fail(f"{len(questions)} questions gave {len(answers)} answers")
    for answer, found in zip(answers, passages, strict=True):
        if not isinstance(answer, Answer) or not isinstance(answer.text, str):
            _fail(f"read gave {answer!r} for a question, not an Answer")
        if answer.document not in {"", *(document.id for document in found)}:
            _fail(f"an answer is from {answer.document!r}, which is not one of its passages")
    if reader.read([], []) != []:
        _fail("no questions gave answers")
    singly = [reader.read([questions[place]], [passages[place]])[0] for place in range(len(questions))]
    if singly != answers:
        _fail("a question read alone gave another answer than among others")


def check_retriever(retriever: Retriever, again: Retriever, folder: Path) -> None:
    """Check a retriever, and that a second instance finds the first one's index finished."""
    _check_protocol(retriever.protocol)
    _index(retriever, folder)
    rankings = retriever.search(QUERIES, 5)
    _check_rankings(rankings)
    shallow = retriever.search(QUERIES, 2)
    for deep, cut in zip(rankings, shallow, strict=True):
        if deep.ids[:2] != cut.ids:
            _fail("the best two of a search to depth five are not those of a search to depth two")
    _index(again, folder)
    for first, second in zip(rankings, again.search(QUERIES, 5), strict=True):
        if first.ids != second.ids or not np.array_equal(first.scores, second.scores):
            _fail("an index opened a second time gave other rankings")


def _index(retriever: Retriever, folder: Path) -> None:
    """Index a retriever, and first the parts it is made of, each in a folder of its own."""
    for number, part in enumerate(indexed(retriever)):
        part.index(DOCUMENTS, folder / str(number))


def _check_rankings(rankings: Sequence[Ranking]) -> None:
    if len(rankings) != len(QUERIES):
        _fail(f"{len(QUERIES)} queries gave {len(rankings)} rankings")
    known = {document.id for document in DOCUMENTS}
    for ranking in rankings:
        if not isinstance(ranking, Ranking):
            _fail(f"search gave {type(ranking).__name__} for a query, not a Ranking")
        if len(ranking.ids) != len(ranking.scores) or len(ranking.ids) > 5:
            _fail("a ranking is deeper than asked, or has more ids than scores")
        if len(set(ranking.ids)) != len(ranking.ids) or not set(ranking.ids) <= known:
            _fail("a ranking holds a document twice, or one that was not indexed")
        if ranking.scores.dtype != np.float32:
            _fail(f"scores are {ranking.scores.dtype}, not float32")
        order = ranking_order(ranking.scores, np.array(ranking.ids))
        if not np.array_equal(order, np.arange(len(order))):
            _fail("a ranking is not in the ranking order: score descending, then document id ascending")


def _check_shape(name: str, vectors: FloatArray, rows: int) -> None:
    if not isinstance(vectors, np.ndarray) or vectors.dtype != np.float32:
        _fail(f"{name} gave {getattr(vectors, 'dtype', type(vectors).__name__)}, not float32")
    if vectors.ndim != 2 or len(vectors) != rows:
        _fail(f"{name} gave shape {vectors.shape} for {rows} texts")
    if not np.isfinite(vectors).all():
        _fail(f"{name} gave a vector that is not finite")


def _check_close(what: str, actual: FloatArray, expected: FloatArray) -> None:
    scale = max(1.0, float(np.abs(expected).max()))
    worst = float(np.abs(actual - expected).max()) / scale
    if worst > _TOLERANCE:
        _fail(
            f"{what} differs from its batch by {worst:.2g} of the largest component (allowed: {_TOLERANCE:g})"
        )


def _check_protocol(protocol: object) -> None:
    try:
        json.dumps(dict(protocol), allow_nan=False)  # type: ignore[call-overload]
    except (TypeError, ValueError) as error:
        _fail(f"the protocol is not made of JSON values: {error}")


def _fail(message: str) -> NoReturn:
    raise ConformanceError(message)
