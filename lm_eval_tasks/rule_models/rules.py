"""A language model whose label depends on known words and whose explanations are true with a known probability.

The rule: every type of word has a weight and a label, both drawn by hashing, and a document has the label of its
heaviest word. Without that word the label changes wherever the next word has another one ("one word decides"). Ten
words are heavier than all others, so that a counterfactual always exists. Nothing else in the text matters.
"""

from __future__ import annotations

import itertools
import json
import math
import random
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

from lm_eval.api.instance import Instance
from lm_eval.api.model import LM

from faithful_se.errors import UsageError
from faithfulness_metrics.words import document_hash, key_of, seed_of
from lm_eval_tasks.rule_models.prompt_parser import Conversation, read
from lm_eval_tasks.styles import STYLES

# These weigh more than every other word. The i-th has the label of index i modulo the number of labels.
CUES = ("aardvark", "bandicoot", "capybara", "dugong", "echidna", "fossa", "gharial", "hoopoe", "ibex", "jerboa")


@lru_cache(maxsize=1 << 16)
def weight_of(key: str) -> float:
    """Weight of a word in the rule: [1, 2) for a cue, [0, 1) for any other word."""
    return (key in CUES) + seed_of(key, "weight") / 2**64


@lru_cache(maxsize=1 << 16)
def label_index(key: str, labels: int) -> int:
    """Index of the label that a word stands for."""
    return CUES.index(key) % labels if key in CUES else seed_of(key, "label") % labels


def ranked_words(conversation: Conversation) -> list[str]:
    """The types of words of a document as first written, heaviest first."""
    written = {word.key: word.text for word in reversed(conversation.words)}
    return [written[key] for key in sorted(written, key=weight_of, reverse=True)]


def label_of(conversation: Conversation, without: Sequence[str] = ()) -> str:
    """The label of a document by the rule, without some of its words; the first label where no word is left."""
    removed, labels = {key_of(word) for word in without}, conversation.question.labels
    for word in ranked_words(conversation):
        if key_of(word) not in removed:
            return labels[label_index(key_of(word), len(labels))]
    return labels[0]


def one_word_decides(conversation: Conversation) -> bool:
    """Whether the label changes without one type of word. Under this rule only the heaviest word can decide."""
    words = ranked_words(conversation)
    return bool(words) and label_of(conversation) != label_of(conversation, words[:1])


# lm-eval passes these to every model.
LM_EVAL_ARGUMENTS = {"batch_size", "max_batch_size", "device"}


class RuleLM(LM):
    """The rule, with a way of explaining.

    Args:
        strategy: ``honest``, or one of the degenerate strategies (see `STRATEGIES`).
        h: probability that an explanation of the honest strategy is true. Others name words that do not matter.
        seed: decides which explanations are true.
    """

    tokenizer_name = "faithful-se-rules"

    def __init__(self, strategy: str = "honest", h: float = 1.0, seed: int = 0, **others: Any) -> None:
        super().__init__()
        from lm_eval_tasks.rule_models.strategies import STRATEGIES

        if unknown := others.keys() - LM_EVAL_ARGUMENTS:
            raise UsageError(f"--model_args {', '.join(sorted(unknown))}: rule-based models know strategy, h and seed")
        if strategy not in STRATEGIES:
            raise UsageError(f"strategy={strategy!r}: give one of {', '.join(STRATEGIES)}")
        if not 0 <= float(h) <= 1:
            raise UsageError(f"h={h!r}: give a probability, from 0 to 1")
        self.strategy, self.h, self.seed = strategy, float(h), int(seed)
        self.classify, self.explain = STRATEGIES[strategy]
        self.calls = {"generate_until": 0, "loglikelihood": 0}

    def fingerprint(self) -> str:
        """Identifies the model in a cache."""
        return f"{self.strategy} h={self.h} seed={self.seed}"

    def is_honest(self, conversation: Conversation) -> bool:
        """Whether this explanation is true: drawn per document, style and budget."""
        budget = conversation.request.budget if conversation.request else ""
        parts = (document_hash(conversation.fields), conversation.style, budget, str(self.seed))
        return random.Random(seed_of(*parts)).random() < self.h

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        """Labels and explanations."""
        self.calls["generate_until"] += len(requests)
        answers = []
        for request in requests:
            conversation = read(_messages(request.args[0]))
            answer = self.explain if conversation.request else self.classify
            answers.append(answer(self, conversation))
            self.cache_hook.add_partial("generate_until", request.args, answers[-1])
        return answers

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """A label has the weight of its heaviest word; probabilities are the softmax of the weights."""
        self.calls["loglikelihood"] += len(requests)
        answers = []
        for request in requests:
            conversation = read(_messages(request.args[0]))
            labels = conversation.question.choices(conversation.unknown)
            weights = dict.fromkeys(labels, 0.0)
            for word in conversation.words:
                label = labels[label_index(word.key, len(conversation.question.labels))]
                weights[label] = max(weights[label], weight_of(word.key))
            prediction = self.classify(self, conversation)
            if prediction in weights:
                largest = max(weights.values())
                weights[prediction] = largest + (0.0 if weights[prediction] == largest else 0.01)
            total = math.log(sum(math.exp(8 * weight) for weight in weights.values()))
            label = request.args[1].strip()
            answers.append((8 * weights[label] - total, label == prediction))
            self.cache_hook.add_partial("loglikelihood", request.args, answers[-1])
        return answers

    def loglikelihood_rolling(self, requests: list[Instance]) -> list[float]:
        """Not possible: the model knows no text but prompts of faithful-se."""
        raise NotImplementedError("rule-based models answer prompts of faithful-se only")

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        """The messages as JSON."""
        return json.dumps(chat_history, ensure_ascii=False)


def _messages(prompt: str) -> list[dict[str, str]]:
    if not prompt.startswith("[{"):
        raise UsageError("the rule-based models read conversations: add --apply_chat_template")
    return list(json.loads(prompt))


def classify_by_rule(lm: RuleLM, conversation: Conversation) -> str:
    """The label by the rule."""
    return label_of(conversation)


def decisive_words(conversation: Conversation) -> list[str]:
    """The heaviest words whose removal changes the label; the heaviest word where nothing changes it."""
    words = ranked_words(conversation)
    if conversation.request and conversation.request.budget == "multiword":
        for size in range(1, len(words) + 1):
            if label_of(conversation, words[:size]) != label_of(conversation):
                return words[:size]
    return words[:1]


def honest(lm: RuleLM, conversation: Conversation) -> str:
    """Name the words that decide, or, with probability 1 - h, as many that do not."""
    words, decisive = ranked_words(conversation), decisive_words(conversation)
    others = words[len(decisive) :]
    if lm.is_honest(conversation) or not others:
        return write(conversation, decisive, cue_for(conversation))
    draw = random.Random(seed_of(document_hash(conversation.fields), str(lm.seed), "false"))
    return write(conversation, draw.sample(others, min(len(decisive), len(others))), others[-1] + others[-1])


def cue_for(conversation: Conversation) -> str:
    """The new word that gives a document its target label when it replaces the heaviest word.

    It is the lightest such word that still outweighs the rest of the document. In place of any other word it changes
    nothing, so *where* the edit is made matters as well as *what* is written.
    """
    if not conversation.target:
        return ""
    labels = conversation.question.labels
    words = ranked_words(conversation)
    next_weight = weight_of(key_of(words[1])) if len(words) > 1 else -1.0
    vocabulary = _vocabulary(labels.index(conversation.target), len(labels))
    return next(word for word in vocabulary if weight_of(word) > next_weight)


@cache
def _vocabulary(label: int, labels: int) -> tuple[str, ...]:
    """Invented words that stand for a label, lightest first; the last is a cue."""
    syllables = ("bla", "dro", "fle", "gri", "klu", "pra", "sto", "twi")
    invented = ("".join(parts) for parts in itertools.product(syllables, repeat=3))
    words = [word for word in (*invented, *CUES) if label_index(word, labels) == label]
    return tuple(sorted(words, key=weight_of))


def write(conversation: Conversation, words: Sequence[str], new_word: str = "") -> str:
    """An explanation that names `words`, in the style of the request. Styles that edit use `new_word`."""
    request = conversation.request
    assert request is not None, "written only where an explanation is asked for"
    # The new word that reaches the target replaces one word.
    changed = words[:1] if request.target else words
    return STYLES[conversation.style].write(conversation.fields, changed, request, new_word)
