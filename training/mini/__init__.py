"""The mini world: a small instruction model trained here, on text of our own grammar, whose truth is known."""
