"""The words that an answer names: all of them, or none where a line of it cannot be accounted for.

A list may go on in the next line, in another paragraph, or after another title. So no line is skipped because a list
was read before it. Each line names words, is talk, or is unclear, and an answer with an unclear line is no list.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lm_eval_tasks.styles.answer_lines import Line
from lm_eval_tasks.styles.nameable import Contents


def named_words(text: str, lines: Sequence[Line], contents: Contents) -> tuple[set[str], str]:
    """All words that an answer of these lines names, and why it names none; either is empty.

    Returns:
        Keys of words of the document, and the reason.
    """
    everything = contents.keys_in(text)
    if not everything:
        return set(), "no word named"
    if contents.is_copied(text, everything):
        # A copy of the text names all of it, with what looks like a title or a comment.
        return contents.located(everything), ""
    kinds = {line.kind for line in lines}
    if kinds & {"unknown", "unclear"}:
        return set(), "word not in the text" if "unknown" in kinds else "no word named"
    lists = [line for line in lines if line.kind == "list"]
    if groups := [line for line in lines if line.kind == "group"]:
        # Positive: love\nNegative: none. But Positive: love says the label again.
        if len(groups) + len(lists) < 2 or not all(line.titled for line in lists):
            return set(), "no word named"
        lists += groups
    sentences = {key for line in lines if line.kind == "sentence" for key in line.keys}
    named = {key for line in lists for key in line.keys} or sentences
    quoted = {key for line in lines if line.kind in ("talk", "heading") for key in line.keys}
    if not named or not named >= sentences | quoted:
        return set(), "no word named"
    return contents.located(named), ""


def mentioned(lines: Iterable[Line], contents: Contents) -> set[str]:
    """Words of the document that any line lists or names in a sentence, sound or not as a whole."""
    named = {key for line in lines if line.kind not in ("talk", "heading") for key in line.keys}
    return contents.located(key for key in named if contents.holds([key]))
