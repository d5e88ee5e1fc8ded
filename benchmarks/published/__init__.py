"""What papers and projects printed: the ledger of their numbers, and verdicts on ours beside them."""
