"""The mini world: a small instruction model, trained here on text of a grammar that knows the truth about it."""
