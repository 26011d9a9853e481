"""One text, one style: write the explanation that the best word gives, and let the evaluation judge it.

Nothing is judged here. `self_explain` asks and concludes, `scoring` scores, as in an evaluation of the model; only the
explanation is not asked of the model but handed in.
"""

from __future__ import annotations

import random
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from faithful_se.transcript import Transcript
from faithfulness_metrics.words import key_of, seed_of
from lm_eval_tasks import scoring
from lm_eval_tasks.calls import Answer, Call, Generate, Messages
from lm_eval_tasks.protocol import Procedure, self_explain
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.styles import STYLES
from training.build.attributions import Attributed
from training.build.options import MOST_WORDS, BuildOptions
from training.build.replacement_words import proposal

OTHER_ANSWER = "the model answers otherwise than the attribution says"
UNPARSED = "no label in the answer"
UNCHANGED = "the answer does not change"
NO_CANDIDATE = "no replacement word"


@dataclass(frozen=True)
class Verdict:
    """What became of one text in one style.

    Attributes:
        reason: why there is no explanation; empty where there is one.
        prompt: the messages that ask for it, the model's own answer among them.
        answer: that answer.
        completion: the explanation.
        words: the words it is about, as first written in the text.
        new: the replacement word of a counterfactual.
        source: where the replacement word is from: ``candidate 1``, …, or ``model``.
        target: the label a counterfactual must reach.
        flips: whether the explanation changes the answer as its style demands; None where that was not asked.
        elsewhere: share of the chance control's random places where the new word reaches the target too; None where
            that was not asked.
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
    elsewhere: float | None = None

    @property
    def specific(self) -> bool:
        """Whether the new word reaches the target at its place and at none of the random ones."""
        return self.flips is True and self.elsewhere == 0


Judging = Generator[Sequence[Call], Sequence[Answer], Verdict]


def judge(
    spec: TaskSpec, text: Attributed, replacements: Mapping[str, Sequence[str]], options: BuildOptions
) -> Judging:
    """Find the explanation of a text: the first that the evaluation calls faithful.

    With `options.specific` a counterfactual goes on to the first that is specific as well, among the candidates. The
    model's own proposal stays what it is without: asked for only where no candidate will do.

    Args:
        spec: dataset, style, budget and options: the task that the row trains for.
        text: with its words ranked.
        replacements: per label, words for counterfactuals.
        options: see there. Unfiltered, the first explanation that obeys its format is taken.
    """
    if text.prediction is None:
        return Verdict(text.problem or "no attribution")
    (prediction,) = yield [spec.classify(text.document)]
    if prediction.label is None:
        return Verdict(prediction.problem or UNPARSED)
    if prediction.label != text.prediction:
        return Verdict(OTHER_ANSWER)
    target = spec.target(text.document, prediction.label)
    asked = spec.explain(text.document, prediction, target)
    style = STYLES[spec.style]
    tried: dict[tuple[tuple[str, ...], str], Verdict] = {}
    # The places of the chance control, so that what is kept here is what the evaluation will ask for.
    compares = options.specific and style.WANTS_TARGET
    judged = replace(spec, options=replace(spec.options, controls=("random",))) if compares else spec

    def attempt(words: tuple[str, ...], new: str, source: str) -> Judging:
        completion = write(spec, text, words, new, target)
        transcript = yield from answered(self_explain(judged, text.document), completion)
        told = transcript["explanation"]
        flips = scoring.faithful(transcript) == 1.0
        reason = told["reason"] if told and not told["valid"] else transcript["problem"]
        if options.filtered and not reason and not flips:
            reason = UNCHANGED
        elsewhere = scoring.faithful_random(transcript) if compares else None
        answer = prediction.text.strip()
        return Verdict(reason, asked.messages, answer, completion, words, new, source, target, flips, elsewhere)

    proposals = [(words, "", "") for words in _word_sets(text, spec.budget)]
    if style.WANTS_TARGET:
        best = as_written(text, [text.best])
        others = [word for word in replacements.get(target, ()) if key_of(word) != text.best]
        proposals = [(best, new, f"candidate {number}") for number, new in enumerate(others, 1)]
    for words, new, source in proposals:
        verdict = tried[words, new] = yield from attempt(words, new, source)
        if not verdict.reason and (verdict.specific or not compares):
            return verdict
    if usable := [verdict for verdict in tried.values() if not verdict.reason]:
        return usable[0]
    if style.WANTS_TARGET:
        (said,) = yield [asked]
        new = proposal(style.parse(said.text, text.document.fields, spec.request(text.document, target)))
        if new and key_of(new) != text.best and (best, new) not in tried:
            verdict = tried[best, new] = yield from attempt(best, new, "model")
            if not verdict.reason:
                return verdict
    reasons = [verdict.reason for verdict in tried.values()]
    return Verdict(UNCHANGED if UNCHANGED in reasons else reasons[0] if reasons else NO_CANDIDATE)


def answered(procedure: Procedure, explanation: str) -> Procedure:
    """A procedure that is told the explanation instead of asking for it. Everything else is asked."""
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


def write(spec: TaskSpec, text: Attributed, words: Sequence[str], new: str, target: str) -> str:
    """The explanation, as the style writes it."""
    return STYLES[spec.style].write(text.document.fields, words, spec.request(text.document, target), new)


def other_words(arm: str, text: Attributed, verdict: Verdict, seed: int) -> tuple[str, ...]:
    """The words of a control arm: as many as the explanation has, drawn or the lowest; none where there are too few."""
    keys = [key for key, _ in text.ranking if key != key_of(verdict.new)]
    count = len(verdict.words)
    if count > len(keys):
        return ()
    drawn = random.Random(seed_of(text.document.hash, f"{arm} {seed}")).sample(keys, count)
    return as_written(text, drawn if arm == "random" else keys[len(keys) - count :])


def as_written(text: Attributed, keys: Sequence[str]) -> tuple[str, ...]:
    """Words by their keys, as first written in the text."""
    first: dict[str, str] = {}
    for word in text.document.words:
        first.setdefault(word.key, word.text)
    return tuple(first[key] for key in keys)


def _word_sets(text: Attributed, budget: str) -> Iterator[tuple[str, ...]]:
    """The best word; with budget ``multiword`` also the best two, three, …, while their scores speak for the answer."""
    yield as_written(text, [text.best])
    if budget == "multiword":
        for count in range(2, MOST_WORDS + 1):
            if count > len(text.ranking) or text.ranking[count - 1][1] <= 0:
                return
            yield as_written(text, [key for key, _ in text.ranking[:count]])
