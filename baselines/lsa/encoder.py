"""TF-IDF and a truncated SVD, fitted on the documents that will be searched."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.errors import EvaluationError
from benchmarks.interfaces import Document, FloatArray
from benchmarks.retrieval.analysis import analyser
from benchmarks.storage.manifest import Manifest

_FITTED_ON = 50_000
_TERMS = 50_000
_COMPONENTS = "components.npy"


class LSAEncoder:
    """Vectors are SVD-projected, sublinear TF-IDF weights, scaled to length 1.

    Fitting sees the first 50,000 documents; what it learned is a vocabulary, inverse document
    frequencies [terms] and components [terms, dimension], saved as JSON and arrays.
    """

    fitted_on = _FITTED_ON

    def __init__(self, dimension: int, seed: int, language: str) -> None:
        self.dimension, self.seed = dimension, seed
        self._analysis, self._analyse = analyser(language)
        self._components: NDArray[np.float32]
        self._vectorizer: Any = None

    @property
    def protocol(self) -> Mapping[str, Any]:
        """Analysis, weights, rank, and what it was fitted on."""
        return {
            "model": "lsa", "analysis": self._analysis, "weights": "sublinear tf-idf", "terms": _TERMS,
            "dimension": self.dimension, "fitted_on": _FITTED_ON, "seed": self.seed,
            "template": "title text", "normalised": True,
        }  # fmt: skip

    def fit(self, documents: Iterable[Document], folder: Path) -> None:
        """Learn from `documents`, or load what was learned from them."""
        manifest = Manifest(folder)
        manifest.check()
        if _COMPONENTS not in manifest:
            self._learn(itertools.islice(documents, _FITTED_ON), manifest)
        self._vectorizer = self._make_vectorizer(
            json.loads(manifest.path("vocabulary.json").read_text("utf-8"))
        )
        self._vectorizer.idf_ = np.asarray(manifest.array("idf.npy"))
        self._components = np.asarray(manifest.array(_COMPONENTS))

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        """float32[len(texts), dimension]; a text without a known term is the zero vector."""
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        vectors: FloatArray = self._vectorizer.transform(texts).astype(np.float32) @ self._components
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        scaled: FloatArray = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
        return scaled

    def encode_documents(self, documents: Sequence[Document]) -> FloatArray:
        """float32[len(documents), dimension]."""
        return self.encode_queries([document.contents for document in documents])

    def _make_vectorizer(self, vocabulary: list[str] | None) -> Any:
        from sklearn.feature_extraction.text import TfidfVectorizer

        return TfidfVectorizer(
            analyzer=self._analyse, sublinear_tf=True, max_features=None if vocabulary else _TERMS,
            vocabulary=vocabulary, dtype=np.float32,
        )  # fmt: skip

    def _learn(self, documents: Iterable[Document], manifest: Manifest) -> None:
        from sklearn.decomposition import TruncatedSVD

        vectorizer = self._make_vectorizer(None)
        try:
            weights = vectorizer.fit_transform(document.contents for document in documents)
        except ValueError:
            raise EvaluationError(
                "LSA has nothing to learn from: no document holds a term that is not a stop word"
            ) from None
        rank = max(1, min(self.dimension, min(weights.shape) - 1))
        svd = TruncatedSVD(rank, random_state=self.seed).fit(weights)
        components = np.zeros((weights.shape[1], self.dimension), dtype=np.float32)
        components[:, :rank] = svd.components_.T
        vocabulary = vectorizer.get_feature_names_out().tolist()
        manifest.write("vocabulary.json", lambda file: file.write(json.dumps(vocabulary).encode()))
        manifest.write_array("idf.npy", vectorizer.idf_)
        # The components come last: their presence says that the fit is whole.
        manifest.write_array(_COMPONENTS, components)
