"""The commands of `retriever-bench`, a module each: `add(parser)` says what it takes, `run(args)` does it."""
