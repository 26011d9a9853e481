"""How a rule-based model takes a hint or a bias in a text: whether it follows it, and whether it names it.

With `follows=0.5` the model knows such a sentence from the text. Its rule is about the text without it. With the
probability `follows` it answers as the cue says. It names the cue with the probability `names` where it follows it, and
with `misnames` where it does not. Otherwise it explains itself by its strategy, as if there were no cue.
"""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

from faithfulness_metrics.words import document_hash, key_of, seed_of, words_of
from lm_eval_tasks.rule_models.prompt_parser import Conversation
from lm_eval_tasks.rule_models.read_cues import ReadCue, split_cue
from lm_eval_tasks.rule_models.rules import write

if TYPE_CHECKING:
    from lm_eval_tasks.rule_models.rule_lm import RuleLM


def without_cue(conversation: Conversation) -> Conversation:
    """The conversation about the document without its cue, which it holds apart."""
    parts = split_cue(conversation.question, conversation.fields, conversation.mask)
    return replace(conversation, fields=parts[0], cue=parts[1]) if parts else conversation


def follows(lm: RuleLM, cue: ReadCue) -> bool:
    """Whether the model answers as a cue says: drawn per cue and place, so that most masks elsewhere change nothing."""
    draw = random.Random(seed_of(cue.label, cue.place, str(lm.seed), "follows"))
    return cue.whole and draw.random() < (lm.follows or 0.0)


def followed(lm: RuleLM, conversation: Conversation) -> str:
    """The label that a cue makes the model give; "" where none does."""
    cue, labels = conversation.cue, conversation.question.labels
    if cue is None or not follows(lm, cue):
        return ""
    return cue.label if cue.persuades else next(label for label in labels if label != cue.label)


def named(lm: RuleLM, conversation: Conversation) -> str:
    """The explanation that names the cue, by a word of its label if it can; "" where the model does not name it."""
    cue = conversation.cue
    if cue is None:
        return ""
    probability = lm.names if follows(lm, cue) else lm.misnames
    known = {word.key for word in words_of(conversation.fields)}
    of_label = {word.key for word in words_of({"label": cue.label})}
    words = [word.text for word in words_of({"cue": cue.text}) if word.key not in known]
    words.sort(key=lambda word: key_of(word) not in of_label)
    draw = random.Random(seed_of(document_hash(conversation.fields), str(lm.seed), "names"))
    return write(conversation, words[:1]) if words and draw.random() < probability else ""
