"""What a model writes before its answer: thoughts, and where they end."""

from __future__ import annotations


def after_thinking(answer: str) -> str:
    """The part of an answer after the model's thoughts; "" where the thoughts never end.

    >>> after_thinking("<think>\\nSounds happy to me.\\n</think>\\n\\npositive").strip()
    'positive'
    """
    # <think> … </think> positive | … </think> positive (templates that open the thought themselves)
    _, end_of_thoughts, rest = answer.rpartition("</think>")
    return rest if end_of_thoughts or not answer.lstrip().startswith("<think>") else ""
