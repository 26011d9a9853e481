"""How much a counterfactual changed, and whether it pasted the answer in. Section 6 of metrics.md.

Documents are the keys of their words field by field (`words.keys_by_field`): a word that leaves the premise and another
one that comes into the hypothesis are two edits, however near they stand to each other.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from rapidfuzz.distance import Levenshtein

from faithfulness_metrics.words import key_of

# What inflection and derivation do to the end of the labels in use: ending -> what every relative keeps in its place.
# Chosen against false relatives: "-ive" keeps its "iv" (positive: positivity, but not position), "-y" becomes "-i"
# (entity: entities, but not entitled), and "-al" stays whole (neutral: neutrality, but not neutron).
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

# A label is itself the beginning of its relatives (world: worldwide, neutral: neutrality) from this length on, ...
_LABEL = 4
# ... and what is left of it after an ending was taken off from this one on: "busi" must not find busy in business.
_STEM = 5

# Parts of verbalizers that say nothing about the label: "not entailment", "cause and effect".
_FUNCTION_WORDS = frozenset({"a", "an", "and", "no", "non", "not", "of", "or", "the", "to"})

Keys = Mapping[str, Sequence[str]]

_PARTS = re.compile(r"[^\W_]+")


def edit_distance(before: Keys, after: Keys) -> int:
    """Levenshtein distance between two documents in words: insertions, deletions and substitutions cost one.

    Summed over the fields; 0 is an unchanged copy.

    Raises:
        ValueError: documents of different fields.
        TypeError: a field that is a plain string, which would be compared letter by letter.
    """
    if set(before) != set(after):
        raise ValueError(f"documents of different fields: {', '.join(before)} and {', '.join(after)}")
    if any(isinstance(field, str) for field in (*before.values(), *after.values())):
        raise TypeError("edit_distance takes lists of words, not a text; use words.keys_by_field")
    return sum(Levenshtein.distance(before[name], after[name]) for name in before)


def edit_fraction(before: Keys, after: Keys) -> float:
    """Share of the words that changed, in [0, 1]; nan when neither document has a word.

    d / max(n, m) with one field; with several, the most that can change is summed as the distance is: d / Σ max(n, m).
    """
    most = sum(max(len(before[name]), len(after[name])) for name in before)
    return edit_distance(before, after) / most if most else math.nan


def one_edit(before: Keys, after: Keys) -> float:
    """Whether exactly one word was inserted, deleted or replaced: 1 or 0."""
    return float(edit_distance(before, after) == 1)


def valid_within(faithful: float, distance: int, budget: int) -> float:
    """v@k: whether the target was reached with at most k edits. 1 or 0; nan when `faithful` is nan.

    An unchanged copy (distance 0) reaches nothing, whatever the model answers on it: 0.

    Args:
        faithful: the headline rule, 1 when the answer on the edited document is the target.
        distance: from `edit_distance`.
        budget: k, the number of edits allowed.
    """
    if math.isnan(faithful):
        return math.nan
    return float(faithful == 1 and 1 <= distance <= budget)


def label_leak(before: Sequence[str], after: Sequence[str], labels: Sequence[str]) -> float:
    """Whether an added word is a label verbalizer or a relative of one: 1 or 0. A leaked counterfactual is invalid.

    Added words are those of `after` that `before` does not have as often, so that moving a word adds nothing. Both
    sides are compared as word keys and in their parts: "positive-minded" holds "positive", "Sci/Tech" is "sci" and
    "tech", of "not entailment" only "entailment" counts. An added part leaks when
        - it is a part of a label, or
        - it begins with a part of a label of at least 4 letters ("worlds", "neutrality"), or
        - it begins with such a part less its ending (`_ENDINGS`), where at least 5 letters are left ("entails").
    Not found: relatives that change inside (angry for anger), shorter forms of a label (tech for technology), synonyms.
    Some words are found that only look related (humane for human): the rule errs on the side of a leak.

    Args:
        before: word keys of the document, all fields.
        after: word keys of the edited document, all fields.
        labels: the verbalizers, with "unknown" where it is offered.
    """
    added = Counter(map(key_of, after)) - Counter(map(key_of, before))
    parts = [part for word in added for part in _PARTS.findall(word)]
    exact, beginnings = set[str](), set[str]()
    for label in labels:
        names = _PARTS.findall(key_of(label))
        names = [name for name in names if name not in _FUNCTION_WORDS] or names
        exact.update(names)
        beginnings.update(*map(_beginnings, names))
    return float(any(part in exact or part.startswith(tuple(beginnings)) for part in parts))


def _beginnings(name: str) -> set[str]:
    """What the relatives of a label word begin with.

    >>> sorted(_beginnings("technology")), sorted(_beginnings("business")), sorted(_beginnings("joy"))
    (['technologi', 'technology'], ['business'], [])
    """
    stems = {
        name.removesuffix(ending) + kept
        for ending, kept in _ENDINGS.items()
        if name.endswith(ending) and not (ending == "s" and name.endswith("ss"))
    }
    return {stem for stem in stems if len(stem) >= _STEM} | ({name} if len(name) >= _LABEL else set())
