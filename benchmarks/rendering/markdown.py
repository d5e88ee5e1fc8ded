"""The few pieces of Markdown that reports are made of. Whatever comes from outside is escaped."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#])")
MOST_COLUMNS = 7


def escape(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def code(text: str) -> str:
    """Text in a code span."""
    return f"`{text.replace('`', chr(39))}`"


def link(text: str, target: str) -> str:
    """A link; `text` is Markdown already."""
    return f"[{text}]({quote(target)})"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table: first column to the left, the others to the right."""
    lines = [f"| {' | '.join(header)} |", f"| {' | '.join(['---'] + ['---:'] * (len(header) - 1))} |"]
    lines += [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    return "\n".join(lines)


def split_tables(corner: str, columns: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]) -> str:
    """A table of any width as several of at most seven columns, each with the row names."""
    width = MOST_COLUMNS - 1
    pieces = []
    for start in range(0, len(columns), width):
        part = slice(start, start + width)
        filled = [(name, cells[part]) for name, cells in rows if any(cells[part])]
        pieces.append(table([corner, *columns[part]], [[name, *cells] for name, cells in filled]))
    return "\n\n".join(pieces)


def document(*blocks: str) -> str:
    """Blocks separated by blank lines, with one newline at the end."""
    return "\n\n".join(block for block in blocks if block) + "\n"
