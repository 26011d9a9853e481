"""The texts that users hand over, as the documents of the protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from faithful_se.errors import UsageError
from lm_eval_tasks.data import dataset_spec, load
from lm_eval_tasks.data_checks import MOST_TEXTS, check_segmenter
from lm_eval_tasks.document import Document

SPLITS = ("train", "validation", "test")

# A text; or a mapping from its fields to their texts ("premise", "hypothesis"); or a document with gold label and all.
Text = str | Mapping[str, str] | Document


def read_documents(
    dataset: str,
    data: str = "hub",
    split: str = "test",
    limit: int | None = None,
    include_path: str | Path = "",
) -> list[Document]:
    """Documents of a dataset of the tasks, for `evaluate`, `attribute` and `judge_batch`.

    Args:
        dataset: its name, one of `DATASETS` or a dataset of `include_path`.
        data: ``hub``, ``mini`` (text shipped with the package) or a folder, as `--metadata data=` of the tasks.
        split: ``train``, ``validation`` or ``test``.
        limit: the first so many; all by default.
        include_path: a folder of datasets outside the package, as `faithful-se new` writes them.

    Returns:
        Documents with their gold label, and with the words that people marked where the dataset has some.

    Raises:
        UsageError: there is no such dataset or text.
    """
    if split not in SPLITS:
        raise UsageError(f"read_documents: split={split!r}: give one of {', '.join(SPLITS)}")
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        raise UsageError(f"read_documents: limit={limit!r}: give a whole number from 1")
    spec = dataset_spec(dataset, include_path)
    rows = load(spec, data, split)
    return [spec.document(row) for row in rows.select(range(min(len(rows), limit or len(rows))))]


def documents_of(
    caller: str, texts: Sequence[Text], gold: Sequence[str] | None, settings: Mapping[str, Any]
) -> list[Document]:
    """The texts as documents that have the same fields; `caller` is the public function, for messages.

    `gold` is None where there are no gold labels, and for documents, which have their own. A text that is a plain
    string gets the field of the `dataset` of the settings; "text" by default.

    Raises:
        UsageError: no texts, or one that is none, or as many gold labels as there are not texts.
    """
    if isinstance(texts, (str, Mapping, Document)) or not hasattr(texts, "__len__") or not len(texts):
        raise UsageError(f"{caller}: give a list of texts, with at least one")
    if gold is not None and len(gold) != len(texts):
        raise UsageError(f"{caller}: {len(gold)} gold labels for {len(texts)} texts: give one a text")
    dataset = settings.get("dataset", "")
    field = dataset_spec(dataset, settings.get("include_path", "")).question.fields[0] if dataset else "text"
    documents = [
        _document(caller, number, text, None if gold is None else gold[number], field)
        for number, text in enumerate(texts)
    ]
    fields = tuple(documents[0].fields)
    for number, document in enumerate(documents):
        if tuple(document.fields) != fields:
            raise UsageError(
                f"{caller}: text {number} has the fields {', '.join(document.fields)}, text 0 has {', '.join(fields)}"
            )
        if (document.gold is None) != (documents[0].gold is None):
            raise UsageError(f"{caller}: text {number} and text 0: one has a gold label, the other has none")
    check_segmenter([text for document in documents[:MOST_TEXTS] for text in document.fields.values()], caller)
    return documents


def check_gold(caller: str, documents: Sequence[Document], labels: Sequence[str]) -> None:
    """Refuse, with a `UsageError`, gold labels that the model cannot answer."""
    for number, document in enumerate(documents):
        offered = document.labels or labels
        if not offered:
            raise UsageError(
                f"{caller}: text {number} has no labels of its own, and the dataset has none: give labels=[…]"
            )
        if document.gold is not None and document.gold not in offered:
            raise UsageError(
                f"{caller}: text {number} has the gold label {document.gold!r}; the labels are {', '.join(offered)}"
            )


def _document(caller: str, number: int, text: Any, gold: str | None, field: str) -> Document:
    if isinstance(text, Document):
        if gold is not None:
            raise UsageError(f"{caller}: gold=…: documents have their gold labels: leave it out, or give plain texts")
        return text
    fields = {field: text} if isinstance(text, str) else text
    if not isinstance(fields, Mapping) or not fields or not all(isinstance(value, str) for value in fields.values()):
        raise UsageError(f"{caller}: text {number} is {text!r}: give a string, or a mapping from fields to strings")
    return Document(dict(fields), gold)
