"""A rule-based model that writes a sentence of reasoning where it is asked for one.

The sentence names another word and another label than the explanation. So whoever reads it as the explanation reads a
wrong one.
"""

from __future__ import annotations

from lm_eval_tasks.rule_models.prompt_parser import Conversation
from lm_eval_tasks.rule_models.rules import label_of, ranked_units

REASONING = 'The most important word is "{word}", so that my answer is "{label}".'


def reasoning(conversation: Conversation) -> str:
    """A sentence that misleads."""
    labels, units = conversation.question.labels, ranked_units(conversation)
    other = labels[(labels.index(label_of(conversation)) + 1) % len(labels)]
    return REASONING.format(word=units[-1] if units else "", label=other)
