"""Options that several commands share."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from benchmarks.errors import UsageError

_LARGEST_SEED = 2**32 - 1
"""What NumPy's older generators take, which libraries still use."""


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


def seed(parser: ArgumentParser, default: int | None, help: str) -> None:
    """`--seed`."""
    parser.add_argument("--seed", type=_seed, default=default, metavar="SEED", help=help)


def _seed(text: str) -> int:
    if not text.isdecimal() or int(text) > _LARGEST_SEED:
        raise UsageError(f"--seed {text}: a seed is a whole number from 0 to {_LARGEST_SEED:,}")
    return int(text)


def report_folder(args: Namespace) -> Path:
    """Where the pages of these results belong."""
    chosen: Path = args.reports or args.results.parent / "reports"
    return chosen


def output(parser: ArgumentParser) -> None:
    """`--json`."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
