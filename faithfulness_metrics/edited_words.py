"""The words of an edited document, parted as those of its original.

A dictionary parts a run without blanks as a whole. An edit at one place could part it otherwise at another, and would
count as several edits. The unchanged words of the original are therefore words of the edited document. In scripts with
blanks these are the words that `faithfulness_metrics.words` finds.
"""

from __future__ import annotations

from rapidfuzz.distance import Levenshtein

from faithfulness_metrics.segmentation import is_unspaced
from faithfulness_metrics.words import Fields, Word, find_words, key_of, runs_of


def edited_words(edited: Fields, original: Fields) -> dict[str, list[Word]]:
    """The words of an edited document, field by field; `original` has the same fields.

    >>> [word.text for word in edited_words({"text": "I hate it"}, {"text": "I love it"})["text"]]
    ['I', 'hate', 'it']
    """
    return {name: _words(text, original[name], name) for name, text in edited.items()}


def edited_keys(edited: Fields, original: Fields) -> dict[str, list[str]]:
    """The words of an edited document as they are compared, field by field."""
    return {name: [word.key for word in words] for name, words in edited_words(edited, original).items()}


def _words(text: str, original: str, field: str) -> list[Word]:
    old = find_words(original, field)
    if not any(is_unspaced(word.text) for word in old):
        return find_words(text, field)
    # Positions of the characters that stay -> their positions in the edited text.
    stays: dict[int, int] = {}
    for step in Levenshtein.opcodes(original, text):
        if step.tag == "equal":
            stays |= zip(range(step.src_start, step.src_end), range(step.dest_start, step.dest_end), strict=True)
    words, end, changed = list[Word](), 0, list[Word]()
    for word in old:
        start, last = stays.get(word.start), stays.get(word.end - 1)
        if start is None or last is None or last - start != word.end - 1 - word.start or not is_unspaced(word.text):
            changed.append(word)
            continue
        words += _between(text, end, start, changed, field)
        words.append(Word(field, start, last + 1, word.text, word.key))
        end, changed = last + 1, []
    return [*words, *_between(text, end, len(text), changed, field)]


def _between(text: str, start: int, end: int, changed: list[Word], field: str) -> list[Word]:
    """The words between two unchanged ones, where the original has the `changed` ones."""
    piece = text[start:end]
    words = find_words(piece, field)
    # 很喜欢 -> 很讨厌: one word for one word, though the dictionary has no word 很讨厌
    if len(changed) == 1 and len(words) > 1 and runs_of(words) == [words]:
        first, last = words[0].start, words[-1].end
        if last - first <= len(changed[0].text):
            words = [Word(field, first, last, piece[first:last], key_of(piece[first:last]))]
    return [Word(field, start + word.start, start + word.end, word.text, word.key) for word in words]
