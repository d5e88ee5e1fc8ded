"""The few pieces of Markdown that reports are made of. Whatever comes from outside is escaped."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#])")
_PIPE = re.compile(r"(?<!\\)\|")
_ESCAPED_PIPE = r"\\|"
# A link, its text perhaps with code in it; but not an image: those stay where they are shown.
_LINK = re.compile(r"(?<!!)\[((?:`[^`]*`|\\.|[^\[\]\\`])*)\]\(([^()\s]+)\)")
_TABLE = re.compile(r"(?:^\|.*\|\n)+", re.MULTILINE)
MOST_COLUMNS = 7


def escape(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def code(text: str) -> str:
    """Text in a code span."""
    return f"`{text.replace('`', chr(39))}`"


def link(text: str, target: str) -> str:
    """A link; `text` is Markdown already."""
    return f"[{text}]({quote(target, safe='/:')})"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table: first column to the left, the others to the right. `document` pads it."""
    lines = [f"| {' | '.join(header)} |", f"| {' | '.join(['---'] + ['---:'] * (len(header) - 1))} |"]
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
    """The table with every column as wide as its widest cell."""
    rows = [[cell.strip() for cell in _PIPE.split(line)[1:-1]] for line in lines.splitlines()]
    widths = [max(3, *(len(row[i]) for row in rows if row is not rows[1])) for i in range(len(rows[0]))]
    padded = []
    for number, row in enumerate(rows):
        if number == 1:
            cells = ["-" * widths[0]] + ["-" * (width - 1) + ":" for width in widths[1:]]
        else:
            cells = [row[0].ljust(widths[0])] + [c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True)]
        padded.append(f"| {' | '.join(cells)} |")
    return "".join(f"{line}\n" for line in padded)
