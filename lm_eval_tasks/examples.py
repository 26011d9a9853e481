"""Labelled examples before the question (`--num_fewshot k`): docs/protocol.md, "Calibrated labels and examples"."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from faithful_se.errors import UsageError
from faithfulness_metrics.words import seed_of
from lm_eval_tasks.calls import Messages
from lm_eval_tasks.dataset_spec import DatasetSpec
from lm_eval_tasks.document import Document
from lm_eval_tasks.infill_texts import infill_texts
from lm_eval_tasks.label_prior import prior_documents
from lm_eval_tasks.other_split import draw_documents
from lm_eval_tasks.spec import TaskSpec

REMEDY = "leave the examples out"


def draw_examples(dataset: DatasetSpec, data: str, count: int, seed: int) -> list[Document]:
    """Documents with their gold labels, for the prompt: balanced over the labels, in a drawn order.

    Each label has `count` / number of labels of them. The labels that have one more where this is no whole number are
    drawn. Texts with labels of their own are drawn without balance.

    Args:
        dataset: whose training split; its validation split where it has no other.
        data: ``hub``, ``mini`` or a folder.
        count: how many.
        seed: of the draw.

    Raises:
        UsageError: there is no other split, or too few texts of a label in it.
    """
    name, labels = dataset.question.dataset, dataset.question.labels
    draw = random.Random(seed_of(name, f"examples {seed}"))
    order = draw.sample(labels, len(labels))
    wanted = Counter({label: count // len(labels) + (i < count % len(labels)) for i, label in enumerate(order)})
    examples: list[Document] = []
    for document in draw_documents(dataset, data, f"examples {seed}", (), REMEDY):
        if len(examples) == count:
            break
        if not labels or wanted[str(document.gold)]:
            examples.append(document)
            wanted[str(document.gold)] -= 1
    if len(examples) < count:
        short = next((f" of {label}" for label in order if wanted[label] > 0), "")
        raise UsageError(f"{name}: {count} examples are too many, there are too few texts{short}: {REMEDY}, or some")
    draw.shuffle(examples)
    return examples


def add_examples_and_prior_texts(
    spec: TaskSpec, dataset: DatasetSpec, count: int, seed: int
) -> tuple[TaskSpec, frozenset[str]]:
    """A task with `count` examples, and with the texts that its prior or its operator `infill` needs.

    Returns:
        The task, and the hashes of its examples, which must not be asked about.

    Raises:
        UsageError: see `draw_examples`, `prior_documents` and `infill_texts`.
    """
    examples = draw_examples(dataset, spec.options.data, count, seed) if count else []
    hashes = frozenset(document.hash for document in examples)
    spec = replace(spec, examples=example_turns(replace(spec, examples=()), examples))
    if spec.calibrated and spec.options.prior == "texts":
        documents = prior_documents(dataset, spec.options.data, spec.options.prior_texts, hashes)
        spec = replace(spec, prior_documents=documents)
    if "infill" in spec.options.operators:
        spec = replace(spec, others=infill_texts(dataset, spec.options.data))
    return spec, hashes


def example_turns(spec: TaskSpec, examples: Sequence[Document]) -> Messages:
    """The examples as turns: each text is asked about as every other, and answered with its gold label."""
    turns = []
    for document in examples:
        prompt = spec.classify(document).messages[-1][1]
        turns += [("user", prompt), ("assistant", str(document.gold))]
    return tuple(turns)
