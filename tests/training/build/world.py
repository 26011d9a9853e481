"""A model of a few rules, and attributions of it by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from faithfulness_metrics.words import words_of
from lm_eval_tasks.calls import Answer, Call, Classify
from lm_eval_tasks.classification import parse_label
from lm_eval_tasks.data import dataset_spec
from lm_eval_tasks.document import Document
from lm_eval_tasks.spec import TaskSpec
from training.build.attributions import Attributed, Attributions

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
    """The rules; as an explanation the model writes "paris" over the first word."""
    shown = call.messages[-1][1] if isinstance(call, Classify) else call.messages[0][1]
    text = shown.rpartition("Tweet: ")[2]
    if isinstance(call, Classify):
        total = sum(WEIGHTS.get(word.key, 0) for word in words_of({"text": text}))
        said = "positive" if total > 0 else "negative"
        return Answer(said, parse_label(said, call.labels))
    return Answer(" ".join(["paris", *text.split(" ")[1:]]))


def respond(calls: Sequence[Call]) -> list[Answer]:
    """Answer calls."""
    return [answer(call) for call in calls]


def attributed(text: str, index: int = 0, prediction: str = "") -> Attributed:
    """Exact scores: how much a word speaks for the answer."""
    document = Document({"text": text}, None)
    total = sum(WEIGHTS.get(word.key, 0) for word in document.words)
    sign = 1 if total > 0 else -1
    scores = {word.key: float(sign * WEIGHTS.get(word.key, 0)) for word in document.words}
    ranking = tuple(sorted(scores.items(), key=lambda pair: -pair[1]))
    return Attributed(document, index, prediction or ("positive" if total > 0 else "negative"), ranking)


def attributions(
    folder: Path, texts: Sequence[str] = TEXTS, held: Sequence[str] = ("nothing of this is here",)
) -> Attributions:
    """Attributions of `texts`, with an evaluation split of `held` in `folder`."""
    path = folder / "sentiment140" / "test.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps({"text": text, "sentiment": 0}) + "\n" for text in held))
    settings = {
        "model": "m",
        "method": "occlusion",
        "options": {"mask": "[REDACTED]", "unknown": False, "system": None},
        "data": str(folder),
        "split": "train",
        "rows": {"sentiment140": len(texts)},
    }
    return Attributions(settings, {"sentiment140": [attributed(text, i) for i, text in enumerate(texts)]})


def spec(style: str, budget: str = "oneword") -> TaskSpec:
    """The task."""
    return TaskSpec(QUESTION, style, budget)


def dying(after: int) -> Callable[[Sequence[Call]], list[Answer]]:
    """Answers `after` batches, then the process is interrupted."""
    left = [after]

    def ask(calls: Sequence[Call]) -> list[Answer]:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return respond(calls)

    return ask
