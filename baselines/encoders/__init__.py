"""Hugging Face towers: checkpoints, pooling, batches. Shared by every paper that encodes."""
