"""What is asked about a dataset, and the sentences of the classification turn.

Every sentence a model reads stands once: the classification template here, the dataset's own question in its YAML, the
request for an explanation in the style that asks for it (`lm_eval_tasks/styles/`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from faithfulness_metrics.words import Fields

UNKNOWN = "unknown"

CLASSIFY = "{question} {mask_note}Answer only with {labels}. Do not explain the answer.\n\n{text}"
MASK_NOTE = 'Words of the {noun} may be replaced by "{mask}". '

Message = Mapping[str, str]


@dataclass(frozen=True)
class Question:
    """One dataset as the model sees it.

    Attributes:
        dataset: name of the dataset in task names.
        noun: what a text is called in the prompts ("tweet", "premise and hypothesis").
        question: the classification question, without the labels.
        fields: text columns, in the order in which they are shown.
        titles: what is written before each field ("Tweet", "Premise"), in the order of `fields`.
        labels: the verbalizers, in label order.
    """

    dataset: str
    noun: str
    question: str
    fields: tuple[str, ...]
    titles: tuple[str, ...]
    labels: tuple[str, ...]

    def show(self, fields: Fields) -> str:
        """The text block of a document: one titled line per field.

        >>> Question("snli", "premise and hypothesis", "", ("p", "h"), ("Premise", "Hypothesis"), ()).show(
        ...     {"p": "A man.", "h": "A dog."})
        'Premise: A man.\\nHypothesis: A dog.'
        """
        return "\n".join(f"{title}: {fields[name]}" for name, title in zip(self.fields, self.titles, strict=True))

    def format_hint(self) -> str:
        """How an answer that holds a whole document is to be written, for datasets of several fields."""
        if len(self.fields) == 1:
            return ""
        return " Write " + " and ".join(f'the {t.lower()} after "{t}:"' for t in self.titles) + ", one per line."

    def classify(self, fields: Fields, mask: str | None, unknown: bool) -> str:
        """The classification prompt: the user's turn.

        Args:
            fields: the document, whole or perturbed.
            mask: the mask text to announce; None where the run never shows one.
            unknown: whether "unknown" is offered as a label.
        """
        return CLASSIFY.format(
            question=self.question,
            mask_note=MASK_NOTE.format(noun=self.noun, mask=mask) if mask else "",
            labels=any_of(self.choices(unknown)),
            text=self.show(fields),
        )

    def choices(self, unknown: bool) -> tuple[str, ...]:
        """The labels a model may answer with."""
        return (*self.labels, UNKNOWN) if unknown else self.labels


def any_of(labels: Sequence[str]) -> str:
    """A quoted list of alternatives.

    >>> any_of(["a", "b", "c"])
    '"a", "b" or "c"'
    """
    quoted = [f'"{label}"' for label in labels]
    return " or ".join([", ".join(quoted[:-1]), quoted[-1]]) if len(quoted) > 1 else quoted[0]


def parse_label(answer: str, labels: Iterable[str]) -> str | None:
    """The label an answer gives, or None when it gives none or more than one.

    Only the first non-empty line counts, so that a model which goes on writing is read for what it said first.
    A label counts where it stands as a whole word, whatever its case.
    """
    line = next((line for line in answer.splitlines() if line.strip()), "")
    by_key = {label.casefold(): label for label in labels}
    pattern = _pattern(tuple(by_key))
    # Positive. | **positive** | "positive" | Label: positive | positive (the tweet is not negative at all)
    leading = re.match(r"\W*(?:(?:the )?(?:answer|label|class|sentiment|topic|relation)(?: is)?\W+)?", line, re.I)
    first = pattern.match(line, leading.end() if leading else 0)
    if first:
        rest = line[first.end() :]
        # positive or negative | positive/negative | positive and negative: an answer that does not choose
        if re.match(r"\W*(?:or|and|/|,)\W*", rest, re.I) and (
            (second := pattern.match(re.sub(r"^\W*(?:or\b|and\b|/|,)?\W*", "", rest, flags=re.I)))
            and second.group().casefold() != first.group().casefold()
        ):
            return None
        return by_key[first.group().casefold()]
    # The sentiment of this tweet is positive. | I would say this is a sports article.
    found = {match.casefold() for match in pattern.findall(line)}
    return by_key[found.pop()] if len(found) == 1 else None


@lru_cache(maxsize=256)
def _pattern(keys: tuple[str, ...]) -> re.Pattern[str]:
    # Longest first: "not entailment" before "entailment".
    alternatives = "|".join(re.escape(key) for key in sorted(keys, key=len, reverse=True))
    return re.compile(rf"(?<![\w-])(?:{alternatives})(?![\w-])", re.IGNORECASE)
