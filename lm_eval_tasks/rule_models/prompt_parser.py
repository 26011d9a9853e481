"""Parses the prompts of this package back, for the rule-based models.

The patterns are built from the prompt objects themselves, so that a changed prompt cannot be misread silently.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache

from faithful_se.errors import UsageError
from faithfulness_metrics.flips import UNKNOWN
from faithfulness_metrics.words import Word, words_of
from lm_eval_tasks.asked_questions import noted_questions
from lm_eval_tasks.classification import CLASSIFY, FRESH, MASK_NOTE, Message, Question
from lm_eval_tasks.data import dataset_names, dataset_spec
from lm_eval_tasks.options import CHOICES
from lm_eval_tasks.styles import BUDGETS, STYLES
from lm_eval_tasks.styles.explanation import Request


def _pattern(template: str, **parts: str) -> str:
    """A prompt template as a regular expression, with expressions for its fields."""
    pattern = re.escape(template)
    for name, part in parts.items():
        pattern = pattern.replace(re.escape("{" + name + "}"), part)
    return pattern


_TAIL = CLASSIFY.partition("{labels}")[2].replace("{text}", "")
_BLANK_LINE = _TAIL[len(_TAIL.rstrip()) :]
_ANSWER = CLASSIFY.partition("{labels}")[0].rpartition("}")[2]
_MASK = re.compile(_pattern(MASK_NOTE, noun=".+?", mask="(.+?)"))
_FRESH = re.compile(_pattern(FRESH, text=r"([\s\S]*)", noun=".+?", label="(.+?)", request=r"([\s\S]+)"))
# The mask in a request: … were replaced by "[REDACTED]" | … replace each of them by "[REDACTED]"
_QUOTED_MASK = re.compile(r'(?:replaced|them|word) by "(.+?)", ')
DEFAULT_MASK = "[REDACTED]"


@dataclass(frozen=True)
class Conversation:
    """The content of a conversation: a document, and the question about it."""

    question: Question  # the dataset's
    fields: dict[str, str]  # the document
    mask: str  # the mask that the prompt announces, or the default one
    unknown: bool  # whether "unknown" is offered
    request: Request | None = None  # the request for an explanation; None where the last turn asks for a label
    style: str = ""  # of the request; "" where the last turn asks for a label

    @property
    def target(self) -> str:
        """The label that the explanation must reach; "" where there is none."""
        return self.request.target if self.request else ""

    @property
    def words(self) -> list[Word]:
        """Words of the document without its masks."""
        return words_of(self.fields, self.mask)


def read(messages: Sequence[Message]) -> Conversation:
    """Read a conversation of this package; a `ValueError` where it is none.

    Raises:
        UsageError: the document has labels of its own, and the conversation does not show them.
    """
    turns = [message["content"] for message in messages if message["role"] == "user"]
    if fresh := _FRESH.fullmatch(turns[-1]):
        text, label, request = fresh.groups()
        for question in questions():
            # Datasets can share a title ("Tweet"), but not also a label and the request. Where "unknown" is offered, a
            # calibrated answer can be that.
            is_asked = label in (*question.labels, UNKNOWN) and text.startswith(f"{question.titles[0]}: ")
            if is_asked and _request(question, request):
                return _explain(question, _fields(question, text), request)
        if any(not question.labels and text.startswith(f"{question.titles[0]}: ") for question in questions()):
            raise UsageError("the rule-based models need the labels of each document; context=fresh does not show them")
        raise ValueError(f"no dataset shows {text[:80]!r}")
    # Examples are questions with their answers: the last question is the one that is asked.
    questions_asked = [turn for turn in turns if _TAIL.rstrip() in turn]
    if not questions_asked:
        raise ValueError(f"not a prompt of faithful-se: {turns[0][:80]!r}")
    head, _, text = questions_asked[-1].partition(_TAIL.rstrip())
    text = text.removeprefix(_BLANK_LINE)
    mask = announced[1] if (announced := _MASK.search(head)) else DEFAULT_MASK
    choices = tuple(label for label in re.findall('"(.+?)"', head.rpartition(_ANSWER)[2]) if label != UNKNOWN)
    dataset_question = next((question for question in questions() if _asks(question, head, choices, text)), None)
    if dataset_question is None:
        raise UsageError(
            f"the rule-based models know no dataset that asks {' '.join(head.split())[:80]!r} with the labels "
            f"{', '.join(choices)}: they answer tasks of `lm_eval` and texts of `faithful_se.evaluate` only"
        )
    if not dataset_question.labels:
        dataset_question = replace(dataset_question, labels=choices)
    # Without a text, the question alone is asked (`prior=domain`).
    fields = _fields(dataset_question, text) if text else dict.fromkeys(dataset_question.fields, "")
    if turns[-1] is questions_asked[-1]:
        return Conversation(dataset_question, fields, mask, f'"{UNKNOWN}"' in head)
    return _explain(dataset_question, fields, turns[-1])


def questions() -> tuple[Question, ...]:
    """The questions of the tasks of this process, and those of all datasets of the package."""
    return (*noted_questions(), *_questions_of_the_package())


@cache
def _questions_of_the_package() -> tuple[Question, ...]:
    return tuple(dataset_spec(name).question for name in dataset_names())


def _asks(question: Question, head: str, choices: Sequence[str], text: str) -> bool:
    """Whether a classification prompt is of this dataset: two can ask alike and offer other labels, in any order."""
    same_labels = not question.labels or sorted(question.labels) == sorted(choices)
    same_titles = not text or text.startswith(f"{question.titles[0]}: ")
    return head.startswith(question.question) and same_labels and same_titles


@lru_cache(maxsize=1 << 12)
def requests_by_text(question: Question, mask: str) -> dict[str, tuple[str, Request]]:
    """Every possible request for an explanation in a dataset: its text -> style and request."""
    table: dict[str, tuple[str, Request]] = {}
    for name, style in STYLES.items():
        targets = question.labels if style.WANTS_TARGET else ("",)
        for budget, operator, target in itertools.product(BUDGETS, CHOICES["operator"], targets):
            request = Request(question, budget, mask, operator, target)
            table.setdefault(style.ask(request), (name, request))
    return table


def _request(question: Question, text: str) -> tuple[str, Request] | None:
    quoted = _QUOTED_MASK.search(text)
    return requests_by_text(question, quoted.group(1) if quoted else DEFAULT_MASK).get(text)


def _explain(question: Question, fields: dict[str, str], text: str) -> Conversation:
    if not (style_and_request := _request(question, text)):
        raise ValueError(f"not a request of faithful-se: {text[:80]!r}")
    style, request = style_and_request
    return Conversation(question, fields, request.mask, False, request, style)


def _fields(question: Question, text: str) -> dict[str, str]:
    pattern = "\n".join(rf"{title}: ([\s\S]*)" for title in question.titles)
    match = re.fullmatch(pattern, text)
    if not match:
        raise ValueError(f"not a document of {question.dataset}: {text[:80]!r}")
    return dict(zip(question.fields, match.groups(), strict=True))
