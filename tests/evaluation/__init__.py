"""Measures and tests."""
