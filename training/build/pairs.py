"""Preference pairs: the verified explanation, against the model's own where that is untrue.

The model is asked with the same prompt that the verified explanation answers, and the evaluation judges its answer.
Where its own explanation is true, or does not obey its format, there is no pair: no untrue word to prefer another to.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace

from faithful_se.transcript import Transcript
from lm_eval_tasks import scoring
from lm_eval_tasks.calls import Answer, Call, Generate
from lm_eval_tasks.protocol import self_explain
from lm_eval_tasks.spec import TaskSpec
from training.build.attributions import AttributedText
from training.build.options import BuildOptions
from training.build.verify import Judging, Verdict, judge

OWN_TRUE = "the model's own explanation is true"
OWN_NOT_VALID = "the model's own explanation is not valid"


def judge_pair(
    spec: TaskSpec, text: AttributedText, replacements: Mapping[str, Sequence[str]], options: BuildOptions
) -> Judging:
    """Judge the model's own explanation of a text; where it is untrue, find the true one. See `judge`."""
    if text.prediction is None:
        return (yield from judge(spec, text, replacements, options))
    transcript, reply = yield from _explain(spec, text)
    explanation = transcript["explanation"]
    if transcript["prediction"]["label"] == text.prediction:  # else `judge` says why there is no row
        if transcript["problem"]:
            return Verdict(transcript["problem"])
        if not explanation or not explanation["valid"]:
            return Verdict(OWN_NOT_VALID)
        if scoring.faithful(transcript) == 1.0:
            return Verdict(OWN_TRUE)
    verdict = yield from judge(spec, text, replacements, options)
    return replace(verdict, own=reply, own_words=tuple(explanation["words"]) if explanation else ())


def _explain(
    spec: TaskSpec, text: AttributedText
) -> Generator[Sequence[Call], Sequence[Answer], tuple[Transcript, str]]:
    """The model's own explanation through the protocol, and its words without a thought."""
    procedure = self_explain(replace(spec, options=replace(spec.options, controls=())), text.document)
    calls, reply = next(procedure), ""
    try:
        while True:
            answers = yield calls
            if any(isinstance(call, Generate) for call in calls):
                reply = answers[0].reply.strip()
            calls = procedure.send(answers)
    except StopIteration as end:
        return end.value, reply
