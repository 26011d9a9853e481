"""The batched forward pass: shared key-value cache, batching within memory, and its check."""
