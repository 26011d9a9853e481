"""The options of a run that its results file does not record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# docs/protocol.md, "Options of a task". A run that does not record an option was made without it.
DEFAULTS: dict[str, Any] = {
    "data": "hub",
    "classifier": "generate",
    "context": "same",
    "mask": "[REDACTED]",
    "unknown": False,
    "controls": ["random"],
    "operator": "mask",
    "unit": "word",
    "words_of": "question",
    "answer_with": "letter",
    "draws": 2,
    "thinking_tokens": 0,
    "thoughts": "drop",
    "prior": "texts",
    "prior_texts": 64,
    "num_fewshot": 0,
    "fewshot_seed": 1234,
    "order": "file",
    "order_seed": 0,
    "template": 1,
    "samples": 1,
    "elicit": "direct",
    "infill_from": "texts",
    "explanations": "self",
    "cue": "none",
    "cue_way": "persuade",
}

# How words are removed: runs with several operators have the keys `faithful_<operator>` and `lift_<operator>`.
OPERATORS = ("mask", "delete", "substitute", "infill")


def has_cue(options: Mapping[str, Any]) -> bool:
    """Whether something was inserted into the texts of a run."""
    return bool(with_defaults(options)["cue"] != DEFAULTS["cue"])


def with_defaults(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a run, those that it does not record included."""
    return {**DEFAULTS, **options}
