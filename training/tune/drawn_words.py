"""Explanations of drawn words: plausible in form, and without truth.

They keep a model's ability to explain while it learns to classify. By default every content word of a text is drawn
with the same probability, so that nothing is learnt about the words that decide. A model that decodes greedily cannot
follow such draws when it copies a text: at each word the copy is likelier than the change. The first words it can, and
a new word that is drawn once for each label.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from faithfulness_metrics.counterfactual import label_leak
from faithfulness_metrics.flips import UNKNOWN
from faithfulness_metrics.segmentation import is_unspaced
from faithfulness_metrics.words import key_of, parts_of, seed_of
from lm_eval_tasks.document import Document
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.styles import STYLES
from training.tune.options import FIRST, RANDOM

# A content word has at least three characters, one of them a letter, and is not one of scikit-learn's English stop
# words. In scripts without blanks most function words have one character.
SHORTEST, SHORTEST_UNSPACED = 3, 2

# With a budget of several words, as many are named. The number of first words is fixed, to be learnt.
FEWEST, MOST, FIRST_WORDS = 2, 4, 3

# The evaluation's parser refuses few of these: those whose word cannot be told from its neighbours.
TRIES = 10


class DrawnExplanation(NamedTuple):
    """An explanation, as the style writes it."""

    completion: str
    words: tuple[str, ...]  # as first written in the text
    new: str  # the replacement word; empty in styles without one
    target: str  # the label that it should reach; empty in styles without one


def content_words(document: Document) -> list[str]:
    """The content words of a text, each type once, as first written; any word with a letter where there is none."""
    first: dict[str, str] = {}
    for word in document.words:
        if any(map(str.isalpha, word.key)):
            first.setdefault(word.key, word.text)
    content = [
        text
        for key, text in first.items()
        if len(key) >= (SHORTEST_UNSPACED if is_unspaced(key) else SHORTEST)
        and ENGLISH_STOP_WORDS.isdisjoint(_parts(key))
    ]
    return content or list(first.values())


def draw_explanation(
    spec: TaskSpec, document: Document, by_label: dict[str, list[Document]], purpose: str, way: str = RANDOM
) -> DrawnExplanation | None:
    """Draw an explanation that the evaluation's parser accepts; None for a text without one.

    Args:
        spec: the task that it is an explanation for.
        document: with its gold label, which counts as the answer.
        by_label: label -> texts, from which the new word of a counterfactual is drawn.
        purpose: names the draw, its seed included.
        way: one of `training.tune.options.WAYS`.
    """
    style, words = STYLES[spec.style], content_words(document)
    target = spec.target(document, str(document.gold))
    request = spec.request(document, target)
    of_the_text = (document.hash, spec.style, spec.budget)
    draw = random.Random(seed_of(*((spec.question.dataset, target) if way == FIRST else of_the_text), purpose))
    for skipped in range(TRIES if words else 0):
        new = _new_word(document, by_label.get(target, []), spec.question.labels, draw) if style.WANTS_TARGET else ""
        several = spec.budget == "multiword" and not style.WANTS_TARGET
        if way == FIRST:
            named = tuple(words[skipped : skipped + (FIRST_WORDS if several else 1)])
            if not named:
                return None
        else:
            count = min(draw.randint(FEWEST, MOST) if several else 1, len(words))
            named = tuple(draw.sample(words, count))
        completion = style.write(document.fields, named, request, new)
        if style.parse(completion, document.fields, request).valid:
            return DrawnExplanation(completion, named, new, target)
    return None


def _new_word(document: Document, texts: Sequence[Document], labels: Sequence[str], draw: random.Random) -> str:
    """A content word of a random text of the target label, which is neither a label nor in the document."""
    own = {word.key for word in document.words}
    for text in draw.sample(texts, min(len(texts), TRIES)):
        others = [
            word
            for word in content_words(text)
            if key_of(word) not in own and not label_leak([], [key_of(word)], (*labels, UNKNOWN))
        ]
        if others:
            return draw.choice(others)
    return ""


def _parts(key: str) -> tuple[str, str]:
    """A word as stop words list it: whole without its apostrophe ("cant"), and without its clitic ("it" of "it's")."""
    return key.replace("'", ""), parts_of(key)[0]
