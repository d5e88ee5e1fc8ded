"""Options that several commands share."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path


def results(parser: ArgumentParser) -> None:
    """`--results`."""
    parser.add_argument(
        "--results",
        type=Path,
        default=Path("results"),
        metavar="DIR",
        help="records and runs (default: results)",
    )


def reports(parser: ArgumentParser) -> None:
    """`--reports`."""
    parser.add_argument(
        "--reports",
        type=Path,
        default=Path("reports"),
        metavar="DIR",
        help="generated pages (default: reports)",
    )


def output(parser: ArgumentParser) -> None:
    """`--json`."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
