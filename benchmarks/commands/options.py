"""Options that several commands share."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
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
    """`--reports`, beside the results unless it is said."""
    parser.add_argument(
        "--reports", type=Path, metavar="DIR", help="generated pages (default: `reports` beside the results)"
    )


def report_folder(args: Namespace) -> Path:
    """Where the pages of these results belong."""
    chosen: Path = args.reports or args.results.parent / "reports"
    return chosen


def output(parser: ArgumentParser) -> None:
    """`--json`."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
