"""Computes the numbers of a board. Every formula is in `faithfulness_metrics`."""
