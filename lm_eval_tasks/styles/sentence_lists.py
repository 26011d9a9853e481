"""The sentences that an answer names (`unit=sentence`): all of them, or none where a part cannot be accounted for.

Models copy a sentence a little otherwise than the splitter cuts it. So a passage of the document names every sentence
of which it holds at least half the words. It may hold a smaller part of none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from itertools import chain

import regex

from faithfulness_metrics.sentences import find_sentences
from faithfulness_metrics.words import Fields, Word, find_words, occurrences, words_of
from lm_eval_tasks.styles.explanation import Explanation, Request, invalid, types_of
from lm_eval_tasks.styles.markup import without_markup
from lm_eval_tasks.styles.unwrap import BULLET, is_refusal, readings, unquoted, without_phrases
from lm_eval_tasks.thoughts import after_thinking

PART, ABSENT, NOTHING = "only a part of a sentence", "sentence not in the text", "no sentence named"

# The longest answer that is read beside a copy of the text, characters.
_LONGEST_ANSWER = 20_000

# The sentence "My card was stolen." | “My card was stolen.”
_QUOTED = regex.compile(r"[\"“”„]([^\"“”„\n]{1,3000})[\"“”]|«([^«»\n]{1,3000})»|\*\*([^*\n]{1,3000})\*\*")
# Sentence 1: … | The most important sentence is … | Most important sentences: …
_TITLE = regex.compile(
    r"^\W{0,4}(?:the |my )?(?:[\w-]+ ){0,3}sentences?(?: \d{1,2})?\b[^\n:.\"“]{0,80}?"
    r"(?::|\b(?:is|are|was|were)\b:?)\s*",
    regex.IGNORECASE,
)
# My card was stolen. This sentence shows … | My card was stolen. It is … | … (It says so.) | … because it …
_TALK = regex.compile(
    r"^\W*(?:this|that|it|these|they|the (?:\w+ )?(?:sentences?|answer|text|word)|because|since|as it|which"
    r"|note|explanation|reason|i (?:chose|picked|selected|think|believe)|my (?:answer|choice|reason))\b",
    regex.IGNORECASE,
)
# "A" is not important, "B" is
_DENIAL = regex.compile(r"\b(?:not|never|neither|nor|cannot)\b|n['’]t\b", regex.IGNORECASE)
# A quoted label or word is no sentence: this many words are.
_SENTENCE = 4


def parse_sentences(answer: str, fields: Fields, request: Request) -> Explanation:
    """Read the sentences an answer names: all of them, or the explanation is not valid.

    Valid: at least one sentence is named, every named passage is in the document, and with budget ``oneword`` exactly
    one type of sentence is named.
    """
    passages = _Passages(fields, request)
    text = after_thinking(answer).strip()
    if len(text) > _LONGEST_ANSWER + 4 * sum(map(len, fields.values())):
        return invalid(NOTHING)
    reason, question = NOTHING, request.question
    texts = dict.fromkeys((text, without_markup(text), without_phrases(text, question)))
    read = [passages.read(reading) for reading in chain.from_iterable(map(readings, texts))]
    for named in [*read, passages.quoted(text)]:
        if isinstance(named, str):
            reason = named if reason == NOTHING else reason
            continue
        keys = {passages.sentences[position].key for position in named}
        if request.budget == "oneword" and len(keys) > 1:
            return invalid("more than one sentence")
        positions = occurrences(passages.sentences, keys)
        return Explanation(True, words=tuple(types_of(passages.sentences, positions).values()), positions=positions)
    return invalid("refusal" if is_refusal(answer, question) else reason)


def whole_sentences(words: Sequence[Word], positions: Collection[int], sentences: Sequence[Word]) -> list[int] | None:
    """The sentences that hold the words at `positions`; None where a sentence has less than half its words there."""
    owners = _sentence_of_each(words, sentences)
    sizes, named = Counter(owners), Counter(owners[position] for position in set(positions))
    sentences_named = sorted(number for number in named if number is not None)
    return None if any(2 * named[number] < sizes[number] for number in sentences_named) else sentences_named


def _sentence_of_each(words: Sequence[Word], sentences: Sequence[Word]) -> list[int | None]:
    """The number of the sentence that each word is in; None for the mark of an item of a list. Both are in order."""
    owners, number = list[int | None](), 0
    fields = list(dict.fromkeys(word.field for word in words))
    places = [(fields.index(sentence.field), sentence.end) for sentence in sentences]
    for word in words:
        place = fields.index(word.field), word.start
        while number < len(sentences) and places[number] <= place:
            number += 1
        inside = number < len(sentences) and (places[number][0], sentences[number].start) <= place
        owners.append(number if inside else None)
    return owners


def _keys_in(text: str) -> list[str]:
    return [word.key for word in find_words(text)]


class _Passages:
    """The passages of a document."""

    def __init__(self, fields: Fields, request: Request) -> None:
        self.words = words_of(fields)
        self.sentences = request.units(fields)
        self.titles = [title.casefold() for title in request.question.titles]
        self.language = request.question.language
        self.keys = {name: [word.key for word in self.words if word.field == name] for name in fields}

    def read(self, text: str) -> set[int] | str:
        """Positions of the sentences in a text that names them and nothing else but comments; or why there are none."""
        if isinstance(whole := self._sentences_of(text), set):
            return whole
        named = set[int]()
        for line in filter(str.strip, text.splitlines()):
            positions = self._read_line(line)
            if isinstance(positions, str) and not (named and (_TALK.match(line) or not _keys_in(line))):
                return positions
            named |= positions if isinstance(positions, set) else set()
        return named or whole

    def quoted(self, text: str) -> set[int] | str:
        """Positions of the sentences that a text quotes; or why there are none."""
        quotes = [next(filter(None, quote.groups()), "") for quote in _QUOTED.finditer(text)]
        named, long = set[int](), 0
        for quote in quotes:
            positions = self._sentences_of(quote)
            if isinstance(positions, str) and len(_keys_in(quote)) >= _SENTENCE:
                return positions
            if isinstance(positions, set):
                named, long = named | positions, long + 1
        unclear = long > 1 and _DENIAL.search(_QUOTED.sub('""', text))
        return NOTHING if unclear or not named else named

    def _read_line(self, line: str) -> set[int] | str:
        """The sentences of a line; a comment may follow them."""
        line = BULLET.sub("", line).strip()
        for variant in dict.fromkeys((line, unquoted(line), unquoted(_TITLE.sub("", line)), self._untitled(line))):
            if isinstance(positions := self._sentences_of(variant), set):
                return positions
        line = _TITLE.sub("", self._untitled(line))
        named, comment = set[int](), False
        for sentence in find_sentences(line, language=self.language):
            positions = self._sentences_of(sentence.text)
            if isinstance(positions, set) and not comment:
                named |= positions
            elif isinstance(positions, set) or not named or not (comment or _TALK.match(sentence.text)):
                return ABSENT if isinstance(positions, set) else positions
            else:
                comment = True
        return named or NOTHING

    def _untitled(self, line: str) -> str:
        # Tweet: My card was stolen. | 问题：…
        title, colon, rest = line.replace("：", ":").partition(":")
        return rest.strip() if colon and title.strip(" *_").casefold() in self.titles else line

    def _sentences_of(self, text: str) -> set[int] | str:
        """The sentences that a passage of the document holds, at its first occurrence; or why it is none.

        A sentence can be a part of another one: what is a whole sentence names that one.
        """
        keys, first = _keys_in(text), 0
        if not keys:
            return NOTHING
        if positions := {number for number, span in enumerate(self.sentences) if span.key == " ".join(keys)}:
            return positions
        for field_keys in self.keys.values():
            before, passage, _ = f" {' '.join(field_keys)} ".partition(f" {' '.join(keys)} ")
            if passage:
                start = first + before.count(" ")
                sentences = whole_sentences(self.words, range(start, start + len(keys)), self.sentences)
                return PART if sentences is None else set(sentences) or NOTHING
            first += len(field_keys)
        return ABSENT
