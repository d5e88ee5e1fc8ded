"""The papers and the references they are compared with, as plugins of `benchmarks`."""

from pathlib import Path

SUITES = Path(__file__).with_name("suites.toml")
"""The suites that come with the built-in baselines (entry point group `retriever_bench.suites`)."""

REFERENCES = Path(__file__).with_name("references.toml")
"""Published numbers of systems that are no baseline here (entry point group `retriever_bench.ledgers`)."""

REFERENCE_CLAIMS = Path(__file__).with_name("references_claims.toml")
"""What was concluded of systems that are no baseline here (entry point group `retriever_bench.claims`)."""

GENERATORS = Path(__file__).with_name("generators.toml")
"""The language models whose answers are measured here (entry point group `retriever_bench.generators`)."""
