"""What the rounds of calls of a run are for: `lm_eval_tasks.protocol` in words, for the log."""

from __future__ import annotations

from collections.abc import Iterable

from lm_eval_tasks.options import DIRECT, FROM_MODEL, NO_CUE
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.styles import STYLES

EXPLAIN = "explain"
STEPS = ("classify", EXPLAIN, "check")
PRIOR = "prior of the labels"
CUE = "classify with the cue"
REASON = "reason"
PROPOSE = "propose words"
SIMULATION = "simulate"
SEARCH = "search for the oracle's words …"


def steps_of(specs: Iterable[TaskSpec]) -> tuple[str, ...]:
    """The rounds that tasks take. Where a greedy search can follow, how many it takes is known only at its end."""
    measures = searches = simulates = asks = cues = reasons = proposes = False
    for spec in specs:
        asks |= spec.source is None
        reasons |= spec.options.elicit != DIRECT
        proposes |= spec.options.infill_from == FROM_MODEL and STYLES[spec.style].REMOVES_WORDS
        measures |= spec.calibrated and not spec.prior
        removes_several = spec.budget == "multiword" and STYLES[spec.style].REMOVES_WORDS
        cues |= spec.options.cue != NO_CUE
        simulates |= STYLES[spec.style].SIMULATES
        searches |= spec.options.ranked and removes_several and "oracle" in spec.options.controls
    first, *others = STEPS if asks else (step for step in STEPS if step != EXPLAIN)
    steps = first, *[CUE] * cues, *[REASON] * reasons, *others[:-1], *[PROPOSE] * proposes, others[-1]
    return (*([PRIOR] if measures else []), *steps, *([SEARCH] if searches else [SIMULATION] * simulates))
