"""The reward of an explanation: what it reaches in the evaluation's own procedure, minus what random words reach.

The judge is asked by `self_explain` and its answers are scored by `scoring`, as in the evaluation. Only the explanation
is there already. So the reward of an answer is the evaluation's `lift` of the document with that answer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from faithful_se.errors import UsageError
from faithful_se.transcript import Transcript
from lm_eval_tasks import scoring, scoring_erasure
from lm_eval_tasks.calls import Answer, Call
from lm_eval_tasks.document import Document
from lm_eval_tasks.protocol import self_explain
from lm_eval_tasks.scheduler import run
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.styles import STYLES
from training.build.verify import with_explanation

# What counts as the effect of words: the change of the answer, or of the label's probability.
EFFECTS: dict[str, Callable[[Transcript], float]] = {"flip": scoring.lift, "probability": scoring_erasure.graded_lift}

# What an explanation without a readable format gets: an effect of 0, of which chance is subtracted; or 0.
INVALID = ("chance", "zero")

Respond = Callable[[Sequence[Call]], Sequence[Answer]]

# `(prompts, completions, **columns) -> rewards`, as TRL, verifiers and plain loops call it.
RewardFunction = Callable[..., list[float | None]]


@dataclass(frozen=True)
class RewardOptions:
    """How explanations are rewarded.

    Attributes:
        effect: a key of `EFFECTS`.
        invalid: one of `INVALID`.
    """

    effect: str = "flip"
    invalid: str = "chance"

    def check(self, ranked: bool) -> None:
        """Refuse values that there are not, and probabilities of labels that are not ranked.

        Raises:
            UsageError: names the option.
        """
        for name, value, choices in (("effect", self.effect, tuple(EFFECTS)), ("invalid", self.invalid, INVALID)):
            if value not in choices:
                raise UsageError(f"{name}={value!r}: give one of {', '.join(choices)}")
        if self.effect == "probability" and not ranked:
            raise UsageError("effect=probability needs the labels' probabilities: give classifier=loglikelihood")


@dataclass(frozen=True)
class Written:
    """An explanation that is there already.

    Attributes:
        spec: the task that asked for it.
        document: the text that it is about.
        text: the explanation, as the model wrote it.
        answer: the label that it explains, as it stands in its prompt; "" where the prompt holds none.
    """

    spec: TaskSpec
    document: Document
    text: str
    answer: str = ""


@dataclass(frozen=True)
class Scored:
    """What an explanation gets.

    Attributes:
        reward: None where the judge gives the text another answer than the one that is explained.
        transcript: every question and answer of the judge.
    """

    reward: float | None
    transcript: Transcript


def score_explanations(
    explanations: Sequence[Written], respond: Respond, options: RewardOptions | None = None
) -> list[Scored]:
    """Judge explanations in lock step: all classifications in one batch, then all perturbed texts in another.

    Equal questions are asked once, those of different explanations of one text among them. Equal explanations, which a
    policy writes the more of the surer it is, are judged once.
    """
    options = options or RewardOptions()
    keys = [(id(each.spec), each.document.hash, each.document.labels, each.text) for each in explanations]
    distinct = dict(zip(keys, explanations, strict=True))
    procedures = [with_explanation(self_explain(each.spec, each.document), each.text) for each in distinct.values()]
    transcripts = dict(zip(distinct, run(procedures, respond), strict=True))
    return [
        Scored(_reward(transcripts[key], each.answer, options), transcripts[key])
        for key, each in zip(keys, explanations, strict=True)
    ]


def _reward(transcript: Transcript, answer: str, options: RewardOptions) -> float | None:
    if answer and transcript["prediction"]["label"] != answer:
        return None
    if options.invalid == "zero" and not scoring.valid(transcript):
        return 0.0
    value = EFFECTS[options.effect](transcript)
    return None if math.isnan(value) else value


def log_parts(scored: Sequence[Scored], log_metric: Callable[[str, float], None] | None) -> None:
    """Give TRL's log what the rewards are made of: their effect, chance, and the explanations left out."""
    if log_metric is None:
        return
    judged = [each.transcript for each in scored if each.reward is not None]
    for name, of_transcript in (("faithful", scoring.faithful), ("faithful_random", scoring.faithful_random)):
        if judged:
            log_metric(name, sum(map(of_transcript, judged)) / len(judged))
    if scored:
        log_metric("other_answer", 1 - len(judged) / len(scored))


def is_valid(explanation: Written) -> bool:
    """Whether an explanation obeys its format, as the evaluation reads it. Asks no model."""
    spec, document = explanation.spec, explanation.spec.in_units(explanation.document)
    target = spec.target(document, explanation.answer)
    answer = Answer(explanation.text)
    return STYLES[spec.style].parse(answer.reply, document.fields, spec.request(document, target)).valid


def completion_text(completion: object) -> str:
    """The text of a completion, as TRL hands it over: a string, or a conversation of one message."""
    if isinstance(completion, str):
        return completion
    if isinstance(completion, Sequence) and completion and isinstance(completion[-1], dict):
        content = completion[-1].get("content")
        return content if isinstance(content, str) else ""
    raise UsageError(f"the completion {completion!r:.80} is neither a text nor a list of messages")
