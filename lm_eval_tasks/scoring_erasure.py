"""Sufficiency and AOPC of an explanation of several words: docs/metrics.md, "5. Comprehensiveness and sufficiency"."""

from __future__ import annotations

import math

from faithful_se.transcript import Transcript
from faithfulness_metrics import erasure
from lm_eval_tasks import scoring


def sufficiency(transcript: Transcript) -> float:
    """How much of its probability the predicted label loses where only the named words are left."""
    record = transcript.get("erasure")
    return scoring.probability_drop(transcript, record["only"]) if record else math.nan


def sufficiency_lift(transcript: Transcript) -> float:
    """`sufficiency` minus its mean over as many random words: below 0 for words that keep the answer."""
    record = transcript.get("erasure")
    drops = [scoring.probability_drop(transcript, variant) for variant in record["only_random"]] if record else []
    return sufficiency(transcript) - sum(drops) / len(drops) if drops else math.nan


def aopc(transcript: Transcript) -> float:
    """Mean `comprehensiveness` of the first named words, by their effects: 1, 5, 10, 20 and 50 % of the text.

    Where one type of word is named, each of these sets is that word.
    """
    record, oracle = transcript.get("erasure"), transcript["oracle"]
    if record is None or oracle is None:
        return scoring.comprehensiveness(transcript)
    named = scoring.named_types(transcript).count(True)
    sizes = erasure.aopc_sizes(len(oracle["singles"]), named)
    drops = [scoring.probability_drop(transcript, variant) for variant in record["first"]]
    by_size = dict(zip(sorted(set(sizes)), drops, strict=True))
    return erasure.aopc([by_size[size] for size in sizes])
