"""Records to Markdown and plots: the same records give the same bytes."""
