"""Writes `reports/`, and says whether what lies there is what the records give."""

from __future__ import annotations

import os
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
        if (folder / path).read_bytes() != pages[path].encode():
            problems.append(
                f"{folder / path}: not what the records give{_first_difference(folder / path, pages[path])}"
            )
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


def _first_difference(path: Path, expected: str) -> str:
    there = path.read_text("utf-8", errors="replace").splitlines()
    for number, (actual, wanted) in enumerate(zip(there, expected.splitlines(), strict=False), start=1):
        if actual != wanted:
            return f" (first at line {number})"
    return " (its length differs)"
