"""What an answer can name: the words of a document, and how they stand in lists and in quotation marks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import accumulate, groupby

import regex

from faithfulness_metrics.segmentation import is_unspaced
from faithfulness_metrics.words import Fields, Word, find_words, parts_of, runs_of, words_of
from lm_eval_tasks.classification import Question
from lm_eval_tasks.styles.markup import CIRCLED
from lm_eval_tasks.styles.unwrap import BULLET

# Words: love | Key terms: love | Final answer: love | Most important: love
_WORDS_TITLE = re.compile(
    r"(?<![^\W_])(?:key)?(?:words?|terms?|tokens?|phrases?|expressions?|adjectives?|adverbs?|nouns?|verbs?|answers?"
    r"|outputs?|results?|responses?|list|important|influential|decisive|crucial|mots?|palabras?|palavras?|w[oö]rter|wort)\d{0,2}(?![^\W_])"
    r"|关键词|单词|词语|答案",
    re.IGNORECASE,
)
COLON = re.compile(r":(?!\d|//)|：|\s=\s")
# "new phone" | “love,” | 'love' | **love** | `love` | _love_
QUOTED = regex.compile(
    r"(?|[\"“”„]([^\"“”„\n]{1,100})[\"“”]|«([^«»\n]{1,100})»|`([^`\n]{1,100})`"
    r"|(?<![\w*])\*{1,3}([^*\n]{1,100})\*{1,3}(?![\w*])|(?<!\w)_{1,2}([^_\n]{1,100})_{1,2}(?!\w)"
    r"|(?<!\w)['‘](?=\w)([^\n]{1,60}?)['’](?!\w))"
)
# love, great | love; great | love | great | love / great | "love" "great"
_ITEM_END = regex.compile(r",(?!\p{N})|[;，、；]|\s[|/]\s|(?<=\w[\"”*`]{1,3})\s*(?=[\"“*`]{1,3}\w)")
SEGMENT_END = re.compile(r"[,;|，、；]")
AND = ("and", "or")
# The longest line that is searched for a sentence; real ones are shorter.
LONGEST_LINE = 1000


class Contents:
    """What can be named: the words of a document."""

    def __init__(self, fields: Fields, question: Question, mask: str) -> None:
        self.words = words_of(fields)
        self.question = question
        self.keys = frozenset(word.key for word in self.words)
        self.passage = f" {' '.join(word.key for word in self.words)} "
        self.conjunctions = frozenset((*AND, *question.phrases("and")))
        self.mask = frozenset(self.keys_in(mask))
        self.texts = [text.strip() for text in fields.values()]
        marked = []
        for word, end in zip(self.words, [-1, *(word.end for word in self.words)], strict=False):
            between = fields[word.field][end : word.start]
            follows = between.isspace() or (not between and is_unspaced(word.text))
            marked.append(word.key if follows else f", {word.key}")
        self.phrases = f" {' '.join(marked)} "

    @cached_property
    def sentence(self) -> re.Pattern[str]:
        """A sentence that names words in the question's language: Das wichtigste Wort ist gut. | 最重要的词是“好”。"""
        title, verb = self.question.pattern("titles").pattern, self.question.pattern("is").pattern
        return re.compile(
            rf"(?:{title})[^\n.:：。]{{0,60}}?(?:{verb})\s*:?\s*(?P<words>[^.!?。！？\n]+)", re.IGNORECASE
        )

    @cached_property
    def all_labels(self) -> frozenset[str]:
        """The words of the labels."""
        return frozenset(key for label in self.question.labels for key in self.keys_in(label))

    @cached_property
    def labels(self) -> frozenset[str]:
        """The words of the labels that are no words of the document."""
        return self.all_labels - self.keys

    @cached_property
    def owners(self) -> dict[str, set[str]]:
        """What a part of a treebank's word names: "film" the word ``film 's``."""
        owners: dict[str, set[str]] = {}
        for word in self.words:
            if any(map(str.isspace, word.text)):
                for part in parts_of(word.key):
                    owners.setdefault(part, set()).add(word.key)
        return {part: keys for part, keys in owners.items() if part not in self.keys}

    @cached_property
    def runs(self) -> list[tuple[str, list[tuple[int, int, str]]]]:
        """The runs without blanks: a run as it is compared, and start, end and key of each word in it."""
        runs = []
        for words in runs_of(self.words):
            ends = [*accumulate(len(word.key) for word in words)]
            spans = [(end - len(word.key), end, word.key) for word, end in zip(words, ends, strict=True)]
            runs.append(("".join(word.key for word in words), spans))
        return runs

    def keys_in(self, text: str) -> list[str]:
        """Keys of the words in a text. A run without blanks that the document holds is parted as it is there."""
        words = find_words(text)
        if not self.runs:
            return [word.key for word in words]
        first = {run[0]: run for run in runs_of(words)}
        keys: list[str] = []
        for word in words:
            keys += self._parted(first[word]) if word in first else [] if is_unspaced(word.text) else [word.key]
        return keys

    def _parted(self, words: Sequence[Word]) -> list[str]:
        run = "".join(word.key for word in words)
        if run not in self.keys:
            for text, spans in self.runs:
                if (start := text.find(run)) >= 0:
                    return [key for first, last, key in spans if first < start + len(run) and start < last]
            return [word.key for word in words]
        return [run]

    def is_copied(self, text: str, keys: Sequence[str]) -> bool:
        """Whether a text of these words is the whole document, and no list of it such as ``a) love``."""
        if list(keys) != [word.key for word in self.words]:
            return False
        bullet, colon = BULLET.match(text), COLON.search(text)
        listed = bool(bullet and self.keys_in(bullet.group())) or bool(colon and is_title(text[: colon.start()], self))
        commented = "(" in text and not any("(" in original for original in self.texts)
        return self.says(text) or not (listed or commented or CIRCLED.match(text.strip()))

    def says(self, text: str) -> bool:
        """Whether a text stands in the document as it is, but for case and the quotation marks around it."""
        passage = text.strip(" \"“”'*`").casefold()
        return any(passage in text.casefold() for text in self.texts)

    def has_phrase(self, keys: Iterable[str]) -> bool:
        """Whether these words follow each other in the document, with nothing but blanks between them."""
        return f" {' '.join(keys)} " in self.phrases

    def holds(self, keys: Iterable[str]) -> bool:
        """Whether all keys are words of the document."""
        return all(key in self.keys or key in self.owners for key in keys)

    def located(self, keys: Iterable[str]) -> set[str]:
        """The words of the document that the keys name."""
        return {owner for key in keys for owner in self.owners.get(key, {key})}


def is_title(title: str, contents: Contents) -> bool:
    """Whether words follow this title: one that says so, or the title of a field."""
    names = "|".join(map(re.escape, contents.question.titles))
    says_so = _WORDS_TITLE.search(title) or contents.question.pattern("titles").search(title)
    return bool(says_so or re.fullmatch(rf"\W*(?:{names})\W*", title, re.IGNORECASE))


def listed_in(text: str, contents: Contents) -> list[str]:
    """Keys of the words in a list, word by word also in phrases; none where a word is not in the document."""
    items = [contents.keys_in(item) for item in _ITEM_END.split(text)]
    items = [item for item in items if item]
    keys = [key for item in items for key in item]
    if len(items) < 2 or f" {' '.join(keys)} " not in contents.passage:
        # Not where it is a passage of the document: rain, cold, and annoying people
        plain = [_without_conjunction(item, number, contents) for number, item in enumerate(items)]
        keys = [key for item in plain for key in item] if all(plain) else []
    return keys if contents.holds(keys) else []


def _without_conjunction(item: list[str], number: int, contents: Contents) -> list[str]:
    """The words of an item without "and" between them; none where "and" may be a named word."""
    # love, and great
    if number and len(item) > 1 and item[0] in contents.conjunctions:
        item = item[1:]
    # love and great: two words, unless the document says "love and great"
    if len(item) == 1 or contents.has_phrase(item) or contents.conjunctions.isdisjoint(item):
        return item
    sides = [list(side) for is_and, side in groupby(item, key=contents.conjunctions.__contains__) if not is_and]
    ands = sum(key in contents.conjunctions for key in item)
    # love and and | and love | love and great it, in a document that says "and"
    if ands != len(sides) - 1:
        return []
    named = contents.holds(key for key in item if key in contents.conjunctions)
    if named and not all(len(side) == 1 or contents.has_phrase(side) for side in sides):
        return []
    return [key for side in sides for key in side]


def segments_in(text: str, contents: Contents) -> list[str]:
    """The words of the document that stand between commas, one or two at a time, in a text with more than that."""
    segments = [contents.keys_in(segment) for segment in SEGMENT_END.split(text)]
    short = [keys for keys in segments if keys and len(keys) < 3 and contents.holds(keys)]
    return [key for keys in short for key in keys] if len(segments) > 1 else []


def quoted_in(text: str, contents: Contents) -> tuple[str, ...]:
    """The words of the document that a text quotes."""
    phrases = [contents.keys_in(quote[1]) for quote in QUOTED.finditer(text[:LONGEST_LINE])]
    return tuple(key for keys in phrases if keys and contents.holds(keys) for key in keys)
