"""How a rule-based model reads a conversation: by the prompt objects themselves, so that a changed prompt cannot be
misread silently."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache

from faithful_se.errors import UsageError
from faithfulness_metrics.flips import UNKNOWN
from faithfulness_metrics.words import Word, words_of
from lm_eval_tasks import DATASETS
from lm_eval_tasks.classification import CLASSIFY, FRESH, MASK_NOTE, Message, Question
from lm_eval_tasks.data import dataset_spec
from lm_eval_tasks.options import CHOICES
from lm_eval_tasks.styles import BUDGETS, STYLES
from lm_eval_tasks.styles.explanation import Request


def _pattern(template: str, **parts: str) -> str:
    """A prompt template as a regular expression, its places filled with expressions."""
    pattern = re.escape(template)
    for name, part in parts.items():
        pattern = pattern.replace(re.escape("{" + name + "}"), part)
    return pattern


_TAIL = CLASSIFY.partition("{labels}")[2].replace("{text}", "")
_ANSWER = CLASSIFY.partition("{labels}")[0].rpartition("}")[2]
_MASK = re.compile(_pattern(MASK_NOTE, noun=".+?", mask="(.+?)"))
_FRESH = re.compile(_pattern(FRESH, text=r"([\s\S]*)", noun=".+?", label="(.+?)", request=r"([\s\S]+)"))
# The requests that show the mask say: … were replaced by "[REDACTED]" | … replace each of them by "[REDACTED]"
_QUOTED_MASK = re.compile(r'(?:replaced|them|word) by "(.+?)", ')
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


def read(messages: Sequence[Message]) -> Conversation:
    """Read a conversation of this package.

    Raises:
        ValueError: a prompt that this package does not write.
        UsageError: a document with labels of its own, in a conversation that does not show them.
    """
    turns = [message["content"] for message in messages if message["role"] == "user"]
    if fresh := _FRESH.fullmatch(turns[-1]):
        text, label, request = fresh.groups()
        for question in questions():
            # Datasets can share a title ("Tweet"); the label and the request tell them apart.
            if label in question.labels and text.startswith(f"{question.titles[0]}: ") and _asked(question, request):
                return _explain(question, _fields(question, text), request)
        if any(not question.labels and text.startswith(f"{question.titles[0]}: ") for question in questions()):
            raise UsageError("the rule-based models need the labels of each document; context=fresh does not show them")
        raise ValueError(f"no dataset shows {text[:80]!r}")
    head, tail, text = turns[0].partition(_TAIL)
    if not tail:
        raise ValueError(f"not a prompt of faithful-se: {turns[0][:80]!r}")
    found = _MASK.search(head)
    mask = found.group(1) if found else DEFAULT_MASK
    asked = next((question for question in questions() if head.startswith(question.question)), None)
    if asked is None:
        raise ValueError(f"no dataset asks {head[:80]!r}")
    if not asked.labels:
        said = re.findall('"(.+?)"', head.rpartition(_ANSWER)[2])
        asked = replace(asked, labels=tuple(label for label in said if label != UNKNOWN))
    fields = _fields(asked, text)
    if len(turns) == 1:
        return Conversation(asked, fields, mask, f'"{UNKNOWN}"' in head)
    return _explain(asked, fields, turns[-1])


@cache
def questions() -> tuple[Question, ...]:
    """The questions of all datasets."""
    return tuple(dataset_spec(path.parent.name).question for path in sorted(DATASETS.glob("*/_dataset_yaml")))


@lru_cache(maxsize=1 << 12)
def requests_by_text(question: Question, mask: str) -> dict[str, tuple[str, Request]]:
    """Every request for an explanation that can be made about a dataset: its text -> style and request."""
    table: dict[str, tuple[str, Request]] = {}
    for name, style in STYLES.items():
        targets = question.labels if style.WANTS_TARGET else ("",)
        for budget, operator, target in itertools.product(BUDGETS, CHOICES["operator"], targets):
            request = Request(question, budget, mask, operator, target)
            table.setdefault(style.ask(request), (name, request))
    return table


def _asked(question: Question, asked: str) -> tuple[str, Request] | None:
    quoted = _QUOTED_MASK.search(asked)
    return requests_by_text(question, quoted.group(1) if quoted else DEFAULT_MASK).get(asked)


def _explain(question: Question, fields: dict[str, str], asked: str) -> Conversation:
    found = _asked(question, asked)
    if found is None:
        raise ValueError(f"not a request of faithful-se: {asked[:80]!r}")
    style, request = found
    return Conversation(question, fields, request.mask, False, request, style)


def _fields(question: Question, text: str) -> dict[str, str]:
    pattern = "\n".join(rf"{title}: ([\s\S]*)" for title in question.titles)
    found = re.fullmatch(pattern, text)
    if not found:
        raise ValueError(f"not a document of {question.dataset}: {text[:80]!r}")
    return dict(zip(question.fields, found.groups(), strict=True))
