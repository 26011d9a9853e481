"""Values of a document that the explanation rewrites: docs/metrics.md, "6. Counterfactual panel"."""

from __future__ import annotations

import math

from faithful_se.transcript import Transcript
from faithfulness_metrics import counterfactual
from faithfulness_metrics.edited_words import edited_keys
from faithfulness_metrics.words import keys_by_field
from lm_eval_tasks.classification import Question


def one_edit(transcript: Transcript) -> float:
    """Whether the edited document is exactly one word, or sentence, away; nan without an edited document."""
    pair = _edited(transcript)
    if pair and "units" in transcript and transcript["explanation"]:
        return float(len(transcript["explanation"]["edits"]) == 1)
    return counterfactual.one_edit(*pair) if pair else math.nan


def edit_fraction(transcript: Transcript) -> float:
    """Word-level edit distance over the most that could change; nan without an edited document."""
    pair = _edited(transcript)
    return counterfactual.edit_fraction(*pair) if pair else math.nan


def label_leak(transcript: Transcript, question: Question) -> float:
    """Whether the edit adds a label; nan without an edited document."""
    explanation = transcript["explanation"]
    if explanation is None or explanation["edited"] is None:
        return math.nan
    return float(question.pastes_label(transcript["fields"], explanation["edited"]))


def _edited(transcript: Transcript) -> tuple[counterfactual.Keys, counterfactual.Keys] | None:
    explanation = transcript["explanation"]
    if explanation is None or explanation["edited"] is None:
        return None
    original, edited = transcript["fields"], explanation["edited"]
    return keys_by_field(original), edited_keys(edited, original)
