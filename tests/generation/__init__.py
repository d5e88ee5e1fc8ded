"""Tests of what language models are asked."""
