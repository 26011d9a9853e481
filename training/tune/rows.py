"""The rows of a tuning, in the form of `faithful-se build`, and those with gold answers."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any

from faithfulness_metrics.words import key_of, mask_out, occurrences, positions_by_key, seed_of
from lm_eval_tasks.calls import Messages, as_chat
from lm_eval_tasks.document import Document
from lm_eval_tasks.spec import TaskSpec
from training.build.rows import CLASSIFICATION
from training.trainer.rows import TEMPLATE_ARGS
from training.tune.texts import Texts

# Where the completion of a row is from: the dataset's label; the untuned model; a draw.
GOLD, OWN, DRAWN = "gold", "own", "drawn"

MOST_MASKED = 3

# `prompt`, `completion`, `source` and the other fields of `training.build.rows.Row`. `prediction` is the gold label.
TuneRow = dict[str, Any]


def gold_rows(texts: Texts, masked: float, seed: int) -> Iterator[TuneRow]:
    """Classifications of a dataset with their gold labels.

    In a share of the texts, one to three types of words are masked and the label stays. So the model meets the mask of
    the evaluation before its answers to masked texts are measured.

    Args:
        texts: of the dataset.
        masked: that share.
        seed: of the draws.
    """
    count = round(masked * len(texts.gold))
    chosen = set(sorted(range(len(texts.gold)), key=lambda i: seed_of(texts.gold[i].hash, f"masked {seed}"))[:count])
    for index, document in enumerate(texts.gold):
        words = _masked_words(document, seed) if index in chosen else []
        spans, keys = document.words, {key_of(word) for word in words}
        fields = mask_out(document.fields, spans, occurrences(spans, keys), texts.spec.options.mask)
        messages = texts.spec.classify(document.with_fields(fields)).messages
        details = {"style": CLASSIFICATION, "budget": "", "words": words, "source": GOLD}
        yield tune_row(texts.spec, document, messages, str(document.gold), **details)


def tune_row(spec: TaskSpec, document: Document, prompt: Messages, completion: str, **details: Any) -> TuneRow:
    """A row of a conversation; `details` are the fields that differ from the defaults."""
    return {
        "prompt": as_chat(prompt),
        "completion": as_chat((("assistant", completion),)),
        "dataset": spec.question.dataset,
        "style": spec.style,
        "budget": spec.budget,
        "hash": document.hash,
        "prediction": str(document.gold),
        "words": [],
        "new": "",
        "source": "",
        "target": "",
        "flips": None,
        "arm": "tune",
        "method": "",
    } | details


def with_template_args(row: TuneRow, arguments: Mapping[str, Any]) -> TuneRow:
    """A row with the arguments that TRL gives the chat template, where there are some."""
    return {**row, TEMPLATE_ARGS: dict(arguments)} if arguments else row


def _masked_words(document: Document, seed: int) -> list[str]:
    """One to three types of words, as first written; at least one stays."""
    first = {word.key: word.text for word in reversed(document.words)}
    keys = list(positions_by_key(document.words))
    draw = random.Random(seed_of(document.hash, f"mask {seed}"))
    count = min(draw.randint(1, MOST_MASKED), len(keys) - 1)
    return [first[key] for key in draw.sample(keys, count)]
