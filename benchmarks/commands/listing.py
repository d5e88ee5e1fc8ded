"""`list`: baselines, variants, collections and suites; what can run here, and what is missing."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from typing import Any

from benchmarks.collections.conventions import missing
from benchmarks.commands import options
from benchmarks.commands.terminal import table
from benchmarks.registry import baselines
from benchmarks.suites import suites

HELP = "what there is: baselines and their variants, suites and their collections; what is missing here"


def add(parser: ArgumentParser) -> None:
    """No arguments but `--json`."""
    options.output(parser)
    parser.epilog = (
        "A spec names a retriever: bm25:flat, minilm@HNSW32, minilm@[IVF64,PQ48;nprobe=8], rrf(bm25,minilm), "
        "wsum(0.3*bm25,0.7*minilm), rerank(bm25,minilm,depth=100), read(RETRIEVER,READER,depth=50). "
        "A collection is any ir-datasets id, "
        "folder:PATH (BEIR layout; folder:PATH#dev for another split than test), or "
        "synthetic/SIZE[/second|/cross][/train|/dev|/test] or synthetic/SIZE/pairs with "
        "a SIZE of tiny, small, medium, large or a number of documents."
    )


def run(args: Namespace) -> int:
    """Print the list."""
    found = _found()
    if args.json:
        print(json.dumps(found, indent=1, sort_keys=True))
        return 0
    rows = [
        [f"{key}:{name}", variant["summary"], variant["missing"] or "ready"]
        for key, baseline in found["baselines"].items()
        for name, variant in baseline["variants"].items()
    ]
    print(table(["VARIANT", "WHAT IT IS", "HERE"], rows))
    for name, suite in found["suites"].items():
        print(f"\nSUITE {name}: {suite['summary']}")
        print(
            table(
                ["  COLLECTION", "HERE"],
                [[f"  {id}", why or "ready"] for id, why in suite["collections"].items()],
            )
        )
    print(
        "\nAny other ir-datasets id, folder:PATH and synthetic/SIZE work as well; see `retriever-bench list --help`."
    )
    return 0


def _found() -> dict[str, Any]:
    return {
        "baselines": {
            key: {
                "summary": baseline.summary,
                "default": baseline.default,
                "variants": {
                    name: {"summary": variant.summary, "missing": variant.missing()}
                    for name, variant in baseline.variants.items()
                },
            }
            for key, baseline in baselines().items()
        },
        "suites": {
            name: {
                "summary": suite.summary,
                "variants": list(suite.variants),
                "collections": {id: missing(id) for id in suite.collections},
            }
            for name, suite in suites().items()
        },
    }
