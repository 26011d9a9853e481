"""Multiple choice: each row has choices of its own, shown as ``A) …``. docs/multiple_choice.md.

A document of such a dataset has its question in `fields` and its choices in `context`, or the other way round: the
option `words_of` says whose words count. What is in `context` is shown and never changed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from faithfulness_metrics.words import Fields
from lm_eval_tasks.declaration import label_problem
from lm_eval_tasks.label_reading.plain_text import key_of

LETTERS = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")

# Letters that are words of English. As an answer they stand alone: A) | "A" | A Where is …, but not: A man | I am | I'm
WORD_LETTERS = ("A", "I")
_ANSWERED_LETTER = re.compile(rf"(?<!\w)[{''.join(WORD_LETTERS)}](?![\w'’]|\s+[^\W\d_A-Z])")


@dataclass(frozen=True)
class ChoiceColumns:
    """Where the choices of a row are.

    Attributes:
        columns: the column that holds their list, such as ``choices`` or ``choices.text``; or one column for each.
        names: what the column of the label calls them: a column (``choices.label``), or the names in order. None where
            it holds a number from 0, a letter, or the text of a choice.
    """

    columns: tuple[str, ...]
    names: str | tuple[Any, ...] | None = None

    @classmethod
    def from_declaration(cls, declared: Mapping[str, Any]) -> ChoiceColumns | None:
        """What a dataset declares; None where its labels are the same in all rows."""
        columns, names = declared.get("choices"), declared.get("choice_names")
        if columns is None:
            return None
        listed = (columns,) if isinstance(columns, str) else tuple(columns)
        return cls(listed, names if names is None or isinstance(names, str) else tuple(names))

    @property
    def top_level(self) -> tuple[str, ...]:
        """The columns of the file that hold them."""
        paths = (*self.columns, *([self.names] if isinstance(self.names, str) else []))
        return tuple(dict.fromkeys(path.partition(".")[0] for path in paths))

    def texts(self, row: Mapping[str, Any]) -> list[Any]:
        """The choices of a row, in order. Columns of their own that are empty hold none."""
        if len(self.columns) == 1:
            listed = value_at(row, self.columns[0])
            return list(listed) if isinstance(listed, (list, tuple)) else []
        values = [value_at(row, column) for column in self.columns]
        return [value for value in values if value is not None and value != ""]

    def place(self, row: Mapping[str, Any], label: Any) -> int | None:
        """The place of the right choice among those of a row; None where the label names none of them."""
        texts = self.texts(row)
        names = list(value_at(row, self.names) or ()) if isinstance(self.names, str) else self.names
        if names is not None:
            place = list(names).index(label) if label in names else None
        elif isinstance(label, int) and not isinstance(label, bool):
            place = label
        elif label in texts:
            place = texts.index(label)
        else:
            place = LETTERS.index(label) if label in LETTERS else None
        return place if place is not None and 0 <= place < len(texts) else None

    def problem(self, row: Mapping[str, Any], label_column: str) -> str:
        """What is wrong with the choices of a row and its label, in a few words; empty where nothing is."""
        texts, label = self.texts(row), row[label_column]
        where = self.columns[0] if len(self.columns) == 1 else ", ".join(self.columns)
        if len(texts) > len(LETTERS):
            return f"{where} holds {len(texts)} choices: there are letters for {len(LETTERS)}"
        if problem := label_problem(texts):
            return f"{where} is {texts!r}: {problem}"
        if self.place(row, label) is None:
            names = ", ".join(map(str, texts))
            digits = isinstance(label, str) and label.isdecimal() and self.names is None
            remedy = ": declare choice_names, what that column calls the choices in order" if digits else ""
            return f"{label_column} is {label!r}, not one of {names}{remedy}"
        if self.names is None and label in LETTERS[: len(texts)] and label in texts:
            letter = LETTERS[texts.index(label)]
            if letter != label:
                return (
                    f"{label_column} is {label!r}, the text of {letter} and the letter of another choice: declare "
                    "choice_names, what that column calls the choices in order"
                )
        return ""


def value_at(row: Mapping[str, Any], path: str) -> Any:
    """The value of a column, or of a part of it: ``choices.text``; None where there is none."""
    value: Any = row
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def names_of_choices(texts: Sequence[str], letters: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """How answers may name choices besides by their letters: by letter and text, and by a text of one choice alone.

    >>> names_of_choices(["a kitchen.", "B", "joy", "Joy"], ["A", "B", "C", "D"])
    (('A) a kitchen', 'a kitchen'), ('B) B',), ('C) joy',), ('D) Joy',))
    """
    names = [text.strip().rstrip(".").strip() for text in texts]
    keys = [key_of(name) for name in names]
    own_letters = {key_of(letter) for letter in letters}
    return tuple(
        (f"{letter}) {name}", *([name] if key and keys.count(key) == 1 and key not in own_letters else []))
        for letter, name, key in zip(letters, names, keys, strict=True)
    )


def without_letter(name: str) -> str:
    """A name of a choice without its letter: "A) a kitchen" is "a kitchen"."""
    return re.sub(r"^[A-Z]\) ", "", name)


def adds_word_letter(original: Fields, edited: Fields, letters: Sequence[str]) -> bool:
    """Whether an edit writes ``A`` or ``I`` as an answer, which as words are no letters of choices.

    >>> adds_word_letter({"q": "Where?"}, {"q": "A Where?"}, ["A", "B"])
    True
    >>> adds_word_letter({"q": "Where is the man?"}, {"q": "Where is A man?"}, ["A", "B"])
    False
    """
    before, after = (
        sum(letter in letters for text in fields.values() for letter in _ANSWERED_LETTER.findall(text))
        for fields in (original, edited)
    )
    return after > before
