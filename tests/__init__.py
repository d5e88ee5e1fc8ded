"""Tests: a docstring states what holds."""
