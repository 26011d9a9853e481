"""How a rule-based model answers whether its answer would change without a word: what it knows of itself.

This is apart from how it explains. A model that names random words and knows its rule does not say what it knows.
"""

from __future__ import annotations

import math
import random
from dataclasses import replace
from typing import TYPE_CHECKING

from faithful_se.errors import UsageError
from faithfulness_metrics.units import unit_key
from faithfulness_metrics.words import document_hash, remove, seed_of
from lm_eval_tasks.operators import SEVERAL
from lm_eval_tasks.rule_models.prompt_parser import Conversation
from lm_eval_tasks.styles.simulation import yes_and_no

if TYPE_CHECKING:
    from lm_eval_tasks.rule_models.rule_lm import RuleLM

# The two models that always give one answer.
CONSTANT = ("yes", "no")

# Probability of the answer, where answers are ranked.
SURE = 0.9


def read_knows(knows: float | str) -> float | str:
    """The argument `knows`: a probability, or a constant answer.

    Raises:
        UsageError: it is neither.
    """
    if knows in CONSTANT:
        return knows
    try:
        probability = float(knows)
    except ValueError:
        probability = math.nan
    if not 0 <= probability <= 1:
        raise UsageError(f"knows={knows!r}: give a probability, from 0 to 1, or {' or '.join(CONSTANT)}")
    return probability


def changes_without(lm: RuleLM, conversation: Conversation) -> bool:
    """Whether the model's answer changes without the word that is asked about."""
    request = conversation.request
    assert request is not None, "asked about a word of a request"
    units, key = request.units(conversation.fields), unit_key(conversation.word, request.unit)
    positions = [position for position, unit in enumerate(units) if unit.key == key]
    # The question does not say which word comes in its place (`infill`), nor which of several operators is the first.
    operator = "mask" if request.operator in (SEVERAL, "infill") else request.operator
    fields = remove(conversation.fields, units, positions, operator, request.mask)
    original = replace(conversation, request=None, style="", word="")
    return lm.label(lm.in_context(replace(original, fields=fields))) != lm.label(original)


def says_it_changes(lm: RuleLM, conversation: Conversation) -> bool:
    """What the model says: the truth with probability `knows`, drawn per document and word; else the contrary."""
    if isinstance(lm.knows, str):
        return lm.knows == CONSTANT[0]
    parts = (document_hash(conversation.fields), conversation.word, str(lm.seed), "knows")
    is_right = random.Random(seed_of(*parts)).random() < lm.knows
    return changes_without(lm, conversation) is is_right


def answer(lm: RuleLM, conversation: Conversation) -> str:
    """The answer in words."""
    yes, no = yes_and_no(conversation.question)
    return yes if says_it_changes(lm, conversation) else no


def logprobs(lm: RuleLM, conversation: Conversation) -> dict[str, float]:
    """Log-likelihood of both answers, nats."""
    likelier = answer(lm, conversation)
    return {word: math.log(SURE if word == likelier else 1 - SURE) for word in yes_and_no(conversation.question)}
