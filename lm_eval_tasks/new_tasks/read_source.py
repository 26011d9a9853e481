"""From a source and what its columns mean to a dataset: rows checked, labels named, splits drawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice

from lm_eval_tasks.choices import LETTERS
from lm_eval_tasks.declaration import SPLITS
from lm_eval_tasks.languages import ENGLISH, prompts_of
from lm_eval_tasks.new_tasks.choice_cells import filled, right_choices
from lm_eval_tasks.new_tasks.label_names import label_names
from lm_eval_tasks.new_tasks.new_dataset import Declaration, NewDataset, Row
from lm_eval_tasks.new_tasks.settings import SourceSettings
from lm_eval_tasks.new_tasks.source_parts import Part, read_parts
from lm_eval_tasks.new_tasks.source_texts import SourceText, check_dropped, distinct, texts_of, with_test
from lm_eval_tasks.new_tasks.splits import draw


def read_source(settings: SourceSettings) -> NewDataset:
    """Read a source.

    Raises:
        UsageError: anything that is wrong with it, in one line with file, row and column.
    """
    parts, notes = read_parts(settings), list[str]()
    if not settings.choices and (lists := _list_columns(parts.values())):
        notes.append(
            f"{', '.join(lists)}: a list in each row. If it holds the choices of the row, this is multiple choice: "
            f"--choices {lists[0]}"
        )
    texts = {split: texts_of(parts[split], settings) for split in SPLITS if split in parts}
    check_dropped(parts.values(), settings)
    texts = with_test(texts, notes)
    if settings.choices:
        texts, names = _with_letters(texts, settings, notes), {}
    else:
        names = label_names(texts, settings, next((part.classes for part in parts.values() if part.classes), ()))
    missing = [split for split in ("test", "validation") if split not in texts] if "train" in texts else []
    train = texts.get("train", [])
    if missing:
        train = distinct(train, notes)
        if drawn := draw(train, [text.value for text in train], missing, settings):
            texts |= drawn
            notes.append(
                f"{' and '.join(split for split in missing if split in drawn)} drawn with seed {settings.seed}"
            )
    if "train" not in texts:
        notes.append("no training rows: `faithful-se attribute` and `build` need some")
    _note_splits(texts, names, notes)
    declaration = _declaration(settings, tuple(dict.fromkeys(names.values())))
    row = partial(_row, settings=settings, names=names)
    rows = {split: list(map(row, texts[split])) for split in SPLITS if split in texts}
    commit = next((part.commit for part in parts.values() if part.commit), "")
    source = ", ".join(part.origin for part in parts.values()) + (f", commit {commit}" if commit else "")
    return NewDataset(declaration, rows, source, tuple(notes))


def _list_columns(parts: Iterable[Part]) -> list[str]:
    """Columns whose first value is a list of texts."""
    rows = [row for part in parts for row in part.rows[:1]]
    names = [name for row in rows for name, value in row.items() if isinstance(value, list) and len(value) > 1]
    return list(dict.fromkeys(names))


def _row(text: SourceText, settings: SourceSettings, names: dict[str, str]) -> Row:
    """A text as a row of the dataset, in the columns that `_declaration` declares."""
    if settings.choices:
        right = {_choices_column(settings): list(text.choices), settings.label: LETTERS.index(text.value)}
        return {**text.fields, **right}
    return {**text.fields, settings.label: names[text.value]}


def _choices_column(settings: SourceSettings) -> str:
    return "choices" if "choices" not in (*settings.text, settings.label) else "answer_choices"


def _with_letters(
    texts: dict[str, list[SourceText]], settings: SourceSettings, notes: list[str]
) -> dict[str, list[SourceText]]:
    """Texts of multiple choice, without empty choices, and with the letter of the right one as their value."""
    every = [text for split in texts.values() for text in split]
    places, reading = right_choices(
        [text.value for text in every],
        [text.choices for text in every],
        [text.choice_names for text in every],
        [text.where for text in every],
        settings.choices,
    )
    notes.append(f"{settings.label} is read as {reading}")
    lettered = (
        replace(text, value=LETTERS[place], choices=tuple(filled(text.choices)))
        for text, place in zip(every, places, strict=True)
    )
    return {split: list(islice(lettered, len(of_split))) for split, of_split in texts.items()}


def _note_splits(texts: dict[str, list[SourceText]], names: dict[str, str], notes: list[str]) -> None:
    hashes = {text.hash for text in texts["test"]}
    if both := sum(text.hash in hashes for text in texts.get("train", ())):
        notes.append(f"{both} training texts are in the test split too: `faithful-se build` leaves them out")
    for split in SPLITS:
        if split in texts and (absent := _absent(texts[split], names)):
            notes.append(f"the {split} split has no row of {', '.join(absent)}")


def _absent(texts: Sequence[SourceText], names: dict[str, str]) -> list[str]:
    there = {names.get(text.value) for text in texts}
    return [name for name in dict.fromkeys(names.values()) if name not in there]


def _declaration(settings: SourceSettings, labels: tuple[str, ...]) -> Declaration:
    spoken = [name.replace("_", " ").strip() for name in settings.text]
    noun = settings.noun or " and ".join(spoken)
    titles = settings.titles or tuple(name[:1].upper() + name[1:] for name in (spoken if len(spoken) > 1 else [noun]))
    asked = prompts_of(settings.language)["plain_question.choices" if settings.choices else "plain_question.noun"]
    question = settings.question or asked.format(noun=noun)
    further = {} if settings.language == ENGLISH else {"language": settings.language}
    if settings.choices:
        further["choices"] = _choices_column(settings)
    return Declaration(settings.dataset, noun, question, settings.text, titles, settings.label, labels, further)
