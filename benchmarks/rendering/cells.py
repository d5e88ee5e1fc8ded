"""How single numbers look in a report, the same on every page."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from benchmarks.collections.conventions import means
from benchmarks.records.record import Record
from benchmarks.records.store import Store
from benchmarks.rendering.board import MARKS, Board, Footnote
from benchmarks.rendering.markdown import code, escape, link
from benchmarks.rendering.ties import BEST, TIED

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
    path = Store(Path(board.results)).record_path(record.spec, record.collection, record.seed)
    return link(text, f"{up}{path.as_posix()}")


def marked(shown: str, standing: str) -> str:
    """A number by its standing in its column (`ties.py`)."""
    return {BEST: f"**{shown}**", TIED: f"{shown} ≈"}.get(standing, shown)


def measured(board: Board, spec: str, collection: str, measure: str, up: str, standing: str = "") -> str:
    """A measured mean, marked by its standing, with the published number and the verdict beside it."""
    record = board.records.get((spec, collection))
    number = board.number(spec, collection, measure)
    if record is None or measure not in record.scores:
        return f"· ({number.printed})" if number else ""
    digits = max(4, number.decimals) if number else 4
    shown = marked(record_link(board, f"{record.means[measure]:.{digits}f}", record, up), standing)
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
    return not_comparable([note for id in collections for note in board.footnotes(id, specs)])


def not_comparable(notes: Iterable[Footnote]) -> str:
    """Footnotes as a list; nothing where there is none."""
    lines = [
        f"- {code(note.spec)} on {escape(note.collection)} differs from its column in: "
        + ", ".join(code(field) for field in note.fields)
        for note in notes
    ]
    return "\n".join(["Not comparable with the rest of their column:", "", *lines]) if lines else ""


def machines(records: Iterable[Record]) -> str:
    """On which machines some cells were measured."""
    found: dict[str, list[str]] = {}
    for record in records:
        found.setdefault(str(record.environment["machine"]), []).append(record.environment.get("date", ""))
    lines = [
        f"- {escape(machine)}: {len(days)} cells{_when(days)}" for machine, days in sorted(found.items())
    ]
    return "\n".join(["Measured on:", "", *lines]) if lines else ""


def _when(days: list[str]) -> str:
    """From when to when, of those that have a date."""
    dated = sorted(filter(None, days))
    if not dated:
        return ""
    span = dated[0] if dated[0] == dated[-1] else f"{dated[0]} to {dated[-1]}"
    return (
        f", {len(dated)} of them on {span}; the others have no date"
        if len(dated) < len(days)
        else f", {span}"
    )
