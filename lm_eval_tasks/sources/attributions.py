"""`explanations=FOLDER` of `faithful-se attribute`: the word with the highest score in each text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from faithful_se.errors import UsageError
from faithful_se.files import read_json_object, read_numbered_jsonl
from faithfulness_metrics.units import WORD_UNIT
from lm_eval_tasks.document import Document
from lm_eval_tasks.sources.source import (
    OtherExplanation,
    TaskOfSource,
    check_covered,
    check_words_suffice,
    digest_of,
    name_of,
    of_words,
    without_words,
)

# Says that a folder of attributions is complete.
MANIFEST = "manifest.json"

_AGAIN = "attribute the texts again, into another --out"


class AttributionsSource:
    """Names the top word of each text.

    Args:
        folder: what `faithful-se attribute --out` wrote, about the texts of the evaluation.
        task: whose texts.
    """

    def __init__(self, folder: Path, task: TaskOfSource) -> None:
        self.what = f"explanations={folder}"
        check_words_suffice(self.what, task)
        manifest = read_json_object(folder / MANIFEST, _AGAIN)
        options, rows = manifest.get("options"), manifest.get("rows")
        method = options.get("method") if isinstance(options, dict) else None
        if not method or not isinstance(options, dict) or not isinstance(rows, dict):
            raise UsageError(f"{self.what} holds no attributions: give what faithful-se attribute wrote")
        if task.dataset not in rows:
            raise UsageError(f"{self.what}: no attributions of {task.dataset}; there are {', '.join(rows)}")
        if (unit := options.get("unit", WORD_UNIT)) != task.unit:
            raise UsageError(f"{self.what} scores each {unit}, and the task names each {task.unit}: give unit={unit}")
        # hash -> key of the top word, why there is none, and all words as the attribution saw them
        self.rows: dict[str, tuple[str, str, tuple[str, ...]]] = {}
        path = folder / f"{task.dataset}.jsonl"
        for number, row in read_numbered_jsonl(path, _AGAIN):
            try:
                top, words = row["top"], tuple(word["key"] for word in row["words"])
                self.rows[row["hash"]] = (top["key"] if top else "", str(row["problem"]), words)
            except (KeyError, TypeError) as error:
                raise UsageError(f"{path}: line {number} is damaged: {_AGAIN}") from error
        self.name = f"{method} of {name_of(folder)}"
        self.digest = digest_of(f"{manifest.get('model')} {sorted(options.items(), key=str)}".encode())

    def explain(self, document: Document, prediction: str, target: str) -> OtherExplanation:
        """The top word; not valid where the text has no attribution."""
        top, problem, _ = self.rows[document.hash]
        return of_words(document, [top]) if top else without_words(problem or "no attribution")

    def check(self, documents: Sequence[Document]) -> None:
        """Refuse texts without a row, and rows about other words than the texts have now."""
        remedy = "attribute the texts of the evaluation (faithful-se attribute --split test), or give another --limit"
        check_covered(self.what, self.rows, documents, remedy)
        for document in documents:
            words = self.rows[document.hash][2]
            if words and words != tuple(unit.key for unit in document.units):
                raise UsageError(f"{self.what}: another version saw other words in {document.hash}: {_AGAIN}")
