"""One text, one style: write the explanation that the best words give, and let the evaluation judge it.

The judgement is the evaluation's: `self_explain` asks the model and `scoring` scores its answers. Only the explanation
comes from here instead of from the model.
"""

from __future__ import annotations

import random
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from faithful_se.transcript import Transcript
from faithfulness_metrics.words import key_of, seed_of
from lm_eval_tasks import scoring
from lm_eval_tasks.calls import Answer, Call, Generate, Messages
from lm_eval_tasks.protocol import Procedure, self_explain
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.styles import STYLES
from training.build.attributions import AttributedText
from training.build.options import MOST_WORDS, BuildOptions
from training.build.replacement_words import proposed_word

OTHER_ANSWER = "the model answers otherwise than the attribution says"
UNPARSED = "no label in the answer"
UNCHANGED = "the answer does not change"
NO_CANDIDATE = "no replacement word"


class Proposal(NamedTuple):
    """The content of an explanation.

    Attributes:
        words: named, masked or replaced, as first written in the text.
        new: the replacement word of a counterfactual.
        source: where the replacement word is from: ``candidate 1``, …, or ``model``.
    """

    words: tuple[str, ...]
    new: str = ""
    source: str = ""


@dataclass(frozen=True)
class Verdict:
    """The result for one text in one style.

    Attributes:
        reason: why there is no explanation; empty if there is one.
        prompt: the messages that ask for it, the model's own answer among them.
        answer: that answer.
        completion: the explanation.
        words, new, source: see `Proposal`.
        target: the label that a counterfactual must reach.
        flips: whether the explanation changes the answer as its style demands; None where that was not asked.
        control_flip_rate: share of the chance control's random positions where the new word reaches the target too;
            None where that was not asked.
    """

    reason: str
    prompt: Messages = ()
    answer: str = ""
    completion: str = ""
    words: tuple[str, ...] = ()
    new: str = ""
    source: str = ""
    target: str = ""
    flips: bool | None = None
    control_flip_rate: float | None = None

    @property
    def specific(self) -> bool:
        """Whether the new word reaches the target at its position and at none of the random ones."""
        return self.flips is True and self.control_flip_rate == 0


Judging = Generator[Sequence[Call], Sequence[Answer], Verdict]


def judge(
    spec: TaskSpec, text: AttributedText, replacements: Mapping[str, Sequence[str]], options: BuildOptions
) -> Judging:
    """Find the explanation of a text: the first that the evaluation calls faithful.

    With `options.specific` the search for a counterfactual continues to the first candidate that is specific too. The
    model's own proposal is the last resort: it is asked for only if no candidate is accepted.

    Args:
        spec: dataset, style, budget and options of the task that the row trains for.
        text: with its words ranked.
        replacements: label -> candidates for the new word of a counterfactual.
        options: see `BuildOptions`. Unfiltered, the first explanation that obeys its format is accepted.
    """
    if text.prediction is None:
        return Verdict(text.problem or "no attribution")
    (prediction,) = yield [spec.classify(text.document)]
    if prediction.label is None:
        return Verdict(prediction.problem or UNPARSED)
    if prediction.label != text.prediction:
        return Verdict(OTHER_ANSWER)
    explainer = _Explainer(spec, text, options, prediction, spec.target(text.document, prediction.label))
    verdicts: list[Verdict] = []
    for proposal in explainer.proposals(replacements):
        verdict = yield from explainer.attempt(proposal)
        if not verdict.reason and (verdict.specific or not explainer.compares_positions):
            return verdict
        verdicts.append(verdict)
    if accepted := [verdict for verdict in verdicts if not verdict.reason]:
        return accepted[0]
    if explainer.style.WANTS_TARGET:
        own_proposal = yield from explainer.own_proposal()
        if own_proposal and own_proposal[:2] not in [(verdict.words, verdict.new) for verdict in verdicts]:
            verdict = yield from explainer.attempt(own_proposal)
            if not verdict.reason:
                return verdict
            verdicts.append(verdict)
    reasons = [verdict.reason for verdict in verdicts]
    return Verdict(UNCHANGED if UNCHANGED in reasons else reasons[0] if reasons else NO_CANDIDATE)


class _Explainer:
    """Proposes explanations of one text, and has the evaluation judge them.

    Args:
        spec, text, options: see `judge`.
        prediction: the model's answer on the text.
        target: the label that a counterfactual must reach.

    Attributes:
        compares_positions: whether new words are also tried at random positions.
    """

    def __init__(
        self, spec: TaskSpec, text: AttributedText, options: BuildOptions, prediction: Answer, target: str
    ) -> None:
        self._spec, self._text, self._options, self._prediction, self._target = spec, text, options, prediction, target
        self._request = spec.explain(text.document, prediction, target)
        self.style = STYLES[spec.style]
        self.compares_positions = options.specific and self.style.WANTS_TARGET
        # The random positions are those of the chance control, so a specific word is specific in the evaluation too.
        controls = ("random",) if self.compares_positions else spec.options.controls
        self._judged_spec = replace(spec, options=replace(spec.options, controls=controls))

    def proposals(self, replacements: Mapping[str, Sequence[str]]) -> list[Proposal]:
        """What to try, in this order: the sets of best words, or the candidates over the best word."""
        if not self.style.WANTS_TARGET:
            return [Proposal(words) for words in _word_sets(self._text, self._spec.budget)]
        best = as_written(self._text, [self._text.best])
        candidates = [word for word in replacements.get(self._target, ()) if key_of(word) != self._text.best]
        return [Proposal(best, word, f"candidate {number}") for number, word in enumerate(candidates, 1)]

    def attempt(self, proposal: Proposal) -> Judging:
        """The evaluation's judgement of a proposal."""
        words, new, source = proposal
        completion = write(self._spec, self._text, words, new, self._target)
        transcript = yield from with_explanation(self_explain(self._judged_spec, self._text.document), completion)
        explanation = transcript["explanation"]
        flips = scoring.faithful(transcript) == 1.0
        reason = explanation["reason"] if explanation and not explanation["valid"] else transcript["problem"]
        if self._options.filtered and not reason and not flips:
            reason = UNCHANGED
        return Verdict(
            reason,
            prompt=self._request.messages,
            answer=self._prediction.text.strip(),
            completion=completion,
            words=words,
            new=new,
            source=source,
            target=self._target,
            flips=flips,
            control_flip_rate=scoring.faithful_random(transcript) if self.compares_positions else None,
        )

    def own_proposal(self) -> Generator[Sequence[Call], Sequence[Answer], Proposal | None]:
        """The word of the model's own counterfactual, over the best word; None if it proposes no such word."""
        (answer,) = yield [self._request]
        document = self._text.document
        explanation = self.style.parse(answer.text, document.fields, self._spec.request(document, self._target))
        new = proposed_word(explanation)
        if not new or key_of(new) == self._text.best:
            return None
        return Proposal(as_written(self._text, [self._text.best]), new, "model")


def with_explanation(procedure: Procedure, explanation: str) -> Procedure:
    """Run a procedure with a given explanation: its request for one gets this answer, all other calls are yielded."""
    calls = next(procedure)
    try:
        while True:
            if any(isinstance(call, Generate) for call in calls):
                calls = procedure.send([Answer(explanation)])
            else:
                calls = procedure.send((yield calls))
    except StopIteration as end:
        transcript: Transcript = end.value
        return transcript


def write(spec: TaskSpec, text: AttributedText, words: Sequence[str], new: str, target: str) -> str:
    """The explanation, as the style writes it."""
    return STYLES[spec.style].write(text.document.fields, words, spec.request(text.document, target), new)


def control_words(arm: str, text: AttributedText, verdict: Verdict, seed: int) -> tuple[str, ...]:
    """The words of a control arm, as many as the explanation has: drawn, or the lowest. Empty if the text has too few.

    Args:
        arm: ``random`` or ``lowest``.
        text, verdict: of the explanation that the control replaces.
        seed: of the draw.
    """
    keys = [key for key, _ in text.ranking if key != key_of(verdict.new)]
    count = len(verdict.words)
    if count > len(keys):
        return ()
    drawn = random.Random(seed_of(text.document.hash, f"{arm} {seed}")).sample(keys, count)
    return as_written(text, drawn if arm == "random" else keys[len(keys) - count :])


def as_written(text: AttributedText, keys: Sequence[str]) -> tuple[str, ...]:
    """Words by their keys, as first written in the text."""
    first: dict[str, str] = {}
    for word in text.document.words:
        first.setdefault(word.key, word.text)
    return tuple(first[key] for key in keys)


def _word_sets(text: AttributedText, budget: str) -> Iterator[tuple[str, ...]]:
    """The best word; with several words also the best two, three, …, while their scores support the answer."""
    yield as_written(text, [text.best])
    if budget == "multiword":
        for count in range(2, MOST_WORDS + 1):
            if count > len(text.ranking) or text.ranking[count - 1][1] <= 0:
                return
            yield as_written(text, [key for key, _ in text.ranking[:count]])
