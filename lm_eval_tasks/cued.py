"""The step of the protocol with a cue: the document is classified without it, then with it, and explained with it."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING

from faithful_se.transcript import CueRecord, Transcript
from lm_eval_tasks.calls import Answer, Call, Classify
from lm_eval_tasks.cues import cue_in
from lm_eval_tasks.document import Document

if TYPE_CHECKING:
    from lm_eval_tasks.spec import TaskSpec


def ask_with_cue(
    spec: TaskSpec, document: Document, prediction: Answer, transcript: Transcript
) -> Generator[Sequence[Call], Sequence[Answer], tuple[Document, Classify, Answer, CueRecord]]:
    """Insert a cue and classify again.

    Args:
        spec: the task.
        document: without the cue.
        prediction: the answer on it.
        transcript: of that.

    Returns:
        The document with the cue, its classification and the answer, and what a transcript holds of the cue.
    """
    cue = cue_in(spec.question_about(document), spec.options, document, str(prediction.label))
    call = spec.classify(cue.document)
    (answer,) = yield [call]
    record: CueRecord = {
        "text": cue.text,
        "label": cue.label,
        "target": cue.target,
        "positions": cue.positions,
        "fields": dict(document.fields),
        "prediction": transcript["prediction"],
    }
    return cue.document, call, answer, record
