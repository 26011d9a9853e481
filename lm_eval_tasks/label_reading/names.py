"""The names of labels: how they are found in a text, and which label denies which."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from faithful_se.errors import UsageError
from faithfulness_metrics.flips import UNKNOWN
from faithfulness_metrics.segmentation import is_unspaced
from lm_eval_tasks.label_reading.plain_text import key_of
from lm_eval_tasks.languages import any_phrase

# not entailment | no spam | without entailment; non-toxic is "non toxic" here
_DENYING_WORDS = ("not", "no", "non", "without", "not a", "not an")
# nontoxic | unrelated | irrelevant | inappropriate
_DENYING_PREFIXES = ("non", "un", "in", "im", "ir", "il", "dis")

# A | (A) | A. Sports | The answer is A: … | a, because … | A or B, but not: A sports article, I think, I'm sorry
# (a label of one letter is a word of most languages)
_CLOSED = r"""(?=["\s]*$|["\s]*[^\w\s'"-]|'(?!\w)|\s+(?:or|and|vs)\s+\w(?!\w))"""

# a sports-related article, but not: positive-ish
_SUFFIX = r"(?:-(?:related|themed|focused|oriented)\b|(?!-\w))"


# A letter of a script without blanks.
_UNSPACED = r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"


@dataclass(frozen=True)
class LabelNames:
    """Labels and their synonyms, ready to be looked for in plain text.

    Attributes:
        pattern: matches a name. Its group `non` is set where a prefix denies it ("non-spam", "not_spam").
        broken: matches a name of several words over the end of a line.
        labels: key of a name -> label.
        opposite: label -> the label that denies it ("entailment" -> "not entailment").
        denials: matches what stands before a name that the language of the answer denies: "nicht sehr ", "不是".
        everywhere: whether a name counts wherever it stands. The rules of `places` are those of English.
    """

    pattern: re.Pattern[str]
    broken: re.Pattern[str] | None
    labels: Mapping[str, str]
    opposite: Mapping[str, str]
    denials: re.Pattern[str]
    everywhere: bool


@lru_cache(maxsize=256)
def label_names(
    labels: tuple[str, ...], synonyms: tuple[tuple[str, ...], ...], denials: tuple[str, ...] | None = None
) -> LabelNames:
    """The names of labels. `synonyms` holds those of each label, in label order, or nothing."""
    by_key = {key_of(label): label for label in labels}
    for label, phrases in zip(labels, synonyms, strict=False):  # "unknown" is offered without synonyms
        for phrase in phrases:
            by_key.setdefault(key_of(phrase), label)
    by_key.pop("", None)
    # Longest first: "not entailment" before "entailment".
    keys = sorted(by_key, key=len, reverse=True)
    alternatives = "|".join(map(_pattern_of, keys)) or r"(?!)"
    before, after = r"(?<!\w)(?<!\w-)", rf"(?!\w){_SUFFIX}"
    if any(map(is_unspaced, keys)):
        # 这是正面的: without blanks, a name stands between other words
        before, after = rf"(?:{before}|(?={_UNSPACED}))", rf"(?:{after}|(?<={_UNSPACED}))"
    pattern = re.compile(rf"{before}(?P<non>(?:non|not?)[-_]|non)?(?P<name>{alternatives}){after}")
    several = [re.escape(key).replace("\\ ", r"\s+") for key in keys if " " in key]
    broken = re.compile(rf"(?<!\w)(?:{'|'.join(several)})(?!\w)") if several else None
    denied = re.compile(rf"(?:{any_phrase(denials or ()).pattern})(?:\s(?:[\w]+\s){{0,2}}|[^\W\d]{{0,4}})[\"']?$")
    return LabelNames(pattern, broken, by_key, _opposites(labels), denied, denials is not None)


def _pattern_of(key: str) -> str:
    pattern = re.escape(key).replace("\\ ", r"[\s_-]+").replace("/", r"\s?/\s?")
    if len(key) == 1 and key.isalpha():
        return pattern + _CLOSED
    # 4, but not the 4 of 4.5, 4,000 or -4
    return rf"(?<!-){pattern}(?![.,]\d)" if key.isdigit() else pattern


def _opposites(labels: Sequence[str]) -> dict[str, str]:
    keys = {label: key_of(label) for label in labels}
    opposites: dict[str, str] = {}
    for label, key in keys.items():
        denials = [f"{word} {key}" for word in _DENYING_WORDS]
        denials += [f"{prefix}{key}" for prefix in _DENYING_PREFIXES if len(key) > 3]
        denying = [other for other in labels if keys[other] in denials]
        if len(denying) == 1:
            opposites[label] = denying[0]
    return opposites


def read_synonyms(declared: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    """The synonyms that a dataset's YAML declares, `{label: [phrase, …]}`, in label order; empty for none.

    Raises:
        UsageError: names of something that is no label, no list of phrases, or a phrase that fits two labels.
    """
    synonyms, labels = declared.get("synonyms") or {}, list(declared.get("labels") or ())
    where = f"{declared['dataset']}: synonyms"
    if not isinstance(synonyms, Mapping):
        raise UsageError(f"{where}: {synonyms!r:.60}: give a list of phrases for each label")
    if strangers := [label for label in synonyms if label not in labels]:
        raise UsageError(f"{where}: {strangers[0]!r} is not a label; the labels are {', '.join(labels)}")
    owners = {key_of(label): label for label in (*labels, UNKNOWN)}
    for label, phrases in synonyms.items():
        if not isinstance(phrases, list) or not all(isinstance(phrase, str) and key_of(phrase) for phrase in phrases):
            raise UsageError(f"{where}: {label}: {phrases!r:.60}: give a list of phrases")
        for phrase in phrases:
            if key_of(phrase) in owners:
                raise UsageError(f"{where}: {phrase!r} names {owners[key_of(phrase)]!r} already: leave it out")
            owners[key_of(phrase)] = label
    return tuple(tuple(synonyms.get(label, ())) for label in labels) if synonyms else ()
