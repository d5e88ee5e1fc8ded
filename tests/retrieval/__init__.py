"""Indexes and search."""
