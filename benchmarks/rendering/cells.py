"""How single numbers look in a report, the same on every page."""

from __future__ import annotations

from benchmarks.collections.conventions import means
from benchmarks.records.record import Record
from benchmarks.records.store import file_name
from benchmarks.rendering.board import MARKS, Board
from benchmarks.rendering.markdown import code, escape, link

LEGEND = (
    "A number is a mean over all judged queries and links to its record. Beside it, in parentheses, the "
    "published number and the verdict: `=` reproduced (equal at the printed precision), `≠` drifted (with the "
    "difference), `~` other protocol, `?` unverified source; `·` stands for a published number that was not measured. A cell "
    "that was neither measured nor published is empty."
)


def record_link(board: Board, text: str, record: Record, up: str) -> str:
    """`text` linked to the record's file; `up` leads from the page to the folder above reports."""
    if record.collection in means():
        return text
    return link(
        text, f"{up}{board.results}/records/{file_name(record.spec)}/{file_name(record.collection)}.json"
    )


def measured(board: Board, spec: str, collection: str, measure: str, up: str) -> str:
    """A measured mean with the published number and the verdict beside it."""
    record = board.records.get((spec, collection))
    number = board.number(spec, collection, measure)
    if record is None or measure not in record.scores:
        return f"· ({number.printed})" if number else ""
    digits = max(4, number.decimals) if number else 4
    shown = record_link(board, f"{record.means[measure]:.{digits}f}", record, up)
    if number is None:
        return shown
    found = board.verdict(number)
    drift = f" {found.detail}" if found.word == "drifted" else ""
    return f"{shown} ({number.printed} {MARKS[found.word]}{drift})"


def column(board: Board, collection: str) -> str:
    """A column's head: the collection and its rung."""
    return f"{escape(collection)} ({board.rung(collection)})"


def mebibytes(size: int) -> str:
    """A size on disk or in memory."""
    return f"{size / 2**20:.1f}"


def footnotes(board: Board, collections: list[str], specs: list[str]) -> str:
    """Which cells of the columns are not quite comparable, and in what they differ."""
    lines = [
        f"- {code(note.spec)} on {escape(note.collection)} differs from its column in: "
        + ", ".join(code(field) for field in note.fields)
        for collection in collections
        for note in board.footnotes(collection, specs)
    ]
    return "\n".join(["Not comparable with the rest of their column:", "", *lines]) if lines else ""
