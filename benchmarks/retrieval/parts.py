"""What a searcher is made of."""

from __future__ import annotations

from collections.abc import Iterator


def parts_of(searcher: object) -> Iterator[object]:
    """Every part of a searcher, parts first, itself last; one that serves twice comes twice."""
    for part in getattr(searcher, "parts", ()):
        yield from parts_of(part)
    yield searcher
