"""How a rule-based model reads a conversation: by the prompt objects themselves, so that a changed prompt cannot be
misread silently."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from faithfulness_metrics.words import Word, words_of
from lm_eval_tasks import DATASETS
from lm_eval_tasks.data import dataset_spec
from lm_eval_tasks.question import CLASSIFY, MASK_NOTE, UNKNOWN, Message, Question
from lm_eval_tasks.styles import STYLES
from lm_eval_tasks.styles.explanation import FRESH, Request

_TAIL = CLASSIFY.partition("{labels}")[2].replace("{text}", "")
_MASK = re.compile(re.escape(MASK_NOTE).replace(r"\{noun\}", ".+?").replace(r"\{mask\}", "(.+?)"))
_FRESH = re.compile(re.escape(FRESH).replace(r"\{text\}", "([\\s\\S]*)").replace(r"\{noun\}", ".+?").replace(r"\{label\}", ".+?").replace(r"\{request\}", "([\\s\\S]+)"))
DEFAULT_MASK = "[REDACTED]"


@dataclass(frozen=True)
class Conversation:
    """What a conversation asks.

    Attributes:
        question: the dataset.
        fields: the document.
        mask: the mask announced, or the default one.
        unknown: whether "unknown" is offered.
        request: the explanation asked for; None when a label is asked for.
        style: its style; empty when a label is asked for.
    """

    question: Question
    fields: dict[str, str]
    mask: str
    unknown: bool
    request: Request | None = None
    style: str = ""

    @property
    def words(self) -> list[Word]:
        """Words of the document, masks apart."""
        return words_of(self.fields, self.mask)


def read(messages: list[Message]) -> Conversation:
    """Read a conversation of this package.

    Raises:
        ValueError: a prompt that this package does not write.
    """
    turns = [message["content"] for message in messages if message["role"] == "user"]
    if fresh := _FRESH.fullmatch(turns[-1]):
        return _explain(_document(fresh.group(1)), DEFAULT_MASK, fresh.group(2))
    head, tail, text = turns[0].partition(_TAIL)
    if not tail:
        raise ValueError(f"not a prompt of faithful-se: {turns[0][:80]!r}")
    found = _MASK.search(head)
    mask = found.group(1) if found else DEFAULT_MASK
    question = next((q for q in questions() if head.startswith(q.question)), None)
    if question is None:
        raise ValueError(f"no dataset asks {head[:80]!r}")
    fields = _fields(question, text)
    if len(turns) == 1:
        return Conversation(question, fields, mask, f'"{UNKNOWN}"' in head)
    return _explain((question, fields), mask, turns[-1])


@cache
def questions() -> tuple[Question, ...]:
    """The questions of all datasets."""
    return tuple(dataset_spec(path.parent.name).question for path in sorted(DATASETS.glob("*/_dataset_yaml")))


@cache
def _requests(question: Question, mask: str) -> dict[str, tuple[str, Request]]:
    """Every request for an explanation that can be made about a dataset: its text -> style and request."""
    table = {}
    for name, style in STYLES.items():
        for budget in ("oneword", "multiword"):
            for operator in ("mask", "delete", "substitute"):
                for target in question.labels:
                    request = Request(question, budget, mask, operator, target if name == "counterfactual" else "")
                    table.setdefault(style.ask(request), (name, request))
    return table


def _explain(document: tuple[Question, dict[str, str]], mask: str, asked: str) -> Conversation:
    question, fields = document
    for text, (style, request) in _requests(question, mask).items():
        if text == asked:
            return Conversation(question, fields, mask, False, request, style)
    raise ValueError(f"not a request of faithful-se: {asked[:80]!r}")


def _document(text: str) -> tuple[Question, dict[str, str]]:
    for question in questions():
        if text.startswith(f"{question.titles[0]}: ") or text.startswith(f"{question.titles[0]}:\n"):
            return question, _fields(question, text)
    raise ValueError(f"no dataset shows {text[:80]!r}")


def _fields(question: Question, text: str) -> dict[str, str]:
    pattern = "\n".join(rf"{title}: ([\s\S]*)" for title in question.titles)
    found = re.fullmatch(pattern, text)
    if not found:
        raise ValueError(f"not a document of {question.dataset}: {text[:80]!r}")
    return dict(zip(question.fields, found.groups(), strict=True))
