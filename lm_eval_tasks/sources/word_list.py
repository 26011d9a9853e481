"""`explanations=word_list.json`: one list of weighted words per label, the same for every text. A dictionary."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from faithful_se.errors import UsageError
from faithful_se.files import parse_json_object
from faithfulness_metrics.units import WORD_UNIT
from lm_eval_tasks.document import Document
from lm_eval_tasks.sources.source import (
    OtherExplanation,
    TaskOfSource,
    check_words_suffice,
    digest_of,
    name_of,
    of_words,
    without_words,
)

# The key of the file that holds the lists: dataset -> label -> key of a word -> mean score.
LISTS = "word_lists"


class WordListSource:
    """Names the word of a text that weighs most for the model's answer; of equal ones the first.

    Args:
        path: what `faithful-se attribute --word-list` writes.
        task: whose texts.
    """

    def __init__(self, path: Path, task: TaskOfSource) -> None:
        what = f"explanations={path}"
        check_words_suffice(what, task)
        if task.unit != WORD_UNIT:
            raise UsageError(f"{what} is a list of words: leave unit={task.unit} out")
        content = path.read_bytes()
        lists = (parse_json_object(content) or {}).get(LISTS)
        if not isinstance(lists, dict) or not _are_lists(lists):
            raise UsageError(
                f"{what} is no word list: give word_list.json, which faithful-se attribute --word-list wrote"
            )
        if task.dataset not in lists:
            raise UsageError(f"{what} has no list for {task.dataset}; there are {', '.join(lists)}")
        self.weights: Mapping[str, Mapping[str, float]] = lists[task.dataset]
        folder = name_of(path.absolute().parent)
        self.name, self.digest = f"word list of {folder}", digest_of(json.dumps(lists, sort_keys=True).encode())

    def explain(self, document: Document, prediction: str, target: str) -> OtherExplanation:
        """The word that weighs most for the prediction; not valid where the list has no word of the text."""
        weights = self.weights.get(prediction, {})
        keys = [word.key for word in document.units if word.key in weights]
        return (
            of_words(document, [max(keys, key=weights.__getitem__)]) if keys else without_words("no word of the list")
        )

    def check(self, documents: Sequence[Document]) -> None:
        """A text may hold no word of the list: what the list then says is nothing."""


def _are_lists(lists: Mapping[str, object]) -> bool:
    """Whether these are numbers by word, by label, by dataset."""
    by_label = [words for labels in lists.values() if isinstance(labels, dict) for words in labels.values()]
    return all(isinstance(labels, dict) for labels in lists.values()) and all(
        isinstance(words, dict) and all(isinstance(weight, (int, float)) for weight in words.values())
        for words in by_label
    )
