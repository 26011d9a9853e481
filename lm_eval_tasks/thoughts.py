"""What a model writes before its answer: the marks around a thought, and what follows it.

Pure functions of text. `lm_eval_tasks.thinking_models` says what a loaded model's template and tokenizer do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

# The problem of a document whose thought has no end, so that there is no answer to read.
CUT = "the thought is cut off before the answer"

# Arguments by which chat templates switch thinking off: Qwen3, GLM, SmolLM3, Nemotron | DeepSeek-V3.1, Granite
SWITCHES: tuple[Mapping[str, Any], ...] = ({"enable_thinking": False}, {"thinking": False})


class Reading(NamedTuple):
    """An answer, read."""

    reply: str  # what follows the thought; the whole answer where there is no thought, "" where it never ends
    cut: bool = False  # whether there is a thought that never ends


class Marks(NamedTuple):
    """How a family of models opens and ends a thought, as regular expressions."""

    opening: str
    ending: str
    bare: bool = True  # whether the end alone shows a thought, which the template has opened
    first: bool = False  # whether the opening counts at the start of an answer only


_TAG = "(?:think|thinking|thoughts?|reasoning|scratchpad|reflection|seed:think)"
_HEADER, _MESSAGE = r"(?:<\|start\|>)?(?:assistant)?<\|channel\|>", r"(?:[^<]|<\|constrain\|>)*<\|message\|>"

FAMILIES = (
    # Qwen3, DeepSeek-R1, QwQ, GLM, SmolLM3, Phi-4 | Claude and GPT prompts | EXAONE | Seed-OSS
    Marks(rf"<{_TAG}>", rf"</{_TAG}>"),
    Marks(r"\[THINK\]", r"\[/THINK\]"),  # Magistral
    Marks("◁think▷", "◁/think▷"),  # Kimi
    Marks(r"<\|channel>thought", r"<channel\|>"),  # Gemma 4
    Marks(r"<\|START_THINKING\|>", r"<\|END_THINKING\|>"),  # Command A
    Marks(r"<\|begin_of_thought\|>", r"<\|end_of_thought\|>"),  # Sky-T1, OpenThinker
    # gpt-oss, with its special tokens: everything before the channel "final" is thought
    Marks(rf"{_HEADER}(?:analysis|commentary){_MESSAGE}", rf"{_HEADER}final{_MESSAGE}"),
    # … and without them: "analysisThe user asks …assistantfinalpositive". A space follows "analysis" in plain English.
    Marks(r"analysis(?=\w|[\"“(]\w)|analysis(?=[\s\S]*assistantfinal)", r"assistant\s?final", first=True),
    # Granite 3.2
    Marks(r"here(?:['’]s| is) my thought process:", r"here(?:['’]s| is) my response:", bare=False, first=True),
)

# A mention inside a sentence opens nothing: "I wrote <think> myself" | Let me see. <think> … | Sure!\n<think>\n…
_POSITION = r"(?:\A\s*|\n[^\S\n]*|[.!?][^\S\n]+)"
_OPENINGS = [
    re.compile((r"\A\s*" if marks.first else _POSITION) + f"(?P<mark>{marks.opening})", re.IGNORECASE)
    for marks in FAMILIES
]
_MENTIONS = [re.compile(marks.opening, re.IGNORECASE) for marks in FAMILIES]
_ENDINGS = [re.compile(marks.ending, re.IGNORECASE) for marks in FAMILIES]
_ANY_ENDING = re.compile("|".join(marks.ending for marks in FAMILIES), re.IGNORECASE)

# The end of a prompt that has opened a thought, or has opened and ended one.
_OPEN = re.compile("(?:" + "|".join(marks.opening for marks in FAMILIES if not marks.first) + r")\s*\Z", re.I)
_CLOSED = re.compile("(?:" + "|".join(marks.ending for marks in FAMILIES if not marks.first) + r")\s*\Z", re.I)
_TAIL = 200  # characters at the end of a prompt that are looked at

# Tokens of the marks. A tokenizer may call them special, and lm-eval drops special tokens.
MARK_TOKEN = re.compile(
    rf"</?{_TAG}>|\[/?THINK\]|◁/?think▷|<\|channel>|<channel\|>|<\|(?:START|END)_THINKING\|>"
    r"|<\|(?:begin|end)_of_thought\|>|<\|(?:start|channel|message)\|>",
    re.IGNORECASE,
)

# <answer>positive</answer> | <response>…</response> (Granite 3.3) | <|begin_of_solution|>… | <|START_RESPONSE|>…
_WRAPPED = re.compile(
    r"\s*(?:<(?P<tag>answer|response|output|final)>(?P<a>[\s\S]*?)(?:</(?P=tag)>\s*)?"
    r"|<\|begin_of_solution\|>(?P<b>[\s\S]*?)(?:<\|end_of_solution\|>\s*)?"
    r"|<\|START_RESPONSE\|>(?P<c>[\s\S]*?)(?:<\|END_RESPONSE\|>\s*)?)\Z",
    re.IGNORECASE,
)
# positive<|return|> | positive</think>: nothing of the answer
_LEFT_OVER = re.compile(rf"\s*(?:(?:<\|(?:return|end|END_RESPONSE)\|>|</{_TAG}>)\s*)+\Z", re.IGNORECASE)


def after_thinking(answer: str) -> str:
    """The part of an answer after the model's thoughts; "" where the thoughts never end.

    >>> after_thinking("<think>\\nSounds happy to me.\\n</think>\\n\\npositive").strip()
    'positive'
    """
    return read_answer(answer).reply


@lru_cache(maxsize=256)  # an explanation is read three times, and a label as often as it is answered
def read_answer(answer: str, opened: bool = False, end_mark: str = "") -> Reading:
    """Read an answer that may hold a thought.

    An end that nothing follows is passed over where an earlier one has an answer behind it.

    Args:
        answer: the text as generated.
        opened: whether the prompt has opened a thought, so that the answer begins inside it.
        end_mark: a further mark that ends thoughts, lm-eval's `think_end_token`.

    >>> read_answer("Hm, sounds positive to me", opened=True)
    Reading(reply='', cut=True)
    """
    if opened:
        rest = _rest(answer, [*_ends(_ANY_ENDING, answer), *_ends_of_text(end_mark, answer)])
        return Reading("", cut=True) if rest is None else _after(rest)
    for opening, ending in zip(_OPENINGS, _ENDINGS, strict=True):
        if not (match := opening.search(answer)):
            continue
        before = answer[: match.start("mark")]
        ends = [end for end in _ends(ending, answer) if end > match.end()]
        rest = _rest(answer, [*ends, *(end for end in _ends_of_text(end_mark, answer) if ends and end > match.end())])
        if before.strip() and not (rest or "").strip():  # positive\n<think>\nWait, let me
            own_line = "\n" in match.group() or rest is not None
            return read_answer(before, end_mark=end_mark) if own_line else Reading(answer)
        return Reading("", cut=True) if rest is None else _after(rest)
    for marks, mention, ending in zip(FAMILIES, _MENTIONS, _ENDINGS, strict=True):
        ends = _ends(ending, answer) if marks.bare else []
        first_mention = mention.search(answer)
        if ends and not (first_mention and first_mention.end() < ends[-1]):
            return _after(_rest(answer, ends) or "")
    rest = _rest(answer, _ends_of_text(end_mark, answer))
    return Reading(answer) if rest is None else _after(rest)


def opening_of(prompt: str) -> str:
    """The mark, with the blanks behind it, by which a prompt ends in an open thought; "" where it does not.

    >>> opening_of("<|assistant|><think>\\n"), opening_of("<think>\\n\\n</think>\\n\\n")
    ('<think>\\n', '')
    """
    match = _OPEN.search(prompt[-_TAIL:])
    return match.group() if match else ""


def ends_after_thought(prompt: str) -> bool:
    """Whether a prompt ends behind a thought, which is usually empty."""
    return bool(_CLOSED.search(prompt[-_TAIL:]))


def switch_of(render: Callable[[Mapping[str, Any]], str]) -> dict[str, Any] | None:
    """The argument of a chat template that switches thinking off; None where it reads none of `SWITCHES`.

    Args:
        render: the prompt with further arguments of the template.
    """
    plain = render({})
    for switch in SWITCHES:
        prompt = render(switch)
        if prompt != plain and not opening_of(prompt):
            return dict(switch)
    return None


def _after(rest: str) -> Reading:
    """What follows a thought may begin another one, and may be wrapped."""
    rest = _LEFT_OVER.sub("", rest)
    reading = read_answer(rest) if any(opening.search(rest) for opening in _OPENINGS) else Reading(rest)
    if wrapped := _WRAPPED.match(reading.reply):
        return Reading(next(part for part in wrapped.group("a", "b", "c") if part is not None), reading.cut)
    return reading


def _ends(ending: re.Pattern[str], text: str) -> list[int]:
    return [match.end() for match in ending.finditer(text)]


def _ends_of_text(mark: str, text: str) -> list[int]:
    return _ends(re.compile(re.escape(mark)), text) if mark else []


def _rest(text: str, ends: list[int]) -> str | None:
    """What follows the last of the ends that something follows; "" if nothing follows any, None without an end."""
    if not ends:
        return None
    return next((text[end:] for end in sorted(ends, reverse=True) if text[end:].strip()), "")
