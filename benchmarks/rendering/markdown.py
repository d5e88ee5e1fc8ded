"""The few pieces of Markdown that reports are made of. Whatever comes from outside is escaped."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from urllib.parse import quote

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#])")
_PIPE = re.compile(r"(?<!\\)\|")
_ESCAPED_PIPE = r"\\|"
# A link, its text perhaps with code in it; but not an image: those stay where they are shown.
_LINK = re.compile(r"(?<!!)\[((?:`[^`]*`|\\.|[^\[\]\\`])*)\]\(([^()\s]+)\)")
_TABLE = re.compile(r"(?:^\|.*\|\n)+", re.MULTILINE)
_WORD = re.compile(r"[^\s-]+-?|-")
_MARKUP = re.compile(r"[`*\\]")
MOST_COLUMNS = 7
READING_WIDTH = 92
"""Characters beside each other on a page of a code host, before a table must be scrolled."""
_PADDING = 3
GENERATED = "<!-- Generated from results/ by `nox -s report`; edits are overwritten. -->"


def escape(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def code(text: str) -> str:
    """Text in a code span."""
    return f"`{text.replace('`', chr(39))}`"


def link(text: str, target: str) -> str:
    """A link, perhaps to a heading (`page.md#heading`); `text` is Markdown already."""
    return f"[{text}]({quote(target, safe='/:#')})"


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, text: Collection[int] = (0,)) -> str:
    """A table: the columns `text` to the left, numbers to the right. `document` pads it."""
    rule = ["---" if column in text else "---:" for column in range(len(header))]
    lines = [f"| {' | '.join(header)} |", f"| {' | '.join(rule)} |"]
    lines += [f"| {' | '.join(_PIPE.sub(_ESCAPED_PIPE, cell) for cell in row)} |" for row in rows]
    return "\n".join(lines)


Lines = tuple[Sequence[str], Sequence[Sequence[str]]]
"""A table's head and its rows."""


def legible(lines: Lines) -> bool:
    """Whether a table has at most seven columns and can be as narrow as a page, its cells broken at spaces and hyphens."""
    columns = list(zip(lines[0], *lines[1], strict=True))
    return len(columns) <= MOST_COLUMNS and sum(map(_narrowest, columns)) <= READING_WIDTH


def _narrowest(cells: Sequence[str]) -> int:
    shown = (_MARKUP.sub("", _LINK.sub(r"\1", cell)) for cell in cells)
    return _PADDING + max((len(word) for text in shown for word in _WORD.findall(text)), default=0)


def cut(columns: int, piece: Callable[[slice], Lines]) -> list[Lines]:
    """A table of any width as the fewest that are legible; `piece` gives that of some of the columns."""
    pieces, start = [], 0
    while start < columns:
        # A single column is taken however wide it is.
        end = next(
            end for end in range(columns, start, -1) if end == start + 1 or legible(piece(slice(start, end)))
        )
        pieces.append(piece(slice(start, end)))
        start = end
    return pieces


def split_tables(corner: str, columns: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]) -> str:
    """A table of any width as several that are legible, each with the names of the rows that it fills."""

    def piece(part: slice) -> Lines:
        filled = [[name, *cells[part]] for name, cells in rows if any(cells[part])]
        return [corner, *columns[part]], filled

    return "\n\n".join(table(*one) for one in cut(len(columns), piece))


def document(*blocks: str) -> str:
    """A page: blocks separated by blank lines, made to be read raw as well.

    Links in the text become numbers whose targets stand at the end, and tables are padded.
    """
    text = "\n\n".join(block for block in blocks if block) + "\n"
    targets: dict[str, int] = {}

    def numbered(found: re.Match[str]) -> str:
        return f"[{found[1]}][{targets.setdefault(found[2], len(targets) + 1)}]"

    text = _LINK.sub(numbered, text)
    text = _TABLE.sub(lambda found: _padded(found.group()), text)
    definitions = "\n".join(f"[{number}]: {target}" for target, number in targets.items())
    return f"{text}\n{definitions}\n" if targets else text


def _padded(lines: str) -> str:
    """The table with every column as wide as its widest cell, to the side its rule says."""
    header, rule, *rows = [[cell.strip() for cell in _PIPE.split(line)[1:-1]] for line in lines.splitlines()]
    padded = []
    for column, mark in enumerate(rule):
        cells = [row[column] for row in (header, *rows)]
        width = max(3, *map(len, cells))
        right = mark.endswith(":")
        head, *body = [cell.rjust(width) if right else cell.ljust(width) for cell in cells]
        padded.append([head, "-" * (width - 1) + ":" if right else "-" * width, *body])
    return "".join(f"| {' | '.join(line)} |\n" for line in zip(*padded, strict=True))
