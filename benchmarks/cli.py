"""The command line: `retriever-bench COMMAND`.

Exit codes: 0 done, 1 a cell failed or a check fell short, 2 wrong use. Errors meant for the
reader are one line; anything else is a defect and shows its stack trace.
"""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from benchmarks.errors import BenchError, UsageError

_COMMANDS = {
    "list": "listing", "run": "running", "train": "training", "report": "reporting",
    "verify": "verifying", "export": "exporting", "import": "importing", "compare": "comparing", "regress": "regressing", "accept": "accepting",
    "history": "remembering", "generations": "generating", "doctor": "doctor",
}  # fmt: skip


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as all errors are."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see `{self.prog} --help`")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parser = _Parser(prog="retriever-bench", description="One way to measure retrievers.")
    parser.add_argument("--version", action="version", version=_version())
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    modules = {name: import_module(f"benchmarks.commands.{module}") for name, module in _COMMANDS.items()}
    for name, module in modules.items():
        subparser = subparsers.add_parser(
            name, help=module.HELP, description=f"{module.HELP[0].upper()}{module.HELP[1:]}."
        )
        module.add(subparser)
    try:
        args = parser.parse_args(arguments)
        code: int = modules[args.command].run(args)
        sys.stdout.flush()
    except BenchError as error:
        print(f"retriever-bench: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("retriever-bench: interrupted; the same command goes on where it stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader has gone (`| head`): that is no error.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            print(
                "retriever-bench: no space left on the disk; free some, and the same command goes on",
                file=sys.stderr,
            )
            return 1
        raise
    return code


def _version() -> str:
    from importlib.metadata import version

    return version("retriever-bench")


if __name__ == "__main__":
    raise SystemExit(main())
