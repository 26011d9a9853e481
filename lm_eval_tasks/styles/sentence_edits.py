"""The edits of a counterfactual, sentence by sentence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rapidfuzz.distance import Levenshtein

from faithfulness_metrics.sentences import find_sentences
from faithfulness_metrics.words import Fields, Word, find_words
from lm_eval_tasks.styles.edits import Edit


class _Change(NamedTuple):
    """Sentences of a field, and what is written in their place."""

    start: int  # the first of them
    end: int  # one past the last
    texts: list[str]  # the new sentences


def sentence_edits_between(fields: Fields, document: Fields, language: str = "en") -> tuple[Edit, ...]:
    """The edits from one document to another, sentence by sentence.

    Between sentences that are in both documents, those of the original are replaced one by one. The last of them takes
    all that is written beyond their number, because a sentence may become two.
    """
    edits, first = list[Edit](), 0
    count = sum(len(find_sentences(text, name, language)) for name, text in fields.items())
    for name, text in fields.items():
        sentences = find_sentences(text, name, language)
        for start, end, texts in _changes(text, document[name], sentences, language):
            if start == end:
                at_end = start == len(sentences) and (bool(sentences) or first == count)
                kind, position = ("after", max(first + start - 1, 0)) if at_end else ("before", first + start)
                edits.append(Edit(position, kind, " ".join(texts)))
            for number in range(end - start):
                own = texts[number:] if number == end - start - 1 else texts[number : number + 1]
                edits.append(Edit(first + start + number, "replace" if own else "delete", " ".join(own)))
        first += len(sentences)
    return tuple(edits)


def _changes(text: str, edited: str, sentences: list[Word], language: str) -> Iterator[_Change]:
    """What differs between two texts of a field; `sentences` are those of the first.

    Whether a splitter ends a sentence depends on what follows ("Corp. Now", "Corp. Sales"). So the edited text is cut
    where the original is, as far as whole sentences before and after the change stand in it. Only between several
    changes the splitter cuts it.
    """
    words, edited_words = find_words(text), find_words(edited)
    parts = _parts(words, sentences)
    before, first = 0, 0  # sentences before the change, and their words
    keys = [word.key for word in edited_words]
    while before < len(parts) and parts[before] == keys[first : first + len(parts[before])]:
        first += len(parts[before])
        before += 1
    after, last = len(parts), len(keys)  # the first sentence after the change, and its first word
    while after > before and keys[max(first, last - len(parts[after - 1])) : last] == parts[after - 1]:
        after -= 1
        last -= len(parts[after])
    if after - before > 1 and last > first:
        yield from _cut_by_splitter(sentences, find_sentences(edited, language=language))
    elif after > before or last > first:
        start = edited_words[first - 1].end if first else 0
        end = edited_words[last].start if last < len(keys) else len(edited)
        number = sum(map(len, parts[:before]))
        # What stands around the change in the original is no part of it: a stop, a quotation mark, the mark of an item.
        following = number + sum(map(len, parts[before:after]))
        starts, ends = [*(span.start for span in sentences), len(text)], [0, *(span.end for span in sentences)]
        opening = text[words[number - 1].end : starts[before]] if before else ""
        closing = text[ends[after] : words[following].start] if after < len(sentences) else ""
        written = edited[start:end].removeprefix(opening).removesuffix(closing).strip()
        yield _Change(before, after, [written] if last > first else [])


def _parts(words: Sequence[Word], sentences: Sequence[Word]) -> list[list[str]]:
    """The keys of the words of each sentence, with those of the mark before it. The last has all that follow it."""
    parts, position = [], 0
    for sentence in sentences:
        end = next((number for number, word in enumerate(words) if word.start >= sentence.end), len(words))
        parts.append([word.key for word in words[position:end]])
        position = end
    if parts:
        parts[-1] += [word.key for word in words[position:]]
    return parts


def _cut_by_splitter(sentences: Sequence[Word], edited: Sequence[Word]) -> Iterator[_Change]:
    start = new_start = 0
    keys = [sentence.key for sentence in sentences], [sentence.key for sentence in edited]
    equal = [block for block in Levenshtein.opcodes(*keys) if block.tag == "equal"]
    blocks = [(block.src_start, block.dest_start, block.src_end, block.dest_end) for block in equal]
    for end, new_end, *next_starts in [*blocks, (len(sentences), len(edited), 0, 0)]:
        if (start, new_start) != (end, new_end):
            yield _Change(start, end, [sentence.text for sentence in edited[new_start:new_end]])
        start, new_start = next_starts
