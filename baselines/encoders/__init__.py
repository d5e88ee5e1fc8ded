"""Hugging Face encoders: checkpoints, pooling, batches. Shared by every paper that encodes."""
