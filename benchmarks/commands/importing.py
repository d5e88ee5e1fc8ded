"""`import`: a TREC run made elsewhere becomes a record of its own protocol."""

from __future__ import annotations

import gzip
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.collections.collection import Collection
from benchmarks.commands import options
from benchmarks.errors import MalformedInput, MissingData, RecordError, UsageError
from benchmarks.interfaces import Ranking

HELP = "score a TREC run made elsewhere, and keep it as a record"


def add(parser: ArgumentParser) -> None:
    """Which run, and of what."""
    parser.add_argument(
        "run", type=Path, metavar="RUN", help="a TREC run, perhaps gzipped, perhaps with ir_metadata"
    )
    parser.add_argument("--collection", required=True, metavar="ID", help="what was searched")
    parser.add_argument("--name", required=True, help="the record's variant will be imported:NAME")
    parser.add_argument("--source", default="", help="who or what made it, and how")
    options.results(parser)
    options.reports(parser)


def run(args: Namespace) -> int:
    """Score, keep, render."""
    from benchmarks.collections.collection import open_collection
    from benchmarks.exports.runs import parse_header
    from benchmarks.records import trecrun
    from benchmarks.records.store import Store
    from benchmarks.rendering.reports import write_reports
    from benchmarks.retrieval.imported import BASELINE, ImportedRun
    from benchmarks.runner import Bench, keep
    from benchmarks.spec import parse
    from benchmarks.storage.cache import Cache

    try:
        spec = parse(f"{BASELINE}:{args.name}")
    except UsageError:
        raise UsageError(f"--name {args.name!r}: letters, digits and . _ + - make a name") from None
    content = _content(args.run)
    text = content.decode("utf-8", "replace")
    lines = "".join(
        line for line in text.splitlines(keepends=True) if not line.startswith("#") and line.strip()
    )
    try:
        found = trecrun.loads(lines.encode())
    except RecordError as error:
        raise MalformedInput(f"{args.run}: {error}") from None
    said: dict[str, Any] = {
        **({"source": args.source} if args.source else {}),
        **_metadata(parse_header(text)),
    }
    bench = Bench(Cache.default(), Store(args.results))
    collection = open_collection(args.collection, bench.cache)
    queries = {query.id for query in collection.queries()}
    answered = len(queries & found.keys())
    if not answered:
        raise MalformedInput(f"{args.run} has none of the queries of {args.collection}")
    _check_documents(args, found, collection)
    record = keep(spec, ImportedRun(found, content, said), collection, bench)
    for measure, value in record.means.items():
        print(f"{measure} {value:.4f}")
    strangers = len(found.keys() - queries)
    besides = (
        f"; {strangers} queries of the run are not of {args.collection}, and left out" if strangers else ""
    )
    print(f"{answered} of {len(queries)} queries answered{besides}")
    write_reports(bench.store, options.report_folder(args))
    return 0


def _check_documents(args: Namespace, found: Mapping[str, Ranking], collection: Collection) -> None:
    """Say how many documents of a run the collection has not; raise `MalformedInput` where it has none."""
    named = {id for ranking in found.values() for id in ranking.ids}
    strange = len(named - {document.id for document in collection.documents()}) if named else 0
    if strange == len(named):
        raise MalformedInput(f"{args.run} has none of the documents of {args.collection}")
    if strange:
        print(f"{strange} of the {len(named)} documents in the run are not in {args.collection}")


def _content(path: Path) -> bytes:
    if not path.is_file():
        raise MissingData(f"{path} is not a file that can be read")
    content = path.read_bytes()
    return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content


def _metadata(header: dict[str, Any]) -> dict[str, Any]:
    return {"ir_metadata": header} if header else {}
