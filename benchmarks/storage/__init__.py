"""Files that are either whole or absent: atomic writes, manifests, locks, the cache's layout."""
