"""What a finished file holds, in one line: how often the answer hangs on the word that was found."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from faithful_se.files import read_jsonl
from faithfulness_metrics.statistics import wilson


def summary(path: Path) -> str:
    """The line of a dataset: its texts, those without attribution, and for how many masking the top word changes the
    answer, of all texts, with its 95 % Wilson interval. A method that did not ask for that says nothing about it.

    Raises:
        UsageError: a damaged line.
    """
    seen: Counter[str] = Counter()
    for row in read_jsonl(path):
        seen["texts"] += 1
        seen["problem"] += bool(row["problem"])
        seen["asked"] += row["flips"] is not None
        seen["flips"] += bool(row["flips"])
    told = [f"{seen['texts']} text{'' if seen['texts'] == 1 else 's'}"]
    if seen["problem"]:
        told.append(f"{seen['problem']} without attribution")
    # With occurrences scored one by one, some texts are answered by the way and others are not: no rate of all.
    if seen["asked"] and seen["asked"] + seen["problem"] == seen["texts"]:
        low, high = wilson(seen["flips"], seen["texts"])
        share = seen["flips"] / seen["texts"]
        told.append(
            f"without its top word the answer changes for {seen['flips']} ({share:.1%}, {low:.1%} to {high:.1%})"
        )
    return f"{path}: " + "; ".join(told)
