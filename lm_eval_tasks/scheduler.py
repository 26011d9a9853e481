"""Many procedures at once: round k gathers the k-th calls of all of them.

Equal questions have equal answers, so each is asked once in a run, whichever document, task or round wants it.
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
    """How many calls were made.

    Attributes:
        wanted: calls the procedures made, per round.
        asked: calls left after duplicates were dropped, per round: what the model had to answer.
    """

    wanted: list[int] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)


def run(
    procedures: Sequence[Procedure],
    respond: Responder,
    *,
    again: Callable[[bool], bool] = bool,
    distinct: Callable[[Call], bool] = lambda call: True,
    tally: Tally | None = None,
) -> list[Transcript]:
    """Run procedures to their end, in rounds.

    Args:
        procedures: fresh generators; each gets the answers to its own calls.
        respond: asks the model. Called once a round, also with no calls while other processes still have some.
        again: told whether this process has calls left, says whether anybody has: the place where several processes
            agree on the number of rounds. One process: the identity.
        distinct: whether equal calls have equal answers. Sampled text does not: such calls are never merged.
        tally: counts calls, where given.

    Returns:
        The transcripts, in the order of `procedures`.
    """
    tally = Tally() if tally is None else tally
    results: dict[int, Transcript] = {}
    known: dict[object, Answer] = {}
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
        asked: dict[object, Call] = {}
        keys: dict[int, list[object]] = {}
        for index, calls in waiting.items():
            keys[index] = [call if distinct(call) else (index, number) for number, call in enumerate(calls)]
            asked.update((key, call) for key, call in zip(keys[index], calls, strict=True) if key not in known)
        wanted = sum(map(len, waiting.values()))
        tally.wanted.append(wanted)
        tally.asked.append(len(asked))
        logger.info("faithful-se round %d: %d calls, %d new ones", len(tally.asked), wanted, len(asked))
        answers = dict(zip(asked, respond(list(asked.values())), strict=True))
        known.update((key, answer) for key, answer in answers.items() if not isinstance(key, tuple))
        for index in list(waiting):
            advance(index, [known[key] if key in known else answers[key] for key in keys[index]])
    return [results[index] for index in range(len(procedures))]
