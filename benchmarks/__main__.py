"""`python -m benchmarks`: the same as `retriever-bench`."""

from benchmarks.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
