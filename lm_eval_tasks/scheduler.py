"""Runs many documents through the protocol at once: round k gathers the k-th calls of all of them.

Equal calls have equal answers, so the model gets each call once per run, across documents, tasks and rounds.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from faithful_se.transcript import Transcript
from lm_eval_tasks import LOGGER
from lm_eval_tasks.calls import Answer, Call
from lm_eval_tasks.protocol import Procedure

logger = logging.getLogger(LOGGER)

# Answers a list of distinct calls, in order.
Responder = Callable[[Sequence[Call]], Sequence[Answer]]


@dataclass
class Tally:
    """Numbers of calls, per round."""

    calls: list[int] = field(default_factory=list)  # calls of the procedures
    # calls that the model had to answer, after duplicates were dropped
    new_calls: list[int] = field(default_factory=list)


def run(
    procedures: Sequence[Procedure],
    respond: Responder,
    *,
    again: Callable[[bool], bool] = bool,
    distinct: Callable[[Call], bool] = lambda call: True,
    tally: Tally | None = None,
    steps: Sequence[str] = (),
) -> list[Transcript]:
    """Run procedures to their end, in rounds. The transcripts are in the order of `procedures`.

    Args:
        procedures: fresh generators; each gets the answers to its own calls.
        respond: asks the model. Called once a round, even without calls while other processes still have some.
        again: takes whether this process has calls left, returns whether any process has. Here several processes
            agree on the number of rounds.
        distinct: whether a call always has the same answer. Calls for sampled text do not, and are never merged.
        tally: counts the calls.
        steps: what the rounds are for, in words. Where procedures can take more rounds, the last stands for them, too.
    """
    tally = Tally() if tally is None else tally
    results: dict[int, Transcript] = {}
    answers_by_key: dict[object, Answer] = {}
    waiting: dict[int, Sequence[Call]] = {}

    def advance(index: int, answers: Sequence[Answer] | None) -> None:
        try:
            waiting[index] = next(procedures[index]) if answers is None else procedures[index].send(answers)
        except StopIteration as end:
            waiting.pop(index, None)
            results[index] = end.value

    for index in range(len(procedures)):
        advance(index, None)
    while again(bool(waiting)):
        new_calls: dict[object, Call] = {}
        keys: dict[int, list[object]] = {}
        for index, calls in waiting.items():
            keys[index] = [call if distinct(call) else (index, number) for number, call in enumerate(calls)]
            pairs = zip(keys[index], calls, strict=True)
            new_calls.update((key, call) for key, call in pairs if key not in answers_by_key)
        count = sum(map(len, waiting.values()))
        tally.calls.append(count)
        tally.new_calls.append(len(new_calls))
        logger.info("faithful-se %s: %d calls, %d new ones", _step(len(tally.calls), steps), count, len(new_calls))
        answers = dict(zip(new_calls, respond(list(new_calls.values())), strict=True))
        answers_by_key.update((key, answer) for key, answer in answers.items() if not isinstance(key, tuple))
        for index, keys_of_calls in keys.items():
            advance(index, [answers_by_key[key] if key in answers_by_key else answers[key] for key in keys_of_calls])
    return [results[index] for index in range(len(procedures))]


def _step(number: int, steps: Sequence[str]) -> str:
    """Which round this is.

    >>> _step(2, ("classify", "explain", "check")), _step(4, ("classify", "explain", "check", "search …"))
    ('round 2 of 3 (explain)', 'round 4 (search …)')
    >>> _step(2, ("classify", "explain", "check", "search …")), _step(1, ())
    ('round 2 of 4 or more (explain)', 'round 1')
    """
    if not steps:
        return f"round {number}"
    *_, last = steps
    if last.endswith("…"):  # as many as it takes
        of = f" of {len(steps)} or more" if number < len(steps) else ""
    else:
        of = f" of {len(steps)}" if number <= len(steps) else ""
    return f"round {number}{of} ({steps[min(number, len(steps)) - 1]})"
