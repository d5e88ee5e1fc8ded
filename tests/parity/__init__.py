"""Comparisons with libraries that live in environments of their own."""
