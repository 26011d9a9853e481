"""Which request for an explanation a text is, or which question whether an answer would change."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from faithfulness_metrics.units import UNITS
from lm_eval_tasks.classification import Question
from lm_eval_tasks.elicitation import reasoning_request
from lm_eval_tasks.languages import (
    option_problem,
    prompts_of,
    simulation_problem,
    unit_problem,
    wording_problem,
)
from lm_eval_tasks.operators import OPERATORS, SEVERAL, prompt_problem
from lm_eval_tasks.options import TEMPLATES
from lm_eval_tasks.styles import BUDGETS, STYLES
from lm_eval_tasks.styles.explanation import Request
from lm_eval_tasks.styles.simulation import ask_whether

DEFAULT_MASK = "[REDACTED]"
# The mask of a request whose mask is not known yet, and a word that is not known yet; no prompt holds them.
ANY_MASK, ANY_WORD = "\x00", "\x01"


class Asked(NamedTuple):
    """What is asked about an answer."""

    style: str
    request: Request
    word: str = ""  # of which is asked whether the answer would change without it; "" where an explanation is asked for
    reasons: bool = False  # whether a sentence of reasoning is asked for, before an explanation


def asked_of(question: Question, text: str) -> Asked | None:
    """What a text asks about an answer; None where it is no such request."""
    if known := requests_by_text(question, DEFAULT_MASK).get(text):
        return Asked(*known)
    if text == _reasoning_request(question):
        return Asked("", Request(question, BUDGETS[0], DEFAULT_MASK), reasons=True)
    for pattern, style in _simulations(question):
        if match := pattern.fullmatch(text):
            mask = match.groupdict().get("mask", DEFAULT_MASK)
            requests = (request for name, request in requests_of(question, mask) if name == style)
            for request in requests:
                if ask_whether(request, match["word"]) == text:
                    return Asked(style, request, match["word"])
    mask = next((match[1] for pattern in _requests_with_mask(question) if (match := pattern.fullmatch(text))), "")
    style_and_request = requests_by_text(question, mask).get(text) if mask else None
    return Asked(*style_and_request) if style_and_request else None


@lru_cache(maxsize=1 << 12)
def _reasoning_request(question: Question) -> str | None:
    """The request for a sentence of reasoning; None where the language has none."""
    missing = option_problem("elicit", question.language, dict(question.prompts))
    return None if missing else reasoning_request(question)


def requests_of(question: Question, mask: str) -> Iterator[tuple[str, Request]]:
    """Every possible request for an explanation in a dataset, with its style."""
    for name, style in STYLES.items():
        targets = question.labels if style.WANTS_TARGET else ("",)
        templates = 1 if wording_problem(question.language, dict(question.prompts)) else TEMPLATES
        prompts = {**prompts_of(question.language), **dict(question.prompts)}
        for unit, budget, operator, target, template in itertools.product(
            units_of_prompts(question), BUDGETS, (*OPERATORS, SEVERAL), targets, range(1, templates + 1)
        ):
            if budget in style.MAX_TOKENS and not prompt_problem(operator, unit, prompts):
                yield name, Request(question, budget, mask, operator, target, unit, template)


@lru_cache(maxsize=1 << 12)
def requests_by_text(question: Question, mask: str) -> dict[str, tuple[str, Request]]:
    """Every possible request for an explanation in a dataset: its text -> style and request."""
    table: dict[str, tuple[str, Request]] = {}
    for name, request in requests_of(question, mask):
        table.setdefault(STYLES[name].ask(request), (name, request))
    return table


def units_of_prompts(question: Question) -> list[str]:
    """The units that a dataset has prompts about."""
    return [unit for unit in UNITS if not unit_problem(unit, question.language, dict(question.prompts))]


@lru_cache(maxsize=1 << 12)
def _requests_with_mask(question: Question) -> tuple[re.Pattern[str], ...]:
    """The requests that show the mask."""
    requests = [text for text in requests_by_text(question, ANY_MASK) if ANY_MASK in text]
    return tuple(re.compile(_with_part(re.escape(text), ANY_MASK, "(.+?)")) for text in requests)


@lru_cache(maxsize=1 << 12)
def _simulations(question: Question) -> tuple[tuple[re.Pattern[str], str], ...]:
    """The questions whether an answer would change, each with its style."""
    if simulation_problem(question.language, dict(question.prompts)):
        return ()
    table: dict[str, str] = {}
    for name, request in requests_of(question, ANY_MASK):
        if STYLES[name].SIMULATES:
            pattern = _with_part(re.escape(ask_whether(request, ANY_WORD)), ANY_WORD, r"(?P<word>[\s\S]+?)")
            table.setdefault(_with_part(pattern, ANY_MASK, "(?P<mask>.+?)"), name)
    return tuple((re.compile(pattern), name) for pattern, name in table.items())


def _with_part(pattern: str, part: str, group: str) -> str:
    return pattern.replace(re.escape(part), group, 1)
