"""Texts and answers for searches with hypothesis: what models write, in pieces, in any order, at any length.

The default profile tries a few of each. `--hypothesis-profile=explore` tries a thousand.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from hypothesis import settings
from hypothesis import strategies as st

from faithful_se.errors import UsageError
from lm_eval_tasks.classification import Question
from lm_eval_tasks.styles import STYLES
from lm_eval_tasks.styles.explanation import Request

# CPU seconds: the longest texts here have 20,000 characters.
LIMIT = 5.0


def examples(few: int) -> settings:
    """So many examples in the default profile, and those of the profile where the user has chosen another one."""
    return settings(max_examples=few) if settings().max_examples < 1000 else settings()


@contextmanager
def without_hanging() -> Iterator[None]:
    """Fail where a block takes too long."""
    started = time.process_time()
    yield
    seconds = time.process_time() - started
    assert seconds < LIMIT, f"took {seconds:.1f} s"


WORDS = (
    *(
        "I",
        "love",
        "it",
        "don't",
        "does n't",
        "film 's",
        "-lrb-",
        "@a_b",
        "#x",
        "3.5",
        "1,000",
        "½",
        "é",
        "e\u0301",
        "日本",
    ),
    *(
        "🙂",
        "👩‍👩‍👧",
        "ﬁ",
        "İ",
        "ß",
        "\u202e",
        "\u200b",
        "\ufeff",
        "\x00",
        "\u2028",
        "&amp;",
        "and",
        "unknown",
        "negative",
    ),
    *("positive", "neutral", "entailment", "[REDACTED]", "redacted", "REDACTED's", "_", "Tweet", "Premise", "a" * 300),
)
MARKS = (
    *(
        " ",
        "\n",
        "\n\n",
        "\t",
        "\r\n",
        ",",
        ".",
        ": ",
        ";",
        '"',
        "'",
        "**",
        "*",
        "_",
        "`",
        "```",
        "~~~",
        "(",
        ")",
        "[",
        "]",
    ),
    *(
        "{",
        "}",
        "<",
        ">",
        "</",
        "/>",
        "|",
        "|---|",
        "\\",
        "\\boxed{",
        "\\text{",
        "$",
        "$$",
        "->",
        "→",
        "~~",
        "--",
        "—",
        "“",
        "”",
    ),
    *("#", "### ", "- ", "* ", "1. ", "(1) ", "a) ", "①", "&", "%", "{}", "%s", "\\1", "?", "!", "...", "=", "> "),
)
PHRASES = (
    *(
        "Sure! ",
        "Okay. ",
        "Here is the answer:\n\n",
        "Note: ",
        "Tweet: ",
        "Premise: ",
        "\nHypothesis: ",
        "Answer: ",
        "N/A",
    ),
    *(
        "I'm sorry, but I can't ",
        "The most important word is ",
        "The word ",
        "Word 1: ",
        " because ",
        " is not ",
        ", not ",
    ),
    *(
        "Wait, ",
        "Final answer: ",
        "Actually, ",
        "<think>",
        "</think>",
        "[THINK]",
        "[/THINK]",
        "<|channel|>analysis<|message|>",
    ),
    *(
        "<|end|>",
        "<|im_end|>",
        "<|im_start|>assistant\n",
        "</s>",
        "Here is my thought process:",
        "Here is my response:",
    ),
    *(
        '{"word": "',
        '["',
        '", "',
        '"]',
        '"}',
        "Original tweet: ",
        "Edited tweet: ",
        "Explanation: ",
        "<word>",
        "</word>",
    ),
    *(
        "\n| Word | Why |\n|---|---|\n| ",
        "Replace ",
        " with ",
        "\n\nI replaced ",
        "assistantfinal",
        "<p>",
        "</p>",
        "<answer>",
    ),
)
PIECES = st.sampled_from([*WORDS, *MARKS, *PHRASES]) | st.text(max_size=6)
# One piece again and again: what takes time in a search that goes back.
RUNS = st.builds(lambda piece, count: piece[:20] * count, PIECES, st.sampled_from([2, 30, 1000]))
TEXTS = st.one_of(
    st.text(max_size=60), st.lists(PIECES, max_size=12).map("".join), st.lists(PIECES | RUNS, max_size=8).map(" ".join)
)


@contextmanager
def refused_in_one_line(*names: str) -> Iterator[None]:
    """Let a `UsageError` pass that is one line and holds these names; a block may also end without one."""
    with without_hanging():
        try:
            yield
        except UsageError as error:
            if "\n" in str(error) or any(name not in str(error) for name in names):
                raise AssertionError(f"not one line with the names {names}: {error}") from error


def documents(question: Question) -> st.SearchStrategy[dict[str, str]]:
    """Documents of a dataset."""
    return st.fixed_dictionaries(dict.fromkeys(question.fields, TEXTS))


@st.composite
def answers(draw: st.DrawFn, fields: Mapping[str, str], style: str, request: Request) -> str:
    """Answers: any text, or what an honest explainer writes, wrapped, cut and with other pieces in it."""
    if draw(st.booleans()):
        return draw(TEXTS)
    words = draw(st.lists(st.sampled_from([*WORDS, *" ".join(fields.values()).split()]), max_size=4))
    answer = STYLES[style].write(fields, words, request, draw(PIECES))
    for _ in range(draw(st.integers(0, 3))):
        start, end = sorted(draw(st.tuples(*[st.integers(0, len(answer))] * 2)))
        answer = answer[:start] + draw(st.one_of(PIECES, RUNS, st.just(answer[start:end] * 2))) + answer[end:]
    return draw(st.sampled_from(["", *PHRASES])) + answer + draw(st.sampled_from(["", *PHRASES]))
