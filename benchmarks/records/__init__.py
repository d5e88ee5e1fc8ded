"""What a cell leaves behind: one JSON record, one gzipped TREC run, and the code that checks both."""
