"""A model of a few rules, and attributions of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from faithfulness_metrics.words import words_of
from lm_eval_tasks.calls import Answer, Call, Classify
from lm_eval_tasks.classification import parse_label
from lm_eval_tasks.data import dataset_spec
from lm_eval_tasks.document import Document
from lm_eval_tasks.spec import TaskSpec
from training.build.attributions import AttributedText, Attributions

# The label is the sign of the sum; a tie is negative.
WEIGHTS = {"love": 3, "great": 3, "paris": 9, "hate": -3, "awful": -3, "monday": -9, "nice": 1, "dull": -1}
QUESTION = dataset_spec("sentiment140").question

TEXTS = (
    "i love the dull rain today",
    "we hate a nice long walk",
    "great but dull evening at home",
    "awful and nice at the shop",
    "love and great food all week",  # two words agree: masking one changes nothing
    "it is paris and i hate it",
)


def answer(call: Call) -> Answer:
    """Apply the rules; as an explanation the model writes "paris" over the first word."""
    prompt = call.messages[-1][1] if isinstance(call, Classify) else call.messages[0][1]
    text = prompt.rpartition("Tweet: ")[2]
    if isinstance(call, Classify):
        total = sum(WEIGHTS.get(word.key, 0) for word in words_of({"text": text}))
        label = "positive" if total > 0 else "negative"
        return Answer(label, parse_label(label, call.labels))
    return Answer(" ".join(["paris", *text.split(" ")[1:]]))


def respond(calls: Sequence[Call]) -> list[Answer]:
    """Answer calls."""
    return [answer(call) for call in calls]


def attributed(text: str, index: int = 0, prediction: str = "") -> AttributedText:
    """A text with exact scores: how much each word supports the answer."""
    document = Document({"text": text}, None)
    total = sum(WEIGHTS.get(word.key, 0) for word in document.words)
    sign = 1 if total > 0 else -1
    scores = {word.key: float(sign * WEIGHTS.get(word.key, 0)) for word in document.words}
    ranking = tuple(sorted(scores.items(), key=lambda pair: -pair[1]))
    return AttributedText(document, index, prediction or ("positive" if total > 0 else "negative"), ranking)


def attributions(
    folder: Path, texts: Sequence[str] = TEXTS, evaluation: Sequence[str] = ("no training text is like this",)
) -> Attributions:
    """Attributions of `texts`; `folder` gets an evaluation split with the texts `evaluation`."""
    path = folder / "sentiment140" / "test.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps({"text": text, "sentiment": 0}) + "\n" for text in evaluation))
    manifest: Any = {
        "model": "m",
        "method": "occlusion",
        "options": {"mask": "[REDACTED]", "unknown": False, "system": None},
        "data": str(folder),
        "split": "train",
        "rows": {"sentiment140": len(texts)},
    }
    return Attributions(manifest, {"sentiment140": [attributed(text, i) for i, text in enumerate(texts)]})


def spec(style: str, budget: str = "oneword") -> TaskSpec:
    """The task of a style."""
    return TaskSpec(QUESTION, style, budget)


def interrupted(batches: int) -> Callable[[Sequence[Call]], list[Answer]]:
    """A model that answers some batches of calls; then Ctrl-C ends the process."""
    remaining = iter(range(batches))

    def respond_or_stop(calls: Sequence[Call]) -> list[Answer]:
        if next(remaining, None) is None:
            raise KeyboardInterrupt
        return respond(calls)

    return respond_or_stop


class Recorder:
    """A model that keeps the calls it answers.

    Attributes:
        calls: all of them.
        batches: number of batches.
    """

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.batches = 0

    def __call__(self, calls: Sequence[Call]) -> list[Answer]:
        self.calls.extend(calls)
        self.batches += 1
        return respond(calls)
