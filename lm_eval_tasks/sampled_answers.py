"""Classifications that are asked several times (`samples=k`): the protocol sees their majority.

docs/metrics.md, "16. Sampled answers".
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from itertools import islice
from typing import TypeVar

from faithfulness_metrics.samples import majority
from lm_eval_tasks.calls import Answer, Call, Classify
from lm_eval_tasks.server_problems import worst_problem

Result = TypeVar("Result")


def ask_repeatedly(
    procedure: Generator[Sequence[Call], Sequence[Answer], Result],
) -> Generator[Sequence[Call], Sequence[Answer], Result]:
    """A procedure whose classifications are asked as often as each says, and answered by the majority."""
    try:
        calls = next(procedure)
        while True:
            answers = iter((yield [draw for call in calls for draw in _draws(call)]))
            merged = [_majority(list(islice(answers, len(_draws(call))))) for call in calls]
            calls = procedure.send(merged)
    except StopIteration as end:
        result: Result = end.value
        return result


def _draws(call: Call) -> list[Call]:
    """A call as often as it is asked. The number of a draw makes each another call, which no other draw answers."""
    if isinstance(call, Classify) and call.samples > 1:
        return [replace(call, draw=number) for number in range(call.samples)]
    return [call]


def _majority(answers: Sequence[Answer]) -> Answer:
    """The first answer with the label of the majority; it holds the labels of all, and the worst of their problems."""
    if len(answers) == 1:
        return answers[0]
    labels = tuple(answer.label for answer in answers)
    first = answers[labels.index(majority(labels))]
    return replace(first, samples=labels, problem=worst_problem(answer.problem for answer in answers))
