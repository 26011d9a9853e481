"""Rows of e-SNLI: pairs of sentences with the words that people marked in them."""

from __future__ import annotations

from typing import Any

BOY = {
    "premise": "A boy splashing through the ocean.",
    "hypothesis": "The boy is swimming.",
    "label": 0,
    "premise_rationale": [2, 5],
    "hypothesis_rationale": [1, 3],
}
HIKER = {
    "premise": "A man in a red jacket walks up a hill.",
    "hypothesis": "The man is hiking.",
    "label": 1,
    "premise_rationale": [],
    "hypothesis_rationale": [3],
}


def pair(premise: str, hypothesis: str, first: list[int], second: list[int]) -> dict[str, Any]:
    return {
        "premise": premise,
        "hypothesis": hypothesis,
        "label": 0,
        "premise_rationale": first,
        "hypothesis_rationale": second,
    }
