"""The classification of a document: its prompt, and the parser of its answer.

Every sentence that a model reads is written once. The classification template is here, the dataset's question is in
its YAML, and the request for an explanation is in the style's file (`lm_eval_tasks/styles/`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from faithfulness_metrics.flips import UNKNOWN
from faithfulness_metrics.words import Fields
from lm_eval_tasks.thoughts import after_thinking

CLASSIFY = "{question} {mask_note}Answer only with {labels}. Do not explain the answer.\n\n{text}"
MASK_NOTE = 'Words of the {noun} may be replaced by "{mask}". '

# Surrounds the request for an explanation in a conversation of its own (option `context=fresh`).
FRESH = '{text}\n\nThe {noun} above was classified as "{label}".\n\n{request}'

Message = Mapping[str, str]


@dataclass(frozen=True)
class Question:
    """One dataset as the model sees it."""

    dataset: str  # name of the dataset in task names
    noun: str  # the word for a text in the prompts ("tweet", "premise and hypothesis")
    question: str  # the classification question, without the labels
    fields: tuple[str, ...]  # text columns, in the order of the prompt
    titles: tuple[str, ...]  # the title of each field in the prompt ("Tweet", "Premise"), in the order of `fields`
    labels: tuple[str, ...]  # the verbalizers, in label order

    def show(self, fields: Fields) -> str:
        """The text block of a document: one titled line per field.

        >>> Question("snli", "premise and hypothesis", "", ("p", "h"), ("Premise", "Hypothesis"), ()).show(
        ...     {"p": "A man.", "h": "A dog."})
        'Premise: A man.\\nHypothesis: A dog.'
        """
        return "\n".join(f"{title}: {fields[name]}" for name, title in zip(self.fields, self.titles, strict=True))

    def as_answer(self, fields: Fields) -> str:
        """A document as the answer to a request for an edited one: `show`, without the title of a single field."""
        return self.show(fields) if len(self.fields) > 1 else fields[self.fields[0]]

    def format_hint(self) -> str:
        """For datasets of several fields: the sentence that says how to write a whole document as an answer."""
        if len(self.fields) == 1:
            return ""
        return " Write " + " and ".join(f'the {t.lower()} after "{t}:"' for t in self.titles) + ", one per line."

    def classify(self, fields: Fields, mask: str | None, unknown: bool) -> str:
        """The classification prompt, the user's turn. `mask` is announced; None where the run never shows one."""
        return CLASSIFY.format(
            question=self.question,
            mask_note=MASK_NOTE.format(noun=self.noun, mask=mask) if mask else "",
            labels=quoted_choices(self.choices(unknown)),
            text=self.show(fields),
        )

    def classify_nothing(self, mask: str | None, unknown: bool) -> str:
        """The classification prompt without a text: what it alone makes a model answer (`prior=domain`)."""
        prompt = self.classify(dict.fromkeys(self.fields, ""), mask, unknown)
        return prompt.removesuffix(self.show(dict.fromkeys(self.fields, ""))).rstrip()

    def explain_fresh(self, fields: Fields, label: str, request: str) -> str:
        """The prompt that asks for an explanation of the answer `label` in a conversation of its own."""
        return FRESH.format(text=self.show(fields), noun=self.noun, label=label, request=request)

    def choices(self, unknown: bool) -> tuple[str, ...]:
        """The labels a model may answer with."""
        return (*self.labels, UNKNOWN) if unknown else self.labels


def quoted_choices(labels: Sequence[str]) -> str:
    """The labels in quotes, as alternatives.

    >>> quoted_choices(["a", "b", "c"])
    '"a", "b" or "c"'
    """
    quoted = [f'"{label}"' for label in labels]
    return " or ".join([", ".join(quoted[:-1]), quoted[-1]]) if len(quoted) > 1 else quoted[0]


def parse_label(answer: str, labels: Iterable[str]) -> str | None:
    """The label in an answer; None without a label or with more than one.

    Only the first line after openings like "Sure!" counts, because some models continue to write after their answer. A
    label counts as a whole word in any case. A label of one letter counts only before punctuation or the end.
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
# The label after it counts: "positive (the tweet is not negative at all)" is "positive".
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
    keys = {m.group().casefold() for m in matches if not _DENIED.search(line[max(0, m.start() - 60) : m.start()])}
    return keys.pop() if len(keys) == 1 else None


# A | (A) | A. Sports | The answer is A: … | a, because … | A or B, but not: A sports article, I think, I'm sorry
# (a label of one letter is a word of most languages)
_CLOSED = r"(?=[\s*_`]*$|[\s*_`]*[^\w\s'’-]|['’](?!\w)|\s+(?:or|and|vs)\s+\w(?!\w))"


@lru_cache(maxsize=256)
def _pattern(keys: tuple[str, ...]) -> re.Pattern[str]:
    # Longest first: "not entailment" before "entailment". An underscore is markdown, not a letter.
    longest = sorted(keys, key=len, reverse=True)
    alternatives = "|".join(re.escape(key) + (_CLOSED if len(key) == 1 and key.isalpha() else "") for key in longest)
    return re.compile(rf"(?<![^\W_])(?<!-)(?:{alternatives})(?![^\W_]|-\w)", re.IGNORECASE)
