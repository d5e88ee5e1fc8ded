"""Indexes and search: BM25, exact and approximate inner product, fusion, re-ranking."""
