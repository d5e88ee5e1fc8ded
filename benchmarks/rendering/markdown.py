"""The few pieces of Markdown that reports are made of. Whatever comes from outside is escaped."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from urllib.parse import quote

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#])")
_PIPE = re.compile(r"(?<!\\)\|")
_ESCAPED_PIPE = r"\\|"
# A link, its text perhaps with code in it; but not an image: those stay where they are shown.
_LINK = re.compile(r"(?<!!)\[((?:`[^`]*`|\\.|[^\[\]\\`])*)\]\(([^()\s]+)\)")
_TABLE = re.compile(r"(?:^\|.*\|\n)+", re.MULTILINE)
MOST_COLUMNS = 7
GENERATED = "<!-- Generated from results/ by `nox -s report`; edits are overwritten. -->"


def escape(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def code(text: str) -> str:
    """Text in a code span."""
    return f"`{text.replace('`', chr(39))}`"


def link(text: str, target: str) -> str:
    """A link; `text` is Markdown already."""
    return f"[{text}]({quote(target, safe='/:')})"


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, text: Collection[int] = (0,)) -> str:
    """A table: the columns `text` to the left, numbers to the right. `document` pads it."""
    rule = ["---" if column in text else "---:" for column in range(len(header))]
    lines = [f"| {' | '.join(header)} |", f"| {' | '.join(rule)} |"]
    lines += [f"| {' | '.join(_PIPE.sub(_ESCAPED_PIPE, cell) for cell in row)} |" for row in rows]
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
