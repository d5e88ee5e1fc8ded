"""`list`: baselines, variants, collections and suites; what can run here, and what is missing."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from typing import Any

from benchmarks.collections.conventions import missing
from benchmarks.commands import options
from benchmarks.commands.terminal import table
from benchmarks.registry import Variant, baselines
from benchmarks.suites import suites

HELP = "what there is: baselines and their variants, suites and their collections; what is missing here"


def add(parser: ArgumentParser) -> None:
    """Whether trained variants are named one by one; `--json`."""
    parser.add_argument(
        "--trained", action="store_true", help="name every variant that is trained here, and no others"
    )
    options.output(parser)
    parser.epilog = (
        "A spec names a retriever: bm25:flat, minilm@HNSW32, minilm@[IVF64,PQ48;nprobe=8], rrf(bm25,minilm), "
        "wsum(0.3*bm25,0.7*minilm), sum(0.1*bm25,1*minilm), union(1*bm25,1.1*minilm), rerank(bm25,minilm,depth=100), "
        "read(RETRIEVER,READER,depth=50); of token vectors colbert:v2@int8, colbert:v2@[int8,IVF1024,PQ16], colbert:v2@plaid2. "
        "A collection is any ir-datasets id, "
        "folder:PATH (BEIR layout; folder:PATH#dev for another split than test), or "
        "synthetic/SIZE[/second|/cross][/train|/dev|/test] or synthetic/SIZE/pairs with "
        "a SIZE of tiny, small, medium, large or a number of documents. ID:10% is a collection with fewer "
        "distractors: its judged documents, and 10 of 100 of the others."
    )


def run(args: Namespace) -> int:
    """Print the list."""
    found = _found()
    if args.json:
        print(json.dumps(found, indent=1, sort_keys=True))
        return 0
    rows = [
        [f"{key}:{name}", variant["summary"], variant["missing"]]
        for key, baseline in found["baselines"].items()
        for name, variant in baseline["variants"].items()
        if variant["trained"] == args.trained
    ]
    if args.trained:
        # Each that is not trained would give the same advice.
        rows = [[spec, summary, "not yet" if why else "ready"] for spec, summary, why in rows]
        print(table(["VARIANT", "WHAT IT IS", "HERE"], rows))
        print(
            "\n`retriever-bench train --variant VARIANT` trains one, and what it starts from, and measures nothing"
        )
        return 0
    rows = [[spec, summary, why or "ready"] for spec, summary, why in rows]
    for baseline in baselines().values():
        rows += [
            [
                f"{baseline.key}:{profile}:...",
                f"{len(named)} trained here; `list --trained` names them",
                ready(named),
            ]
            for profile, named in baseline.profiles.items()
        ]
    print(table(["VARIANT", "WHAT IT IS", "HERE"], rows))
    _print_suites(found["suites"])
    print(
        "\nAny other ir-datasets id, folder:PATH and synthetic/SIZE work as well; see `retriever-bench list --help`."
    )
    return 0


def ready(variants: Mapping[str, Variant]) -> str:
    """How many of some variants can run here, in a few words."""
    count = sum(not variant.missing() for variant in variants.values())
    return "ready" if count == len(variants) else f"{count} ready"


def _print_suites(found: Mapping[str, Any]) -> None:
    for name, suite in found.items():
        if suite["question"]:
            continue
        print(f"\nSUITE {name}: {suite['summary']}")
        rows = [[f"  {id}", why or "ready"] for id, why in suite["collections"].items()]
        print(table(["  COLLECTION", "HERE"], rows))
    experiments = [[f"  {name}", one["question"]] for name, one in found.items() if one["question"]]
    if experiments:
        print("\nEXPERIMENTS, which `train --suite NAME` trains and measures")
        print(table(["  NAME", "QUESTION"], experiments))


def _found() -> dict[str, Any]:
    return {
        "baselines": {
            key: {
                "summary": baseline.summary,
                "default": baseline.default,
                "variants": {
                    name: {
                        "summary": variant.summary,
                        "missing": variant.missing(),
                        "trained": variant.trained_here,
                    }
                    for name, variant in baseline.variants.items()
                },
            }
            for key, baseline in baselines().items()
        },
        "suites": {
            name: {
                "summary": suite.summary,
                "question": suite.question,
                "seeds": list(suite.seeds),
                "variants": list(suite.variants),
                "collections": {id: missing(id) for id in suite.collections},
            }
            for name, suite in suites().items()
        },
    }
