"""A document answered by hand: what the tests of the protocol, the controls, the lock step and the scores share."""

from __future__ import annotations

from lm_eval_tasks.calls import Answer
from lm_eval_tasks.data import dataset_spec
from lm_eval_tasks.document import Document
from lm_eval_tasks.options import Options
from lm_eval_tasks.spec import TaskSpec

SENTIMENT, SNLI = dataset_spec("sentiment140").question, dataset_spec("snli").question
DOCUMENT = Document({"text": "I love my new phone, love it!"}, gold="positive")


def spec_of(style="attribution", budget="oneword", question=SENTIMENT, **options):
    return TaskSpec(question, style, budget, Options(**{"controls": (), **options}))


def play(procedure, *rounds):
    """Send answers round by round; return the calls of every round and the transcript."""
    calls = [next(procedure)]
    for answers in rounds:
        try:
            calls.append(procedure.send(answers))
        except StopIteration as end:
            return calls, end.value
    raise AssertionError(f"still asks {calls[-1]}")


def label(text):
    return Answer(text, text)
