"""A language model whose label depends on known words and whose explanations are true with a known probability.

The rule: every type of word has a weight and a label, both drawn by hashing, and a document has the label of its
heaviest word. Without that word the label changes wherever the next word has another one ("one word decides"). A few
words are heavier than all others, so that a counterfactual always exists. Nothing else in the text matters.

With `rule=context` the lightest word decides a text of an odd number of words. So a word that decides in one text does
not in another with one word more, and no list of words is the rule.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from faithfulness_metrics.segmentation import is_unspaced
from faithfulness_metrics.units import WORD_UNIT, unit_key
from faithfulness_metrics.words import document_hash, seed_of
from lm_eval_tasks.rule_models.prompt_parser import Conversation
from lm_eval_tasks.styles import STYLES

if TYPE_CHECKING:
    from lm_eval_tasks.rule_models.rule_lm import RuleLM

# These weigh more than every other word. The i-th has the label of index i modulo the number of labels. With a number
# behind it ("aardvark2") an animal is the cue of a label beyond them.
CUES = ("aardvark", "bandicoot", "capybara", "dugong", "echidna", "fossa", "gharial", "hoopoe", "ibex", "jerboa")
_CUE = re.compile(rf"({'|'.join(CUES)})(\d{{0,3}})")


def cue_of(label: int) -> str:
    """A word that weighs more than every other and stands for the label of that index.

    >>> cue_of(0), cue_of(12)
    ('aardvark', 'capybara1')
    """
    return f"{CUES[label % len(CUES)]}{label // len(CUES) or ''}"


def cue_index(key: str) -> int | None:
    """The index of the label that a cue stands for; None for other words."""
    cue = _CUE.fullmatch(key)
    return CUES.index(cue[1]) + len(CUES) * int(cue[2] or 0) if cue else None


@lru_cache(maxsize=1 << 16)
def weight_of(key: str) -> float:
    """Weight of a word in the rule: [1, 2) for a cue, [0, 1) for any other word."""
    return (cue_index(key) is not None) + seed_of(key, "weight") / 2**64


def weigher(conversation: Conversation) -> Callable[[str], float]:
    """Weight of a word in a document. Where the lightest word decides, light words are heavy; cues stay cues."""

    def reversed_weight(key: str) -> float:
        return weight_of(key) if cue_index(key) is not None else 1 - weight_of(key)

    return reversed_weight if conversation.lightest_decides else weight_of


@lru_cache(maxsize=1 << 16)
def label_index(key: str, labels: int) -> int:
    """Index of the label that a word stands for."""
    cue = cue_index(key)
    return (seed_of(key, "label") if cue is None else cue) % labels


def ranked_words(conversation: Conversation) -> list[str]:
    """The types of words of a document as first written, heaviest first."""
    written = {word.key: word.text for word in reversed(conversation.words)}
    return [written[key] for key in sorted(written, key=weigher(conversation), reverse=True)]


def ranked_units(conversation: Conversation) -> list[str]:
    """What an explanation can name, each type as first written: the words, or the sentences by their heaviest word."""
    if conversation.unit == WORD_UNIT:
        return ranked_words(conversation)
    written = {unit.key: unit.text for unit in reversed(conversation.units)}
    heaviest = {key: max(map(weigher(conversation), key.split(" "))) for key in written}
    return [written[key] for key in sorted(written, key=heaviest.__getitem__, reverse=True)]


def keys_without(conversation: Conversation, without: Sequence[str] = ()) -> set[str]:
    """The types of words of a document without some of its words or sentences."""
    removed = {unit_key(unit, conversation.unit) for unit in without}
    if conversation.unit == WORD_UNIT:
        return {word.key for word in conversation.words} - removed
    spans = [unit for unit in conversation.units if unit.key in removed]
    return {
        word.key
        for word in conversation.words
        if not any(word.field == span.field and span.start <= word.start < span.end for span in spans)
    }


def label_of(conversation: Conversation, without: Sequence[str] = ()) -> str:
    """The label of a document by the rule, without some of its units; the first label where no word is left."""
    labels, keys = conversation.question.labels, keys_without(conversation, without)
    return labels[label_index(max(keys, key=weigher(conversation)), len(labels))] if keys else labels[0]


def one_word_decides(conversation: Conversation) -> bool:
    """Whether the label changes without one type of word, or one sentence. Only what holds the heaviest word can."""
    words = ranked_units(conversation)
    return bool(words) and label_of(conversation) != label_of(conversation, words[:1])


def classify_by_rule(lm: RuleLM, conversation: Conversation) -> str:
    """The label by the rule."""
    return label_of(conversation)


def decisive_words(conversation: Conversation) -> list[str]:
    """The heaviest units whose removal changes the label; the heaviest where nothing changes it."""
    words = ranked_units(conversation)
    if conversation.request and conversation.request.budget == "multiword":
        for size in range(1, len(words) + 1):
            if label_of(conversation, words[:size]) != label_of(conversation):
                return words[:size]
    return words[:1]


def honest(lm: RuleLM, conversation: Conversation) -> str:
    """Name the words that decide, or, with probability 1 - h, as many that do not."""
    words, decisive = ranked_units(conversation), decisive_words(conversation)
    others = words[len(decisive) :]
    if lm.is_honest(conversation) or not others:
        return write(conversation, decisive, cue_for(conversation))
    draw = random.Random(seed_of(document_hash(conversation.fields), str(lm.seed), "false"))
    if conversation.unit != WORD_UNIT:
        new_word = f"{others[-1]} {others[-1]}"
    else:  # a doubled word of a script without blanks is two words
        new_word = _vocabulary(0, 1)[0] if is_unspaced(others[-1]) else others[-1] + others[-1]
    return write(conversation, draw.sample(others, min(len(decisive), len(others))), new_word)


def cue_for(conversation: Conversation) -> str:
    """The new word that gives a document its target label when it replaces the heaviest word, or its sentence.

    It is the lightest such word that still outweighs the rest of the document. In place of any other word it changes
    nothing, so *where* the edit is made matters as well as *what* is written.
    """
    if not conversation.target:
        return ""
    labels, weigh = conversation.question.labels, weigher(conversation)
    rest = keys_without(conversation, ranked_units(conversation)[:1])
    next_weight = max(map(weigh, rest), default=-1.0)
    vocabulary = _vocabulary(labels.index(conversation.target), len(labels))
    word = min((word for word in vocabulary if weigh(word) > next_weight), key=weigh)
    # A word alone is no text, where the document has no other sentence.
    return word if conversation.unit == WORD_UNIT else f"{word.capitalize()} {word}."


@cache
def _vocabulary(label: int, labels: int) -> tuple[str, ...]:
    """Invented words that stand for a label, lightest first; the last is a cue."""
    syllables = ("bla", "dro", "fle", "gri", "klu", "pra", "sto", "twi")
    invented = ("".join(parts) for parts in itertools.product(syllables, repeat=3))
    cues = map(cue_of, range(max(labels, len(CUES))))
    words = [word for word in (*invented, *cues) if label_index(word, labels) == label]
    return tuple(sorted(words, key=weight_of))


def weightless_word(conversation: Conversation) -> str:
    """A word that decides nothing: the lightest invented one. In its place the rest of a text says what it said."""
    labels = len(conversation.question.labels)
    return min(itertools.chain(*(_vocabulary(label, labels) for label in range(labels))), key=weigher(conversation))


def write(conversation: Conversation, words: Sequence[str], new_word: str = "") -> str:
    """An explanation that names `words` or sentences, in the style of the request; `new_word` is for edits."""
    request = conversation.request
    assert request is not None, "written only where an explanation is asked for"
    # The new word that reaches the target replaces one word.
    changed = words[:1] if request.target else words
    fields = conversation.cue.fields if conversation.cue else conversation.fields
    return STYLES[conversation.style].write(fields, changed, request, new_word)
