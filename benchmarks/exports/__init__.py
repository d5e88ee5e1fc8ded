"""Records in other people's forms: MTEB, Hugging Face, TREC runs with metadata, LaTeX, CSV."""
