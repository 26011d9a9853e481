"""What is asked about a dataset, and the sentences of the classification turn.

Every sentence a model reads stands once: the classification template here, the dataset's own question in its YAML, the
request for an explanation in the style that asks for it (`lm_eval_tasks/styles/`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from faithfulness_metrics.flips import UNKNOWN
from faithfulness_metrics.words import Fields

CLASSIFY = "{question} {mask_note}Answer only with {labels}. Do not explain the answer.\n\n{text}"
MASK_NOTE = 'Words of the {noun} may be replaced by "{mask}". '

# Written around the request for an explanation that is asked in a conversation of its own (option `context=fresh`).
FRESH = '{text}\n\nThe {noun} above was classified as "{label}".\n\n{request}'

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

    def explain_fresh(self, fields: Fields, label: str, request: str) -> str:
        """The request for an explanation in a conversation of its own: text, label, then the style's sentence."""
        return FRESH.format(text=self.show(fields), noun=self.noun, label=label, request=request)

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


def after_thinking(answer: str) -> str:
    """What an answer says once the model has stopped thinking; nothing where it never stops.

    >>> after_thinking("<think>\\nSounds happy to me.\\n</think>\\n\\npositive").strip()
    'positive'
    """
    # <think> … </think> positive | … </think> positive (templates that open the thought themselves)
    _, closed, said = answer.rpartition("</think>")
    return said if closed or not answer.lstrip().startswith("<think>") else ""


def parse_label(answer: str, labels: Iterable[str]) -> str | None:
    """The label an answer gives, or None when it gives none or more than one.

    Only the first line that is not a mere opening counts, so that a model which goes on writing is read for what it
    said first. A label counts where it stands as a whole word, whatever its case; a label of one letter only where
    nothing or punctuation follows.
    """
    by_key = {label.casefold(): label for label in labels}
    pattern = _pattern(tuple(by_key))
    for line in after_thinking(answer).splitlines():
        key = _label_in(line, pattern)
        if key or pattern.search(line) or not _OPENING.search(line):
            return by_key[key] if key else None
    return None


# Sure! | Based on the text, the sentiment is: | ``` | a blank line
_OPENING = re.compile(r"^[\W_]*(?:(?:sure|certainly|of course|okay|ok)[\W_]*)?$|:[\W_]{0,20}$", re.IGNORECASE)

# Positive. | **positive** | _positive_ | "positive" | Label: positive | The answer is: positive
# (so that "positive (the tweet is not negative at all)" is read for its first word)
_LEADING = re.compile(r"[\W_]*(?:(?:the |my )?(?:answer|label|class|sentiment|topic|relation)(?: is)?[\W_]+)?", re.I)

# positive or negative | positive/negative | negative, positive | negative -> positive: an answer that does not choose
_OTHER = re.compile(r"[^\w.!?]*(?:(?:or|and|to|versus|vs)\b[^\w!?]*)?", re.IGNORECASE)

# not positive | isn't really positive | rather than positive: a label that is denied
_DENIED = re.compile(
    r"(?:\b(?:not|never|neither|nor|than|instead of)|n['’]t)"
    r"(?: (?:a|an|the|really|very|at all|entirely|strictly|about))*[^\w.!?]*$",
    re.IGNORECASE,
)


def _label_in(line: str, pattern: re.Pattern[str]) -> str | None:
    leading = _LEADING.match(line)
    first = pattern.match(line, leading.end() if leading else 0)
    if first:
        between = _OTHER.match(line, first.end())
        second = pattern.match(line, between.end()) if between else None
        key = first.group().casefold()
        return None if second and second.group().casefold() != key else key
    # The sentiment of this tweet is positive. | I would say this is a sports article, not a business one.
    matches = pattern.finditer(line)
    found = {m.group().casefold() for m in matches if not _DENIED.search(line[max(0, m.start() - 60) : m.start()])}
    return found.pop() if len(found) == 1 else None


# A | (A) | A. Sports | The answer is A: … | a, because … | A or B, but not: A sports article, I think, I'm sorry
# (a label of one letter is a word of most languages)
_CLOSED = r"(?=[\s*_`]*$|[\s*_`]*[^\w\s'’-]|['’](?!\w)|\s+(?:or|and|vs)\s+\w(?!\w))"


@lru_cache(maxsize=256)
def _pattern(keys: tuple[str, ...]) -> re.Pattern[str]:
    # Longest first: "not entailment" before "entailment". An underscore is markdown, not a letter.
    longest = sorted(keys, key=len, reverse=True)
    alternatives = "|".join(re.escape(key) + (_CLOSED if len(key) == 1 and key.isalpha() else "") for key in longest)
    return re.compile(rf"(?<![^\W_])(?<!-)(?:{alternatives})(?![^\W_]|-\w)", re.IGNORECASE)
