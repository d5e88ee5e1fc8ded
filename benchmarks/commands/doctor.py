"""`doctor`: what this machine has, what runs offline, and how long a suite would take."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from typing import Any

from benchmarks.collections.conventions import data_folder, datasets_home, missing
from benchmarks.commands import options
from benchmarks.commands.terminal import table
from benchmarks.progress import duration, gibibytes
from benchmarks.records.store import Store
from benchmarks.registry import baselines
from benchmarks.storage.cache import Cache, bytes_below
from benchmarks.suites import suite, suites

HELP = "disk, memory, caches, what runs offline, and a time estimate for a suite"


def add(parser: ArgumentParser) -> None:
    """Which suite to estimate."""
    parser.add_argument("--suite", help="also estimate how long this suite takes here")
    options.results(parser)
    options.output(parser)


def run(args: Namespace) -> int:
    """Look around and tell."""
    found = _machine()
    if args.suite:
        from benchmarks.efficiency.estimate import estimate

        found["estimate"] = estimate(suite(args.suite), Store(args.results))
    if args.json:
        print(json.dumps(found, indent=1))
        return 0
    for name, value in found["machine"].items():
        print(f"{name:<16} {value}")
    for name, lacking in found["variants"].items():
        print(f"{'variant':<16} {name}: {lacking or 'ready'}")
    for name, counts in found["trained"].items():
        print(f"{'trained here':<16} {name}: {counts['ready']} of {counts['variants']} ready")
    for name, counts in found["suites"].items():
        print(f"{'suite':<16} {name}: {counts['on_disk']} of {counts['collections']} collections on disk")
    if args.suite:
        _print_estimate(args.suite, found["estimate"])
    return 0


def _machine() -> dict[str, Any]:
    from benchmarks.environment import describe

    cache = Cache.default()
    data = data_folder()
    return {
        "machine": {
            "machine": describe()["machine"],
            "cache": f"{cache.root} ({gibibytes(bytes_below(cache.root))} used, {gibibytes(cache.free_bytes())} free)",
            "ir-datasets": f"{datasets_home()} ({'there' if datasets_home().exists() else 'not there yet'})",
            "data folder": f"{data}" if data else "RETRIEVER_BENCH_DATA is not set",
        },
        "variants": {
            f"{b.key}:{name}": v.missing()
            for b in baselines().values()
            for name, v in b.variants.items()
            if not v.trained_here
        },
        "trained": {
            f"{b.key}:{profile}": {
                "variants": len(named),
                "ready": sum(not v.missing() for v in named.values()),
            }
            for b in baselines().values()
            for profile, named in b.profiles.items()
        },
        "suites": {
            name: {"collections": len(s.collections), "on_disk": sum(not missing(id) for id in s.collections)}
            for name, s in suites().items()
        },
    }


def _print_estimate(name: str, estimates: list[dict[str, Any]]) -> None:
    rows = [
        [e["collection"], e["spec"], f"{e['documents']:,}" if e["documents"] else "?",
         duration(e["seconds"]) if e["seconds"] is not None else "unknown", e["missing"]]
        for e in estimates
    ]  # fmt: skip
    print(f"\nSuite {name}, indexing and measuring, from the records' own times and this machine's speed:")
    print(table(["COLLECTION", "VARIANT", "DOCUMENTS", "TIME", "MISSING"], rows))
    known = [e["seconds"] for e in estimates if e["seconds"] is not None]
    here = [e["seconds"] for e in estimates if e["seconds"] is not None and not e["missing"]]
    print(f"all that can be estimated: {duration(sum(known))}; what is on disk: {duration(sum(here))}")
