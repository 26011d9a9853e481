"""Chooses the documents that a board shows, and makes a card of each: the text, and what the checkpoints did."""
