"""The texts of a source with their labels: which rows count, in which split, each once where splits are drawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from faithful_se.errors import UsageError
from faithfulness_metrics.words import document_hash
from lm_eval_tasks.choices import LETTERS
from lm_eval_tasks.new_tasks.cells import filled_rows, label_text
from lm_eval_tasks.new_tasks.settings import SourceSettings
from lm_eval_tasks.new_tasks.source_parts import Part


@dataclass(frozen=True)
class SourceText:
    """A text with its label."""

    where: str  # file, row and column of the label
    fields: dict[str, str]
    value: str  # of the label; of multiple choice, the letter of the right choice
    choices: tuple[str | None, ...] = ()  # of its own
    choice_names: tuple[str, ...] = ()  # what the label column calls these

    @property
    def hash(self) -> str:
        """The hash of all that is shown, as the document has it."""
        return document_hash(self.fields | dict(zip(LETTERS, map(str, self.choices), strict=False)))


def texts_of(part: Part, settings: SourceSettings) -> list[SourceText]:
    """The texts of a part that count."""
    return [
        SourceText(f"{part.origin}: row {cells.number}: {settings.label}", cells.texts, cells.label, *cells[3:])
        for cells in filled_rows(part, settings)
    ]


def check_dropped(parts: Iterable[Part], settings: SourceSettings) -> None:
    """Refuse, with a `UsageError`, a value to drop that no row has: it is a slip of the pen."""
    values: set[str] = set()
    for part in parts:
        values |= {str(row.get(settings.label)) for row in part.rows}
        values |= {label_text(row.get(settings.label), part.classes) or "" for row in part.rows}
    for value in settings.drop:
        if value not in values:
            there = ", ".join(sorted(values - {"", "None"})[:10])
            raise UsageError(f"--drop {value}: no row has it in the column {settings.label}; there are {there}")


def with_test(texts: dict[str, list[SourceText]], notes: list[str]) -> dict[str, list[SourceText]]:
    """The splits that hold rows; the validation split is the test split where there is no other."""
    texts = {split: of_split for split, of_split in texts.items() if of_split}
    if "test" not in texts and "train" in texts and "validation" in texts:
        notes.append("the validation split is the test split")
        texts["test"] = texts.pop("validation")
    if "test" not in texts and "train" not in texts:
        raise UsageError("no row is left: every one is empty or dropped")
    return texts


def distinct(texts: Sequence[SourceText], notes: list[str]) -> list[SourceText]:
    """Each text once, so that none is in two of the drawn splits."""
    first: dict[str, SourceText] = {}
    others = [text for text in texts if first.setdefault(text.hash, text) is not text]
    if others:
        several = f"{len(others)} rows repeat the text of another one, and are left out"
        notes.append(several if len(others) > 1 else "1 row repeats the text of another one, and is left out")
    clashing = [text for text in others if first[text.hash].value != text.value]
    if clashing:
        text = clashing[0]
        notes.append(f"{len(clashing)} of these have another label: {text.where} is {text.value!r}")
    return list(first.values())
