"""Shapes in which models list words: name -> the answer that names the words of a list, one or more.

No shape may be read as a part of the list, whatever the words are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

Shape = Callable[[Sequence[str]], str]


def _numbered(line: str, separator: str = "\n") -> Shape:
    """Each word in a line of its own with its number from 1, its letter and its ordinal."""
    ordinals = ["First", "Second", "Third", "Fourth", "Fifth"]

    def shape(words: Sequence[str]) -> str:
        return separator.join(
            line.format(n=n, word=word, letter="abcde"[n - 1], ordinal=ordinals[n - 1], circled="①②③④⑤"[n - 1])
            for n, word in enumerate(words, 1)
        )

    return shape


def _wrapped(around: str, separator: str = ", ", word: str = "{}") -> Shape:
    return lambda words: around.format(separator.join(map(word.format, words)))


def _in_two(around: str) -> Shape:
    """The first half of the list, then the second half: models go on in another line. A word alone stays so."""

    def shape(words: Sequence[str]) -> str:
        half = (len(words) + 1) // 2
        quoted = " and ".join(f'"{word}"' for word in words[half:])
        text = around.format(", ".join(words[:half]), ", ".join(words[half:]), quoted=quoted)
        return text if len(words) > 1 else words[0]

    return shape


SHAPES: dict[str, Shape] = {
    "commas": _wrapped("{}"),
    "lines": _wrapped("{}", "\n"),
    "paragraphs of one word": _wrapped("{}", "\n\n"),
    "semicolons": _wrapped("{}", "; "),
    "bars": _wrapped("{}", " | "),
    "slashes": _wrapped("{}", " / "),
    "quoted": _wrapped("{}", ", ", '"{}"'),
    "quoted lines": _wrapped("{}", "\n", '"{}"'),
    "dashes": _numbered("- {word}"),
    "bold bullets": _numbered("* **{word}**"),
    "dots": _numbered("• {word}"),
    "dots in a line": _numbered("• {word}", " "),
    "1.": _numbered("{n}. {word}"),
    "1)": _numbered("{n}) {word}"),
    "(1)": _numbered("({n}) {word}"),
    "1:": _numbered("{n}: {word}"),
    "[1]": _numbered("[{n}] {word}"),
    "a)": _numbered("{letter}) {word}"),
    "1. in a line": _numbered("{n}. {word}", " "),
    "1) in a line": _numbered("{n}) {word}", " "),
    "(1) in a line": _numbered("({n}) {word}", ", "),
    "circled": _numbered("{circled} {word}", " "),
    "Word 1:": _numbered("Word {n}: {word}"),
    "Word 1: in a line": _numbered("Word {n}: {word}", ", "),
    "bold Word 1:": _numbered("**Word {n}:** {word}"),
    "First word:": _numbered("{ordinal} word: {word}"),
    "title and lines": _wrapped("Important words: {}", ",\n"),
    "answer": _wrapped("**Answer:** {}"),
    "two titles": _in_two("Positive words: {}\nNegative words: {}"),
    "two titles, blank lines": _in_two("Positive words:\n{}\n\nNegative words:\n{}"),
    "two labels": _in_two("Positive: {}\nNegative: {}"),
    "more under a title": _in_two("{}\n\nOther important words: {}"),
    "more in a note": _in_two("{}\n\nNote: {}"),
    "more in an explanation": _in_two("{}\nExplanation: {}"),
    "more in a sentence": _in_two("{}\n\nThe words {quoted} matter as well."),
    "more in a paragraph": _in_two("{}\n\n{}"),
    "more in a fence": _in_two("```\n{}\n```\n\n```\n{}\n```"),
    "more after an opening": _in_two("Sure! {}\n\nAlso: {}"),
    "sentence": _wrapped("The most important words are {}.", " and ", '"{}"'),
    "bold sentence": _wrapped("The words that matter most are {}.", ", ", "**{}**"),
    "such as": _wrapped("It is negative because of certain words such as {}", " ", '"{},"'),
    "a sentence each": _wrapped("{}", " ", 'The word "{}" is important.'),
    "comment after a dash": _numbered("{n}. **{word}** - it shows the mood of the writer"),
    "comment after a colon": _numbered("* {word}: this shows the mood"),
    "comment in parentheses": _wrapped("{}", ", ", "{} (negative)"),
    "json": _wrapped("[{}]", ", ", '"{}"'),
    "json object": lambda words: '{"words": [' + ", ".join(f'"{word}"' for word in words) + "]}",
    "json objects": lambda words: (
        "[" + ", ".join(f'{{"word": "{word}", "reason": "it shows the mood"}}' for word in words) + "]"
    ),
    "fence": _wrapped("```\n{}\n```", "\n"),
    "tags": _wrapped("{}", "", "<word>{}</word>"),
    "html list": _wrapped("<ul>{}</ul>", "", "<li>{}</li>"),
    "box": lambda words: "\\boxed{" + ", ".join(words) + "}",
    "boxes": lambda words: ", ".join(f"\\boxed{{\\text{{{word}}}}}" for word in words),
    "table": _wrapped("| Word | Reason |\n|---|---|\n{}", "\n", "| {} | shows the mood |"),
    "table with numbers": lambda words: "| # | Word |\n|---|---|\n" + _numbered("| {n} | {word} |")(words),
    "bullets in talk": _wrapped(
        "Sure! Here are the words that are most important for my answer:\n\n{}\n\n"
        "If these words were replaced, my answer would change.",
        "\n",
        "* {}",
    ),
}

# Shapes whose second half is no list of its own: such an answer may be not valid.
UNSURE = {name for name in SHAPES if name.startswith("more in a")} - {"more in a paragraph", "more in a fence"} | {
    "more after an opening",
    "two labels",
}
