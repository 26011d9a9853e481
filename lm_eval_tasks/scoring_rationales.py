"""Values of one document that need the words that people marked: docs/metrics.md, "10. Plausibility"."""

from __future__ import annotations

import math
from collections.abc import Sequence

from faithful_se.transcript import Transcript
from faithfulness_metrics import plausibility
from faithfulness_metrics.words import words_of
from lm_eval_tasks import scoring


def plausibility_f1(transcript: Transcript) -> float:
    """Overlap of the named words with the words that people marked, as F1; nan where nobody marked any."""
    return plausibility.token_f1(*_named_and_marked(transcript))


def plausibility_iou(transcript: Transcript) -> float:
    """The same overlap as intersection over union."""
    return plausibility.iou(*_named_and_marked(transcript))


def plausibility_edits(transcript: Transcript) -> float:
    """Share of a counterfactual's edits that are at words that people marked; nan without edits or marked words.

    An added word is where the word beside it is.
    """
    explanation, rationale = transcript["explanation"], transcript["rationale"]
    if explanation is None or rationale is None:
        return math.nan
    return plausibility.edits_inside([int(edit[0]) for edit in explanation["edits"]], rationale["positions"])


def _named_and_marked(transcript: Transcript) -> tuple[set[str], set[str]]:
    """Keys of the words that a valid explanation names or changes, and of the words that people marked.

    Of sentences, their numbers: a sentence is marked where one of its words is.

    An added word has no position, so a counterfactual that only adds words names nothing.
    """
    explanation, rationale = scoring.valid_explanation(transcript), transcript["rationale"]
    keys: Sequence[str] = [word.key for word in words_of(transcript["fields"])]
    if "units" in transcript:
        keys = list(map(str, range(len(transcript["units"]))))
    named = explanation["positions"] if explanation else []
    marked = rationale["positions"] if rationale else []
    return {keys[position] for position in named}, {keys[position] for position in marked}
