"""Writes `reports/`, and says whether what lies there is what the records give."""

from __future__ import annotations

import math
import os
import re
from pathlib import Path, PurePosixPath

from benchmarks.records.store import Store
from benchmarks.rendering.board import Board
from benchmarks.rendering.markdown import GENERATED
from benchmarks.rendering.pages import render
from benchmarks.storage.atomic import write_bytes

_PLACES = (
    "*.md",
    "suites/*.md",
    "suites/*.svg",
    "experiments/*.md",
    "experiments/*.svg",
    "baselines/*.md",
    "plots/*.svg",
)
_COORDINATE = re.compile(r"-?\d+\.\d+")


def write_reports(store: Store, folder: Path) -> list[PurePosixPath]:
    """Render every page from the records of `store`; pages that no record backs are removed."""
    pages = render(_board(store, folder))
    for path, text in pages.items():
        write_bytes(folder / path, text.encode())
    for stale in _present(folder) - set(pages):
        (folder / stale).unlink()
    return list(pages)


def stale_reports(store: Store, folder: Path) -> list[str]:
    """What is wrong with the pages that lie in `folder`, one line each."""
    pages = render(_board(store, folder))
    present = _present(folder)
    problems = [f"{folder / path}: missing; run `nox -s report`" for path in sorted(set(pages) - present)]
    problems += [f"{folder / path}: no record backs this page" for path in sorted(present - set(pages))]
    for path in sorted(set(pages) & present):
        if where := _difference(folder / path, pages[path]):
            problems.append(f"{folder / path}: not what the records give ({where})")
    return problems


def _board(store: Store, folder: Path) -> Board:
    return Board(store.records(), Path(os.path.relpath(store.root, folder.parent)).as_posix(), store.run)


def _present(folder: Path) -> set[PurePosixPath]:
    """The pages and plots in `folder` that were generated; other people's files are none of ours."""
    found = [
        path
        for place in _PLACES
        for path in folder.glob(place)
        if GENERATED in path.read_text("utf-8", "replace")
    ]
    return {PurePosixPath(path.relative_to(folder)) for path in found}


def _difference(path: Path, expected: str) -> str:
    """Where a page differs from what is expected, or nothing.

    A plot's coordinates may differ by what nobody sees: processors round the last digit of a logarithm differently.
    """
    content = path.read_bytes()
    if content == expected.encode():
        return ""
    there, wanted = content.decode("utf-8", errors="replace").splitlines(), expected.splitlines()
    if len(there) != len(wanted):
        return f"{len(there)} lines for {len(wanted)}"
    alike = _drawn_alike if path.suffix == ".svg" else str.__eq__
    for number, (actual, line) in enumerate(zip(there, wanted, strict=True), start=1):
        if not alike(actual, line):
            return f"first at line {number}"
    return "" if path.suffix == ".svg" else "line ends"


def _drawn_alike(one: str, other: str) -> bool:
    """Whether two lines of an SVG say the same but for a hundred-thousandth of a point."""
    if _COORDINATE.sub("", one) != _COORDINATE.sub("", other):
        return False
    pairs = zip(_COORDINATE.findall(one), _COORDINATE.findall(other), strict=True)
    return all(math.isclose(float(a), float(b), abs_tol=1e-5) for a, b in pairs)
