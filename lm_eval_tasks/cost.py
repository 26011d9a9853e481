"""What a run costs at most, said before it: the oracle asks about every different word, or sentence, of a text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from faithfulness_metrics.units import UNITS
from faithfulness_metrics.words import positions_by_key
from lm_eval_tasks.cues import most_words
from lm_eval_tasks.document import Document
from lm_eval_tasks.options import DIRECT, FROM_MODEL, NO_CUE
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.styles import STYLES

# Calls of the control `stability`, at most.
NEUTRAL = 4

# From so many different words a text on, the oracle over sentences is worth a hint.
MANY = 200


def most_calls(spec: TaskSpec, document: Document) -> int:
    """How many calls one document takes at most, before equal ones are dropped, and without the greedy search."""
    controls = spec.options.controls
    style, drawn = STYLES[spec.style], spec.options.draws * ("random" in controls)
    further = (len(spec.options.operators) - 1) * style.REMOVES_WORDS
    calls = 3 + drawn + further * (1 + drawn) + NEUTRAL * ("stability" in controls)
    calls += spec.options.elicit != DIRECT
    if spec.options.infill_from == FROM_MODEL and style.REMOVES_WORDS:
        calls += types_of(spec, document)
    if style.SIMULATES:
        calls += 1 + drawn + ("oracle" in controls)
    calls += types_of(spec, document) * ("oracle" in controls)
    if spec.options.cue != NO_CUE:
        calls += 1 + most_words(spec.question_about(document), spec.options) * ("oracle" in controls)
    return 1 + (calls - 1) * spec.options.samples  # the explanation is asked for once


def types_of(spec: TaskSpec, document: Document) -> int:
    """How many different words or sentences a document has."""
    return len(positions_by_key(spec.in_units(document).units))


def cost_lines(pairs: Iterable[tuple[TaskSpec, Document]]) -> Iterator[str]:
    """What a run of these tasks and documents costs: one line, and one for each thing that is worth knowing first."""
    calls, oracle, texts = list[int](), dict[str, list[int]](), dict[tuple[str, str], list[bool]]()
    for spec, document in pairs:
        calls.append(most_calls(spec, document))
        unit = spec.options.unit
        if "oracle" in spec.options.controls:
            oracle.setdefault(unit, []).append(types_of(spec, document))
        texts.setdefault((spec.question.dataset, unit), []).append(types_of(spec, document) < 2)
    if not calls:
        return
    searched = [
        f"the oracle asks about {sum(counts) / len(counts):.0f} different {unit}s of a text on average, at most "
        f"{max(counts)}"
        for unit, counts in oracle.items()
    ]
    yield "; ".join([f"{len(calls)} explanations take at most {sum(calls)} calls", *searched])
    if sum(words := oracle.get(UNITS[0], [])) >= MANY * max(1, len(words)) and words:
        yield "texts are long: unit=sentence asks about sentences instead of words, and controls=random leaves it out"
    for (dataset, unit), is_single in texts.items():
        if line := single_line(unit, is_single):
            yield f"{dataset}: {line}"


def single_line(unit: str, is_single: Sequence[bool]) -> str:
    """How many texts have no other word, or sentence, to compare with, in one line; empty where they are few."""
    single, total = sum(is_single), len(is_single)
    if 2 * single < total or not single:
        return ""
    return (
        f"{single} of {total} texts have one {unit} at most: it has no other to compare with, so their lift is 0 "
        "whatever the explanation is"
    )
