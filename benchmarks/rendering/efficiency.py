"""What records took in time and space: how long a search is, what its index needs, and what building it cost."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.records.record import Record
from benchmarks.rendering import cells
from benchmarks.rendering.board import Board
from benchmarks.rendering.markdown import code, split_tables

EFFICIENCY = (
    "Latency is text in, document ids out, for one query at a time, encoding included, in a process of its own with "
    "pinned threads; *cold* is its first query, with the libraries and weights that it loads. Stages split the mean. "
    "Queries a second are for at most 1,000 queries at once. Peak memory is the rise in that process while opening and "
    "searching, libraries and weights included, memory-mapped files aside. Encoding and indexing are what the index "
    "took when it was built; a composition's are the sum of its parts', and two indexes over the same vectors share "
    "their encoding. Times are of the machine that the front page names: compare ratios. "
    "A re-ranking of candidates that come with the collection is timed from there. Where nothing is searched for, it is "
    "text in, vector out: of one sentence at a time, and of at most 1,000 at once."
)


def efficiency_tables(board: Board, records: Sequence[Record], up: str) -> str:
    """Two tables of those records of one collection that were timed, of sentences one; nothing where none was."""
    if encoded := [record for record in records if "encoding" in record.efficiency]:
        return _encodings(board, encoded, up)
    timed = [record for record in records if "search" in record.efficiency]
    if not timed:
        return ""
    names = [cells.record_link(board, code(record.spec), record, up) for record in timed]
    times = [(name, _times(record)) for name, record in zip(names, timed, strict=True)]
    costs = [(name, _costs(record)) for name, record in zip(names, timed, strict=True)]
    heads = ["p50 ms", "p95 ms", "p99 ms", "cold ms", "queries/s", "mean ms by stage"]
    kept = ["encode s", "index s", "index MiB", "bytes/document", "peak MiB"]
    return "\n\n".join([split_tables("variant", heads, times), split_tables("variant", kept, costs)])


def _encodings(board: Board, records: Sequence[Record], up: str) -> str:
    rows = []
    for record in records:
        took = record.efficiency["encoding"]
        name = cells.record_link(board, code(record.spec), record, up)
        numbers = [f"{took['p50_ms']:.2f}", f"{took['batch_per_second']:,.0f}"]
        rows.append((name, [*numbers, cells.mebibytes(took["peak_bytes"])]))
    return split_tables("variant", ["p50 ms", "sentences/s", "peak MiB"], rows)


def _times(record: Record) -> list[str]:
    search = record.efficiency["search"]
    spread = [f"{search[field]:.2f}" for field in ("p50_ms", "p95_ms", "p99_ms", "cold_ms")]
    stages = ", ".join(f"{stage} {value:.2f}" for stage, value in search["stages_ms"].items())
    return [*spread, f"{search['batch_qps']:.0f}", stages]


def _costs(record: Record) -> list[str]:
    build, peak = record.efficiency["build"], record.efficiency["search"]["peak_bytes"]
    seconds = [f"{build['seconds'].get(stage, 0.0):.1f}" for stage in ("encode", "index")]
    each = f"{build['index_bytes'] / record.counts['documents']:,.0f}"
    return [*seconds, cells.mebibytes(build["index_bytes"]), each, cells.mebibytes(peak)]
