"""A fresh measurement against the accepted one: what moved, by how much, and the likely cause."""
