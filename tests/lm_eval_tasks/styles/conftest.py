"""Documents and requests that the tests of all styles share."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from lm_eval_tasks.classification import Question
from lm_eval_tasks.styles.explanation import Request

SNLI = Question(
    "snli",
    "premise and hypothesis",
    "Does the premise entail the hypothesis, contradict it, or neither of the two (neutral)?",
    ("premise", "hypothesis"),
    ("Premise", "Hypothesis"),
    ("entailment", "neutral", "contradiction"),
)
TWEETS = Question(
    "sentiment140",
    "tweet",
    "Is the sentiment of the following tweet negative or positive?",
    ("text",),
    ("Tweet",),
    ("negative", "positive"),
)
NEWS = Question(
    "agnews",
    "article",
    "Which topic does the following news article belong to?",
    ("text",),
    ("Article",),
    ("world", "sports", "business", "technology"),
)
REAL = {"sentiment140": (TWEETS, "text"), "snli": (SNLI, "premise hypothesis"), "ag_news": (NEWS, "text")}
MASK = "[REDACTED]"


def request_for(question: Question, budget: str, target: str = "") -> Request:
    return Request(question, budget, MASK, "mask", target)


def real_documents(dataset: str, count: int) -> list[dict[str, str]]:
    """The first real texts of a dataset."""
    folder = os.environ.get("FAITHFUL_SE_DATA")
    if not folder:
        pytest.skip("FAITHFUL_SE_DATA is not set: no folder with sentiment140/, snli/, ag_news/ to read real text from")
    lines = (Path(folder) / dataset / "test.jsonl").read_text(encoding="utf-8").split("\n")
    rows = [json.loads(line) for line in lines[:count]]
    return [{name: row[name] for name in REAL[dataset][1].split()} for row in rows]


def _quoted(text: str) -> str:
    return f'"{text}"'


def _bold(text: str) -> str:
    return "\n".join(f"**{line}**" for line in text.split("\n"))


def _bold_titles(text: str) -> str:
    return re.sub(r"^(Premise|Hypothesis|Tweet|Article):", r"**\1:**", text, flags=re.MULTILINE)


# What chat models write around what they were asked for: name -> wrapping of an answer about `{thing}`.
WRAPPERS = {
    "bare": lambda text: text,
    "blank lines": lambda text: f"\n  {text}\n\n",
    "sure": lambda text: f"Sure! Here is the answer:\n\n{text}",
    "certainly, one line": lambda text: f"Certainly, here is the answer: {text}",
    "heading": lambda text: f"### Final answer\n\n{text}",
    "bold label": lambda text: f"**Answer:**\n{text}",
    "quotes": _quoted,
    "curly quotes": lambda text: f"“{text}”",
    "bold": _bold,
    "bold titles": _bold_titles,
    "fence": lambda text: f"```\n{text}\n```",
    "fence with language": lambda text: (
        f"Here's the answer:\n\n```text\n{text}\n```\n\nLet me know if you need anything else!"
    ),
    "note": lambda text: f"{text}\n\nNote: I chose this word because it carries most of the sentiment.",
    "note in parentheses": lambda text: f"{text}\n\n(Note: without this word the answer would be another one.)",
    "explanation": lambda text: f"{text}\n\nExplanation: The word decides. Without it, my answer would change.",
    "explanation on the next line": lambda text: f"{text}\nThis word is the one that my answer hangs on.",
    "everything": lambda text: (
        f'Sure thing! Here is my answer:\n\n"{_bold(text)}"\n\nI chose this, because it matters most. Hope this helps!'
    ),
    "thinking": lambda text: f"<think>\nLet me see.\nIt might be another word.\n</think>\n\n{text}",
}
