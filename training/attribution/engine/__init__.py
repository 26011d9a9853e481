"""The batched forward pass: shared keys and values, batches that fit into memory, and a check against the model."""
