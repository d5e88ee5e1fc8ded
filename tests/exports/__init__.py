"""Records in other people's forms."""
