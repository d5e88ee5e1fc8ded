"""Speed beside references; run by `nox -s latency`."""
