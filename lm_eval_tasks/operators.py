"""How named words are removed: the option `operator`, one of `OPERATORS` or several joined by "+".

With several, the model is asked for one explanation, and each operator removes its words: docs/metrics.md,
"14. Operators". The first is the main one, of all keys that do not name an operator.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from faithful_se.errors import UsageError, excerpt

OPERATORS = ("mask", "delete", "substitute", "infill")

# In place of the operator in a request: the words are "taken out", however.
SEVERAL = "several"

# These write a word in place of a word.
WRITE_WORDS = ("substitute", "infill")


def read_operators(task: str, value: Any) -> str:
    """The value of the option, from "mask", "mask+delete" or [mask, delete].

    Raises:
        UsageError: an unknown operator, or one twice.
    """
    parts = value.strip("[]()").replace(",", "+").split("+") if isinstance(value, str) else value
    parts = parts if isinstance(parts, (list, tuple)) else [parts]
    names = [excerpt(part).strip(" '\"") for part in parts]
    if not names or not set(names) <= set(OPERATORS):
        raise UsageError(f"{task}: operator={excerpt(value)}: give any of {', '.join(OPERATORS)} joined by '+'")
    if len(set(names)) < len(names):
        raise UsageError(f"{task}: operator={excerpt(value)}: give each operator once")
    return "+".join(names)


def prompt_problem(operator: str, unit: str, prompts: Collection[str]) -> str:
    """Why an attribution cannot be asked for, with the remedy; "" where it can.

    Args:
        operator: one operator or `SEVERAL`.
        unit: ``word`` or ``sentence``.
        prompts: the keys of the sentences that the language and the dataset have.
    """
    key = f"removed.{unit}.{operator}"
    return "" if key in prompts else f"there is no sentence {key}: give it under prompts"
