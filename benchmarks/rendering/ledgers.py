"""Published tables as Markdown: every printed number, ours beside it, and why where there is none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from benchmarks.published.ledger import Fields, Ledger, Table, numbers
from benchmarks.published.number import Key, PublishedNumber
from benchmarks.published.verdicts import DRIFTED, NOT_RUN, UNVERIFIED
from benchmarks.rendering.board import MARKS, Board
from benchmarks.rendering.cells import record_link
from benchmarks.rendering.markdown import Lines, code, cut, escape, table

_LEGEND = (
    "As they are printed, fractions where a paper has percent. After a number: the verdict (`=` reproduced, `≠` drifted, "
    "`~` other protocol) and what was measured here, linked to its record. `?` marks what is known from memory and was not "
    "read in a source. The last column says whether the row was measured; what is *cited only* is "
    "set beside nothing: no variant, collection or measure here is known to be the same."
)
_MOST_SOURCES = 2
_MOST_NAMED = 2


def published_tables(board: Board, ledger: Ledger) -> str:
    """The section of a page that holds a ledger's tables; nothing for a ledger without any."""
    if not ledger:
        return ""
    blocks = [block for one in ledger for block in _section(board, one)]
    return "\n\n".join(["## Published tables", _LEGEND, *blocks])


def published_counts(board: Board) -> str:
    """How many published numbers there are, by verdict."""
    every = [number for ledger in board.ledgers.values() for number in numbers(ledger)]
    ours = [number for number in every if number.key is not None]
    words = Counter(board.verdict(number).word for number in ours)
    not_run = words.pop(NOT_RUN, 0)
    counted = [f"{count} {word}" for word, count in sorted(words.items())] or ["none measured yet"]
    return (
        f"Published numbers with a measurement beside them: {', '.join(counted)}. In the ledgers: {len(every):,} numbers, "
        f"{sum(not number.verified for number in every):,} of them recalled; {not_run:,} are of variants here and were not "
        f"run, {len(every) - len(ours):,} are cited only."
    )


_DRIFTED = (
    "These drifted: another number from the same protocol, so that no recorded setting explains it (one that differed would "
    "make the verdict *other protocol*). Where the differences of all queries together come to a few hundredths, the likeliest "
    "cause is one query whose neighbours of nearly equal score changed places, as another machine's rounding makes them. A correlation is "
    "one number of all pairs, and does not say which of them moved it:"
)


def drifts(board: Board) -> str:
    """Every published number that was not reproduced, with both numbers at the printed precision."""
    lines = []
    for name, ledger in board.ledgers.items():
        for number in numbers(ledger):
            found, record = board.verdict(number), board.record_of(number)
            if found.word != DRIFTED or number.key is None or record is None:
                continue
            spec, collection, measure = number.key
            measured = f"{record.means[measure]:.{number.decimals}f}"
            queries = len(record.scores[measure])
            apart = abs(record.means[measure] - number.value) * queries
            summed = f", {apart:.2f} over {queries} queries" if queries > 1 else ""
            place = f"{found.detail}{summed}; {escape(name)}, {escape(number.where)}"
            lines.append(
                f"- {code(spec)} on {escape(collection)}, {measure}: {measured}, published {number.printed} ({place})"
            )
    return "\n".join([_DRIFTED, "", *lines]) if lines else ""


def _section(board: Board, one: Table) -> Iterator[str]:
    places = ", ".join(dict.fromkeys(number.where for number in one.numbers))
    yield f"### {escape(': '.join(filter(None, [one.head.get('system'), places])))}"
    yield _caption(one)
    for header, rows in cut(len(one.columns), lambda part: _part(board, one, part)):
        yield table(header, rows, text=(0, len(header) - 1))
    if notes := list(_notes(one)):
        yield "\n".join(notes)


def _part(board: Board, one: Table, part: slice) -> Lines:
    """Some of a table's columns, with the rows that have a number there."""
    rows = [
        [
            _label(row.head),
            *(_cell(board, number) for number in row.cells[part]),
            _here(board, found, row.head.get("dataset", "")),
        ]
        for row in one.rows
        if (found := [number for number in row.cells[part] if number])
    ]
    corner = "system" if "system" in one.rows[0].head else "dataset"
    return [*_header(one.columns[part], corner), "here"], rows


def _header(columns: Sequence[Fields], corner: str) -> list[str]:
    """The heads of columns; what all of them share stands once, in the corner."""
    shared = {
        name: value
        for name, value in columns[0].items()
        if len(columns) > 1 and all(column.get(name) == value for column in columns)
    }
    own = [{name: value for name, value in column.items() if name not in shared} for column in columns]
    return [_label(shared) or corner, *map(_label, own)]


def _label(fields: Fields) -> str:
    """What names a row, a column or a table: system, variant, dataset, measure."""
    who = ", ".join(fields[name] for name in ("system", "variant") if fields.get(name))
    return escape(" ".join(part for part in (who, fields.get("dataset"), fields.get("measure")) if part))


def _caption(one: Table) -> str:
    sources = list(dict.fromkeys(number.source for number in one.numbers))
    many = len(sources) > _MOST_SOURCES
    named = f"{len(sources)} documents, named in the ledger" if many else "; ".join(sources)
    return ". ".join(filter(None, [_label({**one.head, "system": ""}), f"Source: {escape(named)}"])) + "."


def _cell(board: Board, number: PublishedNumber | None) -> str:
    if number is None:
        return ""
    record = board.record_of(number)
    if record is None or number.key is None:
        return number.printed if number.verified else f"{number.printed} {MARKS[UNVERIFIED]}"
    found = board.verdict(number)
    measured = record_link(
        board, f"{record.means[number.key[2]]:.{max(4, number.decimals)}f}", record, "../../"
    )
    detail = f" ({found.detail})" if found.detail else ""
    return f"{number.printed} {MARKS[found.word]} {measured}{detail}"


def _here(board: Board, found: Sequence[PublishedNumber], dataset: str) -> str:
    """Whether a row was measured here, and why not. `dataset` is what the row is named after, if it is."""
    ours = [number for number in found if number.key]
    missing = [number.key for number in ours if number.key and board.record_of(number) is None]
    if not ours:
        return "cited only"
    if not missing:
        return "measured"
    begin = "not run here" if len(missing) == len(ours) else "measured in part"
    return f"{begin}: {_lacking(board, missing, dataset)}"


def _lacking(board: Board, missing: Sequence[Key], dataset: str) -> str:
    """What it takes to measure the cells: a checkpoint, a collection, a measure."""
    if needs := dict.fromkeys(need for spec, _, _ in missing for need in board.needs(spec)):
        return f"needs {escape(', '.join(needs))}"
    unrecorded = dict.fromkeys(id for spec, id, _ in missing if (spec, id) not in board.records)
    if list(unrecorded) == [dataset]:
        return "no record"
    if len(unrecorded) > _MOST_NAMED:
        return f"no record of {len(unrecorded)} collections"
    if unrecorded:
        return f"no record of {escape(', '.join(unrecorded))}"
    return f"the record has no {', '.join(dict.fromkeys(measure for *_, measure in missing))}"


def _notes(one: Table) -> Iterator[str]:
    """What must be known of some of the numbers."""
    texts = Counter(
        text
        for number in one.numbers
        for text in (number.note, number.derived, number.confidence and f"confidence: {number.confidence}")
        if text
    )
    for text, count in texts.items():
        share = "" if count == len(one.numbers) else f"{count} of {len(one.numbers)} numbers: "
        yield f"- {share}{escape(text)}"
