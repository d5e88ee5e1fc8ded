"""Can a collection be had from here, by disk or by network? Asked before anything is begun."""

from __future__ import annotations

from benchmarks.collections.conventions import conventions_of, missing
from benchmarks.network import reachable


def unavailable(collection: str) -> str:
    """Why a collection cannot be had, in one line; nothing when it is on disk or can be downloaded.

    The network is asked only for what is not on disk.
    """
    absent = missing(collection)
    if not absent:
        return ""
    host = conventions_of(collection).host
    if not host:
        return f"{collection}: {absent}"
    return "" if reachable(host) else f"{collection}: {absent}, which cannot be reached from here"
