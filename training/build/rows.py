"""The rows: conversational prompt-completion, as TRL reads them."""

from __future__ import annotations

import random
from collections.abc import Generator, Iterator, Sequence
from typing import TypedDict

from faithful_se.transcript import Message
from faithfulness_metrics.words import key_of, mask_out, occurrences, seed_of
from lm_eval_tasks.calls import Answer, Call, Messages, as_chat
from lm_eval_tasks.spec import TaskSpec
from training.build.attributions import Attributed
from training.build.options import BuildOptions
from training.build.verify import Verdict, other_words, write

CLASSIFICATION = "classification"


class _Row(TypedDict):
    prompt: list[Message]
    completion: list[Message]
    dataset: str
    style: str
    budget: str
    hash: str
    prediction: str
    words: list[str]
    new: str
    source: str
    target: str
    flips: bool | None
    arm: str
    method: str


class Row(_Row, total=False):
    """One row. The loss is on `completion` alone; everything after it says where the row is from.

    `elsewhere` is in the rows of a build with `specific`, and of no other.
    """

    elsewhere: float | None


def row_of(
    spec: TaskSpec, text: Attributed, prompt: Messages, completion: str, options: BuildOptions, method: str
) -> Row:
    """A row without an explanation's particulars."""
    row = Row(
        prompt=as_chat(prompt),
        completion=as_chat((("assistant", completion),)),
        dataset=spec.question.dataset,
        style=spec.style,
        budget=spec.budget,
        hash=text.document.hash,
        prediction=text.prediction or "",
        words=[],
        new="",
        source="",
        target="",
        flips=None,
        arm=options.arm,
        method=method,
    )
    return Row(**{**row, "elsewhere": None}) if options.specific else row  # type: ignore[typeddict-item]


def explanation_row(
    spec: TaskSpec, text: Attributed, verdict: Verdict, options: BuildOptions, method: str
) -> Row | None:
    """The row of an accepted explanation in the arm that is built; None where a control has no other word."""
    words, completion, flips, elsewhere = verdict.words, verdict.completion, verdict.flips, verdict.elsewhere
    if options.arm in ("random", "lowest"):
        words = other_words(options.arm, text, verdict, options.seed)
        if not words:
            return None
        completion, flips, elsewhere = write(spec, text, words, verdict.new, verdict.target), None, None
    if options.arm == "answers":
        row = row_of(spec, text, spec.classify(text.document).messages, verdict.answer, options, method)
        return Row(**{**row, "style": CLASSIFICATION, "budget": ""})
    row = row_of(spec, text, verdict.prompt, completion, options, method)
    told = {
        "words": list(words),
        "new": verdict.new,
        "source": verdict.source,
        "target": verdict.target,
        "flips": flips,
        **({"elsewhere": elsewhere} if options.specific else {}),
    }
    return Row(**{**row, **told})  # type: ignore[typeddict-item]


def replayed(
    spec: TaskSpec, text: Attributed, word: str, options: BuildOptions, method: str
) -> Generator[Sequence[Call], Sequence[Answer], Row | None]:
    """A classification with the model's own answer: what keeps its answers as they are while it learns to explain.

    Args:
        word: the word that is masked; empty for the text as it is.
    """
    fields = dict(text.document.fields)
    if word:
        words = text.document.words
        fields = mask_out(fields, words, occurrences(words, {key_of(word)}), spec.options.mask)
    asked = spec.classify(text.document.with_fields(fields))
    (answer,) = yield [asked]
    if answer.label is None:
        return None
    row = row_of(spec, text, asked.messages, answer.text.strip(), options, method)
    return Row(
        **{**row, "style": CLASSIFICATION, "budget": "", "prediction": answer.label, "words": [word] if word else []}
    )


def replay_plan(texts: Sequence[Attributed], count: int, seed: int) -> Iterator[tuple[Attributed, str]]:
    """Which texts are replayed, and with which word masked: every second one with a word drawn at random.

    Texts are drawn without repetition as long as there are any; then they come again, with other words.
    """
    usable = [text for text in texts if text.ranking]
    order = sorted(usable, key=lambda text: seed_of(text.document.hash, f"replay {seed}"))
    for number in range(count if order else 0):
        turn, place = divmod(number, len(order))
        text = order[place]
        drawn = random.Random(seed_of(text.document.hash, f"mask {seed} {turn}"))
        keys = [key for key, _ in text.ranking]
        masked = (number + turn) % 2 == 1
        yield text, drawn.choice(sorted(keys)) if masked else ""
