"""Why a server's reply holds no answer of the model. Imports neither lm-eval nor torch.

docs/reliability.md, "Servers", has the table of replies and of what a user is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

# What such problems begin with. `answered` counts the documents without one.
NO_ANSWER = "no answer from the server"
NULL = f"{NO_ANSWER} (null)"
ERROR = f"{NO_ANSWER} (an error)"
REFUSED = f"{NO_ANSWER} (a refusal)"
FILTERED = f"{NO_ANSWER} (its content filter)"
ONLY_THOUGHT = f"{NO_ANSWER} (a thought alone)"

# The marks around a thought that a server sends as a part of its own: those of Mistral's models, which do so.
THOUGHT = "[THINK]{}[/THINK]"

# The share of documents without an answer above which a run does not say how the model is.
MOST_WITHOUT_ANSWER = 0.01


class NoAnswer(str):
    """The empty text in place of an answer, with the reason. It never enters a cache."""

    problem: str

    def __new__(cls, problem: str) -> NoAnswer:
        """An empty text that knows its problem."""
        text = super().__new__(cls, "")
        text.problem = problem
        return text


class ReplyError(ValueError):
    """A reply that is none of the protocol that the server should speak."""


def is_server_problem(problem: str) -> bool:
    """Whether a transcript's problem is the server's.

    >>> is_server_problem(NULL), is_server_problem("no label in the answer"), is_server_problem("")
    (True, False, False)
    """
    return problem.startswith(NO_ANSWER)


def worst_problem(problems: Iterable[str]) -> str:
    """Of several problems the first of the server's, or the first; empty where there is none.

    >>> worst_problem(["no label in the answer", "", NULL])
    'no answer from the server (null)'
    """
    return min(filter(None, problems), key=lambda problem: not is_server_problem(problem), default="")


def read_reply(reply: Any, expected: int | None = None) -> list[str]:
    """The texts of one reply of an OpenAI-compatible server, in the order of its prompts.

    Args:
        reply: the JSON value that the server sent, of completions or of chat completions.
        expected: the number of prompts; None where it is not known.

    Raises:
        ReplyError: no such reply, or not one text for each prompt.

    >>> read_reply({"choices": [{"message": {"content": "positive"}}]}, 1)
    ['positive']
    """
    if isinstance(reply, Mapping) and reply.get("error") and not reply.get("choices"):
        return [NoAnswer(ERROR) for _ in range(expected or 1)]
    return [_read_choice(choice) for choice in choices_of(reply, expected)]


def choices_of(reply: Any, expected: int | None = None) -> list[Mapping[str, Any]]:
    """The choices of a reply in the order of its prompts. One alone needs no index."""
    choices = reply.get("choices") if isinstance(reply, Mapping) else None
    if not isinstance(choices, list) or not all(isinstance(choice, Mapping) for choice in choices):
        raise ReplyError("no list of choices")
    if not choices or (expected is not None and len(choices) != expected):
        raise ReplyError(f"{len(choices)} choices for {expected or 'some'} prompts")
    if len(choices) == 1:
        return choices
    places = [choice.get("index") for choice in choices]
    if {*map(repr, places)} != {*map(repr, range(len(choices)))}:
        raise ReplyError("choices that are not numbered in order")
    return sorted(choices, key=lambda choice: int(choice["index"]))


def _read_choice(choice: Mapping[str, Any]) -> str:
    message = choice.get("message", choice)
    if not isinstance(message, Mapping):
        raise ReplyError("a choice without a message")
    content = message.get("content") if "message" in choice else choice.get("text")
    text, thought = _read_parts(content) if isinstance(content, list) else (content, "")
    if text is not None and not isinstance(text, str):
        raise ReplyError("an answer that is no text")
    if text and text.strip():
        return THOUGHT.format(thought) + text if thought else text
    if message.get("refusal"):
        return NoAnswer(REFUSED)
    if choice.get("finish_reason") == "content_filter":
        return NoAnswer(FILTERED)
    if thought or message.get("reasoning_content") or message.get("reasoning"):
        return NoAnswer(ONLY_THOUGHT)
    return NoAnswer(NULL) if text is None else text


def _read_parts(parts: list[Any]) -> tuple[str | None, str]:
    """The text and the thought of an answer in parts; the text is None where no part is one."""
    texts, thoughts = [], []
    for part in parts:
        if isinstance(part, str):
            texts.append(part)
        elif not isinstance(part, Mapping):
            raise ReplyError("a part of an answer that is no part")
        elif part.get("type") == "thinking":
            inner = part.get("thinking")
            thoughts.append((_read_parts(inner)[0] or "") if isinstance(inner, list) else str(inner or ""))
        elif isinstance(part.get("text"), str):  # of type text, or output_text
            texts.append(part["text"])
    return "".join(texts) if texts else None, "".join(thoughts)
