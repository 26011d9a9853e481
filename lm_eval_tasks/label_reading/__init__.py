"""Which label an answer names: docs/protocol.md, "How an answer is read"."""

from lm_eval_tasks.label_reading.parser import parse_label

__all__ = ["parse_label"]
