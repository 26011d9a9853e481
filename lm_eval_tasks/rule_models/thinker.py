"""A rule-based model that thinks before it answers, as reasoning models do.

The thought names other labels and other words than the answer, in the shapes in which answers stand. So whoever reads a
thought as an answer reads a wrong one.
"""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

from faithfulness_metrics.words import document_hash, seed_of
from lm_eval_tasks.rule_models.prompt_parser import Conversation
from lm_eval_tasks.rule_models.rules import label_of, ranked_words

if TYPE_CHECKING:
    from lm_eval_tasks.rule_models.rule_lm import RuleLM

OPENED = "opened"

# How a thought is opened and ended. With `opened` the opening stands in the prompt.
FORMS: dict[str, tuple[str, str]] = {
    "think": ("<think>\n", "\n</think>\n\n"),
    OPENED: ("<think>\n", "\n</think>\n\n"),
    "brackets": ("[THINK]", "[/THINK]"),
    "harmony": (
        "<|channel|>analysis<|message|>",
        "<|end|><|start|>assistant<|channel|>final<|message|>",
    ),
    "bare_harmony": ("analysis", "assistantfinal"),  # without its special tokens
    "process": ("Here is my thought process:\n", "\n\nHere is my response:\n"),
}

THOUGHT = """{other}

Okay, let me see. The first idea is "{other}". Answer: {other}
The word "{word}" could matter. Most important word: {word}
Or is it {label}? **{other}**"""


def think(lm: RuleLM, conversation: Conversation, answer: str, tokens: int) -> str:
    """An answer with a thought before it, cut to a number of tokens, which are words here."""
    labels, words = conversation.question.labels, ranked_words(conversation)
    label = label_of(conversation)
    other = labels[(labels.index(label) + 1) % len(labels)]
    thought = THOUGHT.format(other=other, label=label, word=words[-1] if words else "")
    opening, ending = FORMS[lm.thinks]
    if lm.thinks == OPENED:
        opening = ""
    if never_ends(lm, conversation):
        ending, answer = " Wait,", ""
    parts = re.findall(r"\s*\S+", f"{opening}{thought}{ending}{answer}")
    return "".join(parts[:tokens])


def never_ends(lm: RuleLM, conversation: Conversation) -> bool:
    """Whether a thought has no end: drawn per document and request."""
    request = repr(conversation.request) if conversation.request else ""
    return random.Random(seed_of(document_hash(conversation.fields), request, str(lm.seed), "cut")).random() < lm.cut
