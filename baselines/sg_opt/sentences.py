"""The text that is learnt from: the sentences of a collection, without similarities or labels."""

from __future__ import annotations

from baselines.training.epochs import batch_of
from benchmarks.collections.collection import open_collection
from benchmarks.errors import UsageError
from benchmarks.retrieval.sentences import parted
from benchmarks.storage.cache import Cache


class Sentences:
    """Both sentences of every pair of a collection, or every labelled sentence, held in memory; repeated ones stay.

    Raises `MissingData` where the collection is not here, and `UsageError` for one of less than two sentences.
    """

    def __init__(self, collection: str, cache: Cache) -> None:
        documents = open_collection(collection, cache).documents()
        self.texts = [text for document in documents for text in parted(document.text) if text]
        if len(self.texts) < 2:
            raise UsageError(f"{collection} has {len(self.texts)} sentences; contrast needs two or more")

    def batch(self, step: int, size: int, seed: int) -> list[str]:
        """The sentences of a step: all in a random order, and then in another. No more than there are."""
        return batch_of(self.texts, step, size, seed)
