"""Records and runs."""
