"""One text, one style: write the explanation that the best words give, and let the evaluation judge it.

The judgement is the evaluation's: `self_explain` asks the model and `scoring` scores its answers. Only the explanation
comes from here instead of from the model.
"""

from __future__ import annotations

import random
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from faithful_se.transcript import Transcript
from faithfulness_metrics.units import unit_key
from faithfulness_metrics.words import seed_of
from lm_eval_tasks import scoring
from lm_eval_tasks.calls import Answer, Call, Generate, Messages
from lm_eval_tasks.protocol import Procedure, self_explain
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.styles import STYLES
from training.build.attributions import AttributedText
from training.build.options import BuildOptions
from training.build.replacement_words import proposed_word

OTHER_ANSWER = "the model answers otherwise than the attribution says"
UNPARSED = "no label in the answer"
UNCHANGED = "the answer does not change"
NO_CANDIDATE = "no replacement word"

# An edit of more than five words in a text of fifteen is no explanation any more.
MOST_WORDS = 5

# Draws of a control's words until they differ from the model's own; in a text of two words half of them do.
MOST_DRAWS = 20


@dataclass(frozen=True)
class Verdict:
    """The result for one text in one style.

    Attributes:
        reason: why there is no explanation; empty if there is one.
        prompt: the messages that ask for it, the model's own answer among them.
        answer: that answer.
        completion: the explanation.
        words: named, masked or replaced, as first written in the text.
        new: the replacement word of a counterfactual.
        source: where the replacement word is from: ``candidate 1``, …, or ``model``.
        target: the label that a counterfactual must reach.
        flips: whether the explanation changes the answer as its style demands; None where that was not asked.
        own: the model's own untrue explanation, and the words in it; only in builds of pairs.
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
    own: str = ""
    own_words: tuple[str, ...] = ()

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
    document, style, unit = text.document, STYLES[spec.style], spec.options.unit
    (prediction,) = yield [spec.classify(document)]
    if prediction.label is None:
        return Verdict(prediction.problem or UNPARSED)
    if prediction.label != text.prediction:
        return Verdict(OTHER_ANSWER)
    target = spec.target(document, prediction.label)
    request = spec.explain(document, prediction, target)
    compares_positions = options.specific and style.WANTS_TARGET
    # The random positions are those of the chance control, so a specific word is specific in the evaluation too.
    controls = ("random",) if compares_positions else spec.options.controls
    judged_spec = replace(spec, options=replace(spec.options, controls=controls))

    def attempt(words: tuple[str, ...], new: str = "", source: str = "") -> Judging:
        """The evaluation's judgement of an explanation."""
        completion = write(spec, text, words, new, target)
        transcript = yield from with_explanation(self_explain(judged_spec, document), completion)
        explanation = transcript["explanation"]
        flips = scoring.faithful(transcript) == 1.0
        reason = explanation["reason"] if explanation and not explanation["valid"] else transcript["problem"]
        return Verdict(
            reason or (UNCHANGED if options.filtered and not flips else ""),
            prompt=request.messages,
            answer=spec.turn(prediction),
            completion=completion,
            words=words,
            new=new,
            source=source,
            target=target,
            flips=flips,
            control_flip_rate=scoring.faithful_random(transcript) if compares_positions else None,
        )

    verdicts: list[Verdict] = []
    best = as_written(text, [text.best])
    if style.WANTS_TARGET:
        candidates = [word for word in replacements.get(target, ()) if unit_key(word, unit) != text.best]
        attempts = [attempt(best, word, f"candidate {number}") for number, word in enumerate(candidates, 1)]
    else:
        attempts = [attempt(words) for words in _word_sets(text, spec.budget)]
    for judging in attempts:
        verdict = yield from judging
        if not verdict.reason and (verdict.specific or not compares_positions):
            return verdict
        verdicts.append(verdict)
    if accepted := [verdict for verdict in verdicts if not verdict.reason]:
        return accepted[0]
    if style.WANTS_TARGET:
        (answer,) = yield [request]
        new = proposed_word(style.parse(answer.reply, document.fields, spec.request(document, target)))
        if new and unit_key(new, unit) != text.best and new not in [verdict.new for verdict in verdicts]:
            verdict = yield from attempt(best, new, "model")
            if not verdict.reason:
                return verdict
            verdicts.append(verdict)
    reasons = [verdict.reason for verdict in verdicts]
    return Verdict(UNCHANGED if UNCHANGED in reasons else reasons[0] if reasons else NO_CANDIDATE)


def with_explanation(procedure: Procedure, explanation: str) -> Procedure:
    """Run a procedure with a given explanation: its request for one gets this answer, all other calls are yielded."""
    calls = next(procedure)
    try:
        while True:
            is_request = any(isinstance(call, Generate) for call in calls)
            calls = procedure.send([Answer(explanation)] if is_request else (yield calls))
    except StopIteration as end:
        transcript: Transcript = end.value
        return transcript


def write(spec: TaskSpec, text: AttributedText, words: Sequence[str], new: str, target: str) -> str:
    """The explanation, as the style writes it."""
    return STYLES[spec.style].write(text.document.fields, words, spec.request(text.document, target), new)


def control_words(arm: str, text: AttributedText, verdict: Verdict, seed: int) -> tuple[str, ...]:
    """The words of a control arm, as many as the explanation has: drawn, or the lowest. Empty if the text has too few.

    In a pair they are not the words of the model's own explanation, which they are preferred to.

    Args:
        arm: ``random`` or ``lowest``.
        text, verdict: of the explanation that the control replaces.
        seed: of the draw.
    """
    unit = text.document.unit
    keys = [key for key, _ in text.ranking if key != unit_key(verdict.new, unit)]
    count, own = len(verdict.words), {unit_key(word, unit) for word in verdict.own_words}
    if count > len(keys):
        return ()
    if arm != "random":
        lowest = keys[len(keys) - count :]
        return as_written(text, lowest) if {*lowest} != own else ()
    draw = random.Random(seed_of(text.document.hash, f"{arm} {seed}"))
    for _ in range(MOST_DRAWS):
        if {*(drawn := draw.sample(keys, count))} != own:
            return as_written(text, drawn)
    return ()


def as_written(text: AttributedText, keys: Sequence[str]) -> tuple[str, ...]:
    """Words by their keys, as first written in the text."""
    first = {word.key: word.text for word in reversed(text.document.units)}
    return tuple(first[key] for key in keys)


def _word_sets(text: AttributedText, budget: str) -> Iterator[tuple[str, ...]]:
    """The best word; with several words also the best two, three, …, while their scores support the answer."""
    for count, (_, score) in enumerate(text.ranking[: MOST_WORDS if budget == "multiword" else 1], 1):
        if count > 1 and score <= 0:
            return
        yield as_written(text, [key for key, _ in text.ranking[:count]])
