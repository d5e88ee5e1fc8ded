"""Reads ledgers: TOML files that hold the tables of a paper as they are printed.

    [[table]]
    where = "Table 2"                     # as the paper calls it
    source = "the paper's full text"      # where it was read
    verified = true                       # false: recalled, shown with a question mark
    decimals = 3                          # of the fraction: 59.1 percent is 0.591
    measure = "Success@20"
    columns = [
      { dataset = "dpr-w100/natural-questions/test" },
      { dataset = "dpr-w100/trivia-qa/test" },
    ]
    rows = [
      { system = "BM25", values = [0.591, 0.669] },
      { system = "DPR", variant = "multi", spec = "dpr:multiset", values = [0.794, { value = 0.788, note = "..." }] },
    ]

A field of a number (see `PublishedNumber`) stands at its table, its column, its row or its cell; the
nearest counts. A cell is a number, a number with fields of its own, or "" where nothing is printed. What
has no source, place, precision or word on its verification does not load.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from benchmarks.errors import RecordError, UsageError
from benchmarks.published.number import PublishedNumber
from benchmarks.registry import baselines, variant_of
from benchmarks.spec import parse

GROUP = "retriever_bench.ledgers"
Fields = Mapping[str, Any]

_TYPES = {"value": (int, float), "decimals": (int,), "verified": (bool,), "protocol": (dict,)}
_NAMES = ("system", "variant", "dataset", "measure")
_KNOWN = {field.name for field in fields(PublishedNumber)}
_REQUIRED = [
    field.name
    for field in fields(PublishedNumber)
    if field.default is MISSING and field.default_factory is MISSING
]


@dataclass(frozen=True)
class Row:
    """A row of a printed table: the fields that name it, and its numbers, column by column."""

    head: Fields
    cells: tuple[PublishedNumber | None, ...]


@dataclass(frozen=True)
class Table:
    """A printed table: the fields all its numbers share, those of its columns, and its rows."""

    head: Fields
    columns: tuple[Fields, ...]
    rows: tuple[Row, ...]

    @property
    def numbers(self) -> list[PublishedNumber]:
        """Every number, row by row."""
        return [number for row in self.rows for number in row.cells if number is not None]


Ledger = tuple[Table, ...]


def ledgers() -> dict[str, Ledger]:
    """All installed ledgers by name: those of the baselines, then those that belong to none.

    A distribution adds the latter with an entry point that names a TOML file. Raises `RecordError`.
    """
    found = {key: read(one.published) for key, one in baselines().items() if one.published is not None}
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        found[point.name] = read(point.load())
    for name, ledger in found.items():
        _check_specs(name, ledger)
    return found


def _check_specs(name: str, ledger: Ledger) -> None:
    """Raise `RecordError` where a number is set beside a variant that nobody declares."""
    for number in numbers(ledger):
        try:
            for leaf in parse(number.spec).leaves if number.spec else ():
                variant_of(leaf)
        except UsageError as error:
            raise RecordError(f"ledger {name}, {number.where}, {number.system}: {error}") from None


def numbers(ledger: Ledger) -> list[PublishedNumber]:
    """Every number of a ledger, in the order of the file."""
    return [number for table in ledger for number in table.numbers]


def read(path: Path) -> Ledger:
    """The tables of a file. Raises `RecordError`, which names file and entry, for what is not whole."""
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise RecordError(f"{path}: cannot be read: {error}") from None
    if unknown := sorted(content.keys() - {"table"}):
        raise RecordError(f"{path}: unknown key {unknown[0]!r}; a ledger holds [[table]] entries only")
    ledger = tuple(_table(entry, path) for entry in _entries(content, "table", str(path)))
    seen: set[tuple[str, ...]] = set()
    for number in numbers(ledger):
        if number.identity in seen:
            raise RecordError(f"{path}: two numbers for {_named(number.identity)}; keep one")
        seen.add(number.identity)
    return ledger


def _table(entry: dict[str, Any], path: Path) -> Table:
    place = f"{path}: {entry.get('where', 'a table')}"
    columns = _entries(entry, "columns", place)
    head = {name: value for name, value in entry.items() if name not in ("columns", "rows")}
    rows = []
    for row in _entries(entry, "rows", place):
        values = row.get("values", [])
        if not isinstance(values, list) or len(values) != len(columns):
            raise RecordError(
                f"{place}: {_named(row.get(name, '') for name in _NAMES)}: needs {len(columns)} values, one for each "
                'column; write "" where nothing is printed'
            )
        own = {name: value for name, value in row.items() if name != "values"}
        cells = zip(columns, values, strict=True)
        rows.append(
            Row(own, tuple(_number({**head, **column, **own}, value, place) for column, value in cells))
        )
    return Table(head, tuple(columns), tuple(rows))


def _entries(content: dict[str, Any], name: str, place: str) -> list[dict[str, Any]]:
    """A list of TOML tables that must be there."""
    found = content.get(name)
    if not isinstance(found, list) or not found or not all(isinstance(entry, dict) for entry in found):
        raise RecordError(f"{place}: {name} must be a list of tables with at least one")
    return found


def _number(shared: dict[str, Any], cell: Any, place: str) -> PublishedNumber | None:
    if cell == "":
        return None
    entry = {**shared, **(cell if isinstance(cell, dict) else {"value": cell})}
    named = _named(entry.get(name, "") for name in _NAMES)
    if problem := next(_problems(entry), ""):
        raise RecordError(f"{place}: {named}: {problem}")
    number = PublishedNumber(**entry)
    if problem := number.problem():
        raise RecordError(f"{place}: {named}: {problem}")
    return number


def _problems(entry: dict[str, Any]) -> Iterator[str]:
    """Which fields are unknown, missing or of another type."""
    for name in sorted(entry.keys() - _KNOWN):
        yield f"unknown field {name!r}; known: {', '.join(sorted(_KNOWN))}"
    for name in _REQUIRED:
        if name not in entry:
            yield f"{name} is missing; give it at the table, the column, the row or the cell"
    for name, value in entry.items():
        types = _TYPES.get(name, (str,))
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            yield f"{name} = {value!r} is not of type {' or '.join(one.__name__ for one in types)}"


def _named(parts: Iterable[Any]) -> str:
    return ", ".join(str(part) for part in parts if part)
