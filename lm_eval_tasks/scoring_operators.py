"""The values of one document under each operator of a task with several: docs/metrics.md, "14. Operators"."""

from __future__ import annotations

import math

from faithful_se.transcript import OperatorRecord, Transcript
from lm_eval_tasks import scoring


def faithful(transcript: Transcript, operator: str) -> float:
    """`faithful` where this operator takes the named words out."""
    record = _record(transcript, operator)
    if record is None:
        return scoring.faithful(transcript)
    return scoring.share_of_flips(transcript, [record["perturbed"]] if record["perturbed"] else [])


def faithful_random(transcript: Transcript, operator: str) -> float:
    """`faithful_random` where this operator takes the random words out: the same words as for the others."""
    record = _record(transcript, operator)
    return scoring.share_of_flips(transcript, record["random"]) if record else scoring.faithful_random(transcript)


def lift(transcript: Transcript, operator: str) -> float:
    """`lift` under this operator."""
    return faithful(transcript, operator) - faithful_random(transcript, operator)


def operators_agree(transcript: Transcript) -> float:
    """Whether the named words change the answer under all operators or under none; nan without a valid explanation."""
    if not scoring.valid(transcript):
        return math.nan
    operators = transcript["options"]["operator"].split("+")
    return float(len({faithful(transcript, operator) for operator in operators}) == 1)


def infill_read(transcript: Transcript) -> float:
    """Share of the removed words for which the model proposed a word; nan where it was asked for none."""
    proposals = transcript.get("proposals", [])
    return sum(row["word"] is not None for row in proposals) / len(proposals) if proposals else math.nan


def _record(transcript: Transcript, operator: str) -> OperatorRecord | None:
    """What a further operator leads to; None for the first one, whose words are the protocol's own."""
    return transcript.get("operators", {}).get(operator)
