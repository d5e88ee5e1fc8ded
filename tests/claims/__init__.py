"""Tests of what papers concluded, and of the verdicts on it."""
