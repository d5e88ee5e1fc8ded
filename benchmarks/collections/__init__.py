"""Collections: documents, queries and judgments, from ir-datasets, a BEIR folder or the generated world."""

from benchmarks.collections.collection import Collection, open_collection

__all__ = ["Collection", "open_collection"]
