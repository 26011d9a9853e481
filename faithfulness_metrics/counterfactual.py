"""How much a counterfactual changes, and whether it pastes the answer into the text.

docs/metrics.md, "6. Counterfactual panel". Documents are the keys of their words field by field
(`words.keys_by_field`). Edits do not cross fields: a word deleted from the premise and one added to the hypothesis are
two edits.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from rapidfuzz.distance import Levenshtein

from faithfulness_metrics.words import key_of

# Endings of label words -> what their inflected and derived forms have instead. Chosen to exclude words that only look
# related: "-ive" keeps its "iv" (positive: positivity, not position), "-y" becomes "-i" (entity: entities, not
# entitled), and "-al" is kept (neutral: neutrality, not neutron).
_ENDINGS = {
    "ive": "iv",  # negative: negatively, negativity
    "ment": "",  # entailment: entail, entails, entailed
    "ion": "",  # contradiction: contradicts, contradictory
    "ness": "",
    "ing": "",
    "ed": "",
    "ly": "",
    "sm": "s",  # sarcasm: sarcastic; optimism: optimistic
    "ic": "y",  # ironic: irony
    "y": "i",  # technology: technological, technologies
    "s": "",  # sports: sport, sporty
}

# Least letters of a label whose relatives begin with it (world: worldwide, neutral: neutrality).
_LABEL = 4
# Least letters of a label without its ending whose relatives begin with it: "busi" must not find busy in business.
_STEM = 5

# Parts of verbalizers without a meaning of their own: "not entailment", "cause and effect".
_FUNCTION_WORDS = frozenset({"a", "an", "and", "no", "non", "not", "of", "or", "the", "to"})

Keys = Mapping[str, Sequence[str]]

_PARTS = re.compile(r"[^\W_]+")


def edit_distance(original: Keys, edited: Keys) -> int:
    """Levenshtein distance between two documents in words, summed over the fields. 0 is an unchanged copy.

    Insertions, deletions and substitutions cost one each.

    Raises:
        ValueError: the documents have different fields.
        TypeError: a field is a plain string, which would be compared letter by letter.
    """
    if set(original) != set(edited):
        raise ValueError(f"documents of different fields: {', '.join(original)} and {', '.join(edited)}")
    if any(isinstance(keys, str) for keys in (*original.values(), *edited.values())):
        raise TypeError("edit_distance takes lists of words, not a text; use words.keys_by_field")
    return sum(Levenshtein.distance(original[name], edited[name]) for name in original)


def edit_fraction(original: Keys, edited: Keys) -> float:
    """Share of the words that changed, in [0, 1]; nan when neither document has a word.

    d / Σ max(n, m): the distance over the most that can change, both summed over the fields.
    """
    most = sum(max(len(original[name]), len(edited[name])) for name in original)
    return edit_distance(original, edited) / most if most else math.nan


def one_edit(original: Keys, edited: Keys) -> float:
    """Whether exactly one word was inserted, deleted or replaced: 1 or 0."""
    return float(edit_distance(original, edited) == 1)


def valid_within(faithful: float, distance: int, budget: int) -> float:
    """v@k: whether the target was reached with at most k edits. 1 or 0; nan when `faithful` is nan.

    An unchanged copy (distance 0) reaches nothing, whatever the model answers on it: 0. `faithful` is the headline
    rule, `distance` comes from `edit_distance`, and `budget` is k.
    """
    return math.nan if math.isnan(faithful) else float(faithful == 1 and 1 <= distance <= budget)


def label_leak(original: Sequence[str], edited: Sequence[str], labels: Sequence[str]) -> float:
    """Whether an added word is a label verbalizer or a relative of one: 1 or 0. A leaked counterfactual is invalid.

    Added words are those that `edited` holds more often than `original`, so moving a word adds nothing. Words and
    labels are compared in parts: "positive-minded" holds "positive", "Sci/Tech" is "sci" and "tech". Of "not
    entailment" only "entailment" counts. An added part leaks when
        - it is a part of a label, or
        - it begins with a part of a label of at least 4 letters ("worlds", "neutrality"), or
        - it begins with such a part without its ending (`_ENDINGS`), where at least 5 letters are left ("entails").
    The rule misses relatives that change inside (angry for anger), shorter forms (tech for technology) and synonyms.
    It also finds some words that only look related (humane for human).

    `original` and `edited` are word keys of all fields, `labels` the verbalizers, with "unknown" where it is offered.
    """
    added = Counter(map(key_of, edited)) - Counter(map(key_of, original))
    parts = [part for word in added for part in _PARTS.findall(word)]
    exact, beginnings = set[str](), set[str]()
    for label in labels:
        names = _PARTS.findall(key_of(label))
        names = [name for name in names if name not in _FUNCTION_WORDS] or names
        exact.update(names)
        beginnings.update(*map(_beginnings, names))
    return float(any(part in exact or part.startswith(tuple(beginnings)) for part in parts))


def _beginnings(name: str) -> set[str]:
    """The beginnings of words that are related to a label word.

    >>> sorted(_beginnings("technology")), sorted(_beginnings("business")), sorted(_beginnings("joy"))
    (['technologi', 'technology'], ['business'], [])
    """
    stems = {
        name.removesuffix(ending) + replacement
        for ending, replacement in _ENDINGS.items()
        if name.endswith(ending) and not (ending == "s" and name.endswith("ss"))
    }
    return {stem for stem in stems if len(stem) >= _STEM} | ({name} if len(name) >= _LABEL else set())
