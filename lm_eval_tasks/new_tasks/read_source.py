"""From a source and what its columns mean to a dataset: rows checked, labels named, splits drawn."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from faithful_se.errors import UsageError
from faithfulness_metrics.words import document_hash
from lm_eval_tasks.dataset_index import dataset_names
from lm_eval_tasks.declaration import SPLITS, label_problem
from lm_eval_tasks.label_checks import reading_problem
from lm_eval_tasks.languages import ENGLISH, prompts_of
from lm_eval_tasks.new_tasks.cells import filled_rows, label_text, named_labels
from lm_eval_tasks.new_tasks.new_dataset import Declaration, NewDataset
from lm_eval_tasks.new_tasks.settings import SourceSettings
from lm_eval_tasks.new_tasks.source_parts import Part, read_parts
from lm_eval_tasks.new_tasks.splits import draw

# More labels than this are a mistake more often than a question that a prompt can ask.
MOST_LABELS = 100


@dataclass(frozen=True)
class _Text:
    where: str  # file, row and column of the label
    fields: dict[str, str]
    value: str  # of the label

    @property
    def hash(self) -> str:
        return document_hash(self.fields)


def read_source(settings: SourceSettings) -> NewDataset:
    """Read a source.

    Raises:
        UsageError: anything that is wrong with it, in one line with file, row and column.
    """
    if settings.dataset in dataset_names():
        raise UsageError(f"--name {settings.dataset}: the package has a dataset of that name: give another --name")
    parts, notes = read_parts(settings), list[str]()
    if lists := _list_columns(parts.values()):
        notes.append(
            f"{', '.join(lists)}: a list in each row. If it holds the choices of the row, this is multiple choice: "
            "docs/multiple_choice.md shows the declaration"
        )
    texts = {split: _texts(parts[split], settings) for split in SPLITS if split in parts}
    _check_dropped(parts.values(), settings)
    texts = _with_test(texts, notes)
    named = texts.get("train") or texts["test"]
    names = _names(named, settings, next((part.classes for part in parts.values() if part.classes), ()))
    for text in (text for split in texts.values() for text in split):
        if text.value not in names:
            known = ", ".join(names)
            raise UsageError(
                f"{text.where} is {text.value!r}, a label that no training row has: they have {known}. Correct it, or "
                "leave such rows out with --drop"
            )
    missing = [split for split in ("test", "validation") if split not in texts] if "train" in texts else []
    train = texts.get("train", [])
    if missing:
        train = _distinct(train, notes)
        if drawn := draw(train, [text.value for text in train], missing, settings):
            texts |= drawn
            notes.append(
                f"{' and '.join(split for split in missing if split in drawn)} drawn with seed {settings.seed}"
            )
    if "train" not in texts:
        notes.append("no training rows: `faithful-se attribute` and `build` need some")
    _note_splits(texts, names, notes)
    declaration = _declaration(settings, tuple(dict.fromkeys(names.values())))
    rows = {
        split: [{**text.fields, settings.label: names[text.value]} for text in texts[split]]
        for split in SPLITS
        if split in texts
    }
    commit = next((part.commit for part in parts.values() if part.commit), "")
    source = ", ".join(part.origin for part in parts.values()) + (f", commit {commit}" if commit else "")
    return NewDataset(declaration, rows, source, tuple(notes))


def _check_dropped(parts: Iterable[Part], settings: SourceSettings) -> None:
    """Refuse, with a `UsageError`, a value to drop that no row has: it is a slip of the pen."""
    values: set[str] = set()
    for part in parts:
        values |= {str(row.get(settings.label)) for row in part.rows}
        values |= {label_text(row.get(settings.label), part.classes) or "" for row in part.rows}
    for value in settings.drop:
        if value not in values:
            there = ", ".join(sorted(values - {"", "None"})[:10])
            raise UsageError(f"--drop {value}: no row has it in the column {settings.label}; there are {there}")


def _list_columns(parts: Iterable[Part]) -> list[str]:
    """Columns whose first value is a list of texts."""
    rows = [row for part in parts for row in part.rows[:1]]
    names = [name for row in rows for name, value in row.items() if isinstance(value, list) and len(value) > 1]
    return list(dict.fromkeys(names))


def _texts(part: Part, settings: SourceSettings) -> list[_Text]:
    return [
        _Text(f"{part.origin}: row {number}: {settings.label}", fields, label)
        for number, fields, label in filled_rows(part, settings)
    ]


def _with_test(texts: dict[str, list[_Text]], notes: list[str]) -> dict[str, list[_Text]]:
    """The splits that hold rows; the validation split is the test split where there is no other."""
    texts = {split: of_split for split, of_split in texts.items() if of_split}
    if "test" not in texts and "train" in texts and "validation" in texts:
        notes.append("the validation split is the test split")
        texts["test"] = texts.pop("validation")
    if "test" not in texts and "train" not in texts:
        raise UsageError("no row is left: every one is empty or dropped")
    return texts


def _names(texts: Sequence[_Text], settings: SourceSettings, classes: Sequence[str]) -> dict[str, str]:
    """Value -> name of each label.

    Raises:
        UsageError: one label, too many, or labels that answers cannot be told apart by.
    """
    first = {text.value: text.where for text in reversed(texts)}
    where, count = texts[0].where.partition(": row ")[0], len(first)
    if count < 2:
        value = next(iter(first))
        raise UsageError(
            f"{where}: {settings.label}: every row has the label {value!r}: give two or more to choose from"
        )
    if count > MOST_LABELS or (len(texts) >= 10 and count > len(texts) / 2):
        raise UsageError(
            f"{where}: {settings.label} has {count} different values in {len(texts)} rows: give --label, the column "
            f"of the label; at most {MOST_LABELS} can be asked about"
        )
    order = {" ".join(name.split()): number for number, name in enumerate(classes)}
    values = sorted(first, key=lambda value: (order.get(value, 0), *_sort_key(value)))
    names = named_labels(settings, {value: first[value] for value in values})
    labels = tuple(dict.fromkeys(names.values()))
    if quoted := next((label for label in labels if '"' in label), ""):
        raise UsageError(
            f"{where}: {settings.label}: {quoted!r} holds a double quote, and prompts put labels in these: "
            "--labels VALUE=NAME gives names"
        )
    if problem := label_problem(labels) or reading_problem(labels):
        raise UsageError(f"{where}: {settings.label}: {problem}; --labels VALUE=NAME gives names")
    return names


def _sort_key(value: str) -> tuple[float, str]:
    try:
        number = float(value)
    except ValueError:
        number = math.inf
    return (number, value) if math.isfinite(number) else (math.inf, value.casefold())


def _distinct(texts: Sequence[_Text], notes: list[str]) -> list[_Text]:
    """Each text once, so that none is in two of the drawn splits."""
    first: dict[str, _Text] = {}
    others = [text for text in texts if first.setdefault(text.hash, text) is not text]
    if others:
        notes.append(f"{len(others)} rows repeat the text of another one, and are left out")
    clashing = [text for text in others if first[text.hash].value != text.value]
    if clashing:
        text = clashing[0]
        notes.append(f"{len(clashing)} of these have another label: {text.where} is {text.value!r}")
    return list(first.values())


def _note_splits(texts: dict[str, list[_Text]], names: dict[str, str], notes: list[str]) -> None:
    hashes = {text.hash for text in texts["test"]}
    if both := sum(text.hash in hashes for text in texts.get("train", ())):
        notes.append(f"{both} training texts are in the test split too: `faithful-se build` leaves them out")
    for split in SPLITS:
        if split in texts and (absent := _absent(texts[split], names)):
            notes.append(f"the {split} split has no row of {', '.join(absent)}")


def _absent(texts: Sequence[_Text], names: dict[str, str]) -> list[str]:
    there = Counter(names[text.value] for text in texts)
    return [name for name in dict.fromkeys(names.values()) if name not in there]


def _declaration(settings: SourceSettings, labels: tuple[str, ...]) -> Declaration:
    spoken = [name.replace("_", " ").strip() for name in settings.text]
    noun = settings.noun or " and ".join(spoken)
    titles = settings.titles or tuple(name[:1].upper() + name[1:] for name in (spoken if len(spoken) > 1 else [noun]))
    question = settings.question or prompts_of(settings.language)["plain_question.noun"].format(noun=noun)
    further = {} if settings.language == ENGLISH else {"language": settings.language}
    return Declaration(settings.dataset, noun, question, settings.text, titles, settings.label, labels, further)
