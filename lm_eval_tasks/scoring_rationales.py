"""Values of one document that need the words that people marked, beside those in `lm_eval_tasks.scoring`."""

from __future__ import annotations

import math

from faithful_se.transcript import Transcript
from faithfulness_metrics import plausibility


def plausibility_edits(transcript: Transcript) -> float:
    """Share of a counterfactual's edits that are at words that people marked; nan without edits or marked words.

    An added word is where the word beside it is.
    """
    explanation, rationale = transcript["explanation"], transcript["rationale"]
    if explanation is None or rationale is None:
        return math.nan
    return plausibility.edits_inside([int(edit[0]) for edit in explanation["edits"]], rationale["positions"])
