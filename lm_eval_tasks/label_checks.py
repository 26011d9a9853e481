"""Whether a model can answer with each of some labels: whether it is read, and whether it can be ranked first."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lm_eval_tasks.label_reading import parse_label

# A problem in a few words; empty where there is none.
Problem = str


def reading_problem(labels: Sequence[str]) -> Problem:
    """Whether an answer that is a label and nothing else is read as another one, or as none."""
    for label in labels:
        if (named := parse_label(label, labels)) != label:
            reading = repr(named) if named else "no label"
            return f"the answer {label!r} is read as {reading}: call the label something else"
    return ""


def ranking_problem(labels: Sequence[str]) -> Problem:
    """Whether a label begins another one, so that ranked by log-likelihood the longer one never wins.

    Its probability is that of the shorter one, times that of the rest. Two letters of a word may be one token.

    >>> ranking_problem(["card", "cards", "card fraud"])
    "'card' begins 'card fraud', which can never be likelier"
    """
    for label in labels:
        for other in labels:
            rest = other.removeprefix(label)
            within_word = re.fullmatch(r"[A-Za-z]{2}", label[-1:] + rest[:1])
            if other != label and other.startswith(label) and not within_word:
                return f"{label!r} begins {other!r}, which can never be likelier"
    return ""
