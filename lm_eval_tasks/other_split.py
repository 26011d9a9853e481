"""Texts that are not in the evaluation, drawn from another split: for priors of labels, and as examples in prompts."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from functools import lru_cache

from faithful_se.errors import UsageError
from faithfulness_metrics.words import seed_of
from lm_eval_tasks.data import DatasetSpec, load
from lm_eval_tasks.document import Document

# Where the texts come from, in this order.
OTHER_SPLITS = ("train", "validation")


def draw_documents(
    dataset: DatasetSpec, data: str, purpose: str, without: Iterable[str], remedy: str
) -> Iterator[Document]:
    """The documents of another split in a drawn order, each text once, without those of the evaluation.

    The order depends on the number of rows, the dataset's name and `purpose` alone.

    Args:
        dataset: whose texts.
        data: ``hub``, ``mini`` or a folder.
        purpose: names the draw, its seed included.
        without: hashes of further texts to leave out.
        remedy: ends the message where there is no other split.

    Raises:
        UsageError: no other split, or the evaluation's texts cannot be read.
    """
    seen = {*evaluation_hashes(dataset, data), *without}
    problems = []
    for split in OTHER_SPLITS:
        try:
            rows = load(dataset, data, split)
            break
        except UsageError as error:
            problems.append(str(error))
    else:
        raise UsageError(f"{dataset.question.dataset}: no texts outside of the evaluation: {problems[0]}; or {remedy}")
    indices = list(range(len(rows)))
    random.Random(seed_of(dataset.question.dataset, purpose)).shuffle(indices)
    for index in indices:
        document = dataset.document(rows[index])
        if document.words and document.hash not in seen:
            seen.add(document.hash)
            yield document


@lru_cache(maxsize=16)
def evaluation_hashes(dataset: DatasetSpec, data: str) -> frozenset[str]:
    """The hashes of the evaluation's texts."""
    return frozenset(dataset.document(row).hash for row in load(dataset, data))
