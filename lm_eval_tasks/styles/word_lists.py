"""The words that an answer names, line by line: all of them, or none where a line cannot be accounted for.

A list may go on in the next line, in another paragraph, or after another title. So no line is skipped because a list
was read before it. Each line names words, is talk, or is unclear, and an answer with an unclear line is no list.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

import regex

from faithfulness_metrics.words import Fields, find_words, parts_of, words_of
from lm_eval_tasks.classification import Question
from lm_eval_tasks.styles.markup import lines_of
from lm_eval_tasks.styles.unwrap import BULLET

# Words: love | Key terms: love | Final answer: love | Most important: love
_WORDS_TITLE = re.compile(
    r"(?<![^\W_])(?:key)?(?:words?|terms?|tokens?|phrases?|expressions?|adjectives?|adverbs?|nouns?|verbs?|answers?"
    r"|outputs?|results?|responses?|list|important|influential|decisive|crucial)\d{0,2}(?![^\W_])",
    re.IGNORECASE,
)
# Note: … | **Explanation:** … | Why these words: …
_COMMENT_TITLE = re.compile(
    r"^\W*(?:please )?(?:note|explanation|reason|rationale|justification|why|because|comment|analysis|context|sentiment"
    r"|label|classification|prediction|weight|score|importance|count|p\.?s)",
    re.IGNORECASE,
)
# Sure! | Hope this helps!
_TALK = re.compile(
    r"^\W*(?:sure(?: thing)?|certainly|of course|absolutely|okay|ok|alright|got it|understood|thanks|thank you"
    r"|great question|hope (?:this|that|it) helps)?\W*$",
    re.IGNORECASE,
)
_NONE = re.compile(r"^\W*(?:none|n/a|nothing|no words?)\W*$", re.IGNORECASE)
# Separates a word from the comment on it.
COMMENT = re.compile(r"\s(?:[-–—]+|=)\s|:(?!\d|//)|\s*(?:->|→|=>)|\s+because\s+(?=\w)")
_COLON = re.compile(r":(?!\d|//)|：|\s=\s")
_PARENTHESES = re.compile(r"\s\([^()]*\)")
_SENTENCE_END = regex.compile(r"(?<=[.!?][\"”’)*_]{0,3})\s+(?=[\"“‘'*(_]{0,3}\p{Lu})")
# The most important words are love and great | The answer is love, but not: The word shows that it is …
_SENTENCES = [
    re.compile(
        r"\b(?:words?|terms?|phrases?|answer)(?: (?:that|which|who|for|in|of|from|to|here|above|i|with)\b[^.\n:\"“]{0,120}?)?"
        r" (?:are|is|were|was|include|would be)\b:?\s*(?P<words>[^.!?\n]+)",
        re.IGNORECASE,
    ),
    # … because of the words love and great.
    re.compile(
        r"\bof the words? (?!(?:that|which|in|of|are|is|to|for|above|and)\b)(?P<words>[^.!?\n]+)[.!]?$", re.IGNORECASE
    ),
]
_NAMES_WORDS = re.compile(
    r"\b(?:(?:key)?(?:words?|terms?|phrases?|expressions?|adjectives?|tokens?)|answers?|important|influential|decisive"
    r"|i (?:chose|choose|picked|selected|named|would (?:say|choose|pick)))\b"
    r"|^\W*(?:it|that|this)(?: is|['’]s| was| would be)\b",
    re.IGNORECASE,
)
# ### Answer | **Final Answer** | **Words:**
_HEADING = re.compile(r"^\s*(?:#{1,6}\s[^\n]{1,100}|\*\*[^*\n]{1,100}\*\*:?\s*)$")
_DENIAL = re.compile(r"\b(?:not|never|neither|nor|rather than|instead of|unlike|without|except)\b|n['’]t\b", re.IGNORECASE)
# "new phone" | “love,” | 'love' | **love** | `love` | _love_
QUOTED = regex.compile(
    r"(?|[\"“”„]([^\"“”„\n]{1,100})[\"“”]|«([^«»\n]{1,100})»|`([^`\n]{1,100})`"
    r"|(?<![\w*])\*{1,3}([^*\n]{1,100})\*{1,3}(?![\w*])|(?<!\w)_{1,2}([^_\n]{1,100})_{1,2}(?!\w)"
    r"|(?<!\w)['‘](?=\w)([^\n]{1,60}?)['’](?!\w))"
)
# love, great | love; great | love | great | love / great | "love" "great"
_ITEM_END = regex.compile(r",(?!\p{N})|;|\s[|/]\s|(?<=\w[\"”*`]{1,3})\s*(?=[\"“*`]{1,3}\w)")
_SEGMENT_END = re.compile(r"[,;|]")
_AND = ("and", "or")
# The longest line that is searched for a sentence; real ones are shorter.
_LONGEST = 1000


@dataclass(frozen=True)
class Line:
    """One line of an answer."""

    # ``list``, ``group`` (a list after a title that says nothing of words), ``sentence``, ``heading``, ``talk``,
    # ``unknown`` (a list with words that are not in the document) or ``unclear``
    kind: str
    keys: tuple[str, ...] = ()  # the words that it names; of talk, the words of the document that it quotes
    titled: bool = False  # whether the list has a title


class Contents:
    """What can be named: the words of a document."""

    def __init__(self, fields: Fields, question: Question, mask: str) -> None:
        self.words = words_of(fields)
        self.question = question
        self.keys = frozenset(word.key for word in self.words)
        self.passage = f" {' '.join(word.key for word in self.words)} "
        self.mask = frozenset(_keys(mask))
        self.texts = {text.strip() for text in fields.values()}
        self.has_parentheses = any("(" in text for text in fields.values())
        marked = [
            word.key if fields[word.field][end : word.start].isspace() else f", {word.key}"
            for word, end in zip(self.words, [-1, *(word.end for word in self.words)], strict=False)
        ]
        self.phrases = f" {' '.join(marked)} "

    @cached_property
    def all_labels(self) -> frozenset[str]:
        """The words of the labels."""
        return frozenset(key for label in self.question.labels for key in _keys(label))

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

    def is_copied(self, text: str, keys: Sequence[str]) -> bool:
        """Whether a text of these words is the whole document, and no list of it such as ``a) love``."""
        if list(keys) != [word.key for word in self.words]:
            return False
        bullet, colon = BULLET.match(text), _COLON.search(text)
        listed = bool(bullet and _keys(bullet.group())) or bool(colon and _is_title(text[: colon.start()], self))
        return text.strip() in self.texts or not listed

    def has_phrase(self, keys: Iterable[str]) -> bool:
        """Whether these words follow each other in the document, with nothing but blanks between them."""
        return f" {' '.join(keys)} " in self.phrases

    def holds(self, keys: Iterable[str]) -> bool:
        """Whether all keys are words of the document."""
        return all(key in self.keys or key in self.owners for key in keys)

    def located(self, keys: Iterable[str]) -> set[str]:
        """The words of the document that the keys name."""
        return {owner for key in keys for owner in self.owners.get(key, {key})}


def read_lines(text: str, contents: Contents) -> list[Line]:
    """What the lines of an answer without markup are."""
    return [line for row in lines_of(text) if _keys(row) for line in _read(row, contents)]


def named_words(text: str, lines: Sequence[Line], contents: Contents) -> tuple[set[str], str]:
    """All words that an answer of these lines names, and why it names none; either is empty.

    Returns:
        Keys of words of the document, and the reason.
    """
    everything = _keys(text)
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
    quoted = {key for line in lines if line.kind == "talk" for key in line.keys}
    if not named or not named >= sentences | quoted:
        return set(), "no word named"
    return contents.located(named), ""


def mentioned(lines: Iterable[Line], contents: Contents) -> set[str]:
    """Words of the document that any line lists or names in a sentence, sound or not as a whole."""
    named = {key for line in lines if line.kind != "talk" for key in line.keys}
    return contents.located(key for key in named if contents.holds([key]))


def _read(row: str, contents: Contents) -> list[Line]:
    """What a row of an answer is; sentence by sentence where it is nothing as a whole."""
    bullet = BULLET.match(row)
    line = _line(row[bullet.end() :] if bullet else row, contents)
    if bullet and (number := _keys(bullet.group())) and contents.holds(number) and line.kind not in ("list", "sentence"):
        # 1: it shows joy, in a document that says "1"
        return [Line("unclear", tuple(number))]
    if line.kind not in ("talk", "unclear", "unknown") or len(row) > _LONGEST:
        return [line]
    sentences = [_line(sentence, contents) for sentence in _SENTENCE_END.split(row) if _keys(sentence)]
    # Sports. The article is about a match: the label again
    again = any(line.kind == "list" and contents.all_labels.issuperset(line.keys) for line in sentences)
    return sentences if len(sentences) > 1 and not again else [line]


def _line(text: str, contents: Contents) -> Line:
    keys, colon = _keys(text), _COLON.search(text)
    if colon and 0 < colon.start() <= 300 and (line := _titled(text[: colon.start()], text[colon.end() :], contents)):
        return line
    listed = _listed(text, contents)
    if listed:
        return Line("list" if _is_plain(text, keys, contents) else "unclear", tuple(listed))
    if _HEADING.match(text) and _is_title(text, contents) and contents.keys.isdisjoint(keys):
        return Line("heading")
    if set(keys) <= contents.labels | contents.mask or (contents.keys.isdisjoint(keys) and (_TALK.match(text) or _NONE.match(text))):
        return Line("talk")
    # love - it shows joy | love (positive), great | love, great because they show joy
    head, *comments = COMMENT.split(_PARENTHESES.sub("", text))
    if (head != text) and len(comments) < 2 and (listed := _listed(head, contents)):
        return Line("list" if _is_head(head, comments, contents) else "unclear", tuple(listed))
    return _sentence(text, contents) if len(text) <= _LONGEST else Line("talk")


def _titled(title: str, content: str, contents: Contents) -> Line | None:
    """What a title and the text behind it are; None where they have no meaning as such."""
    titled, keys = _keys(title), _keys(content)
    if not titled:
        return None
    is_title, in_document = _is_title(title, contents), contents.holds(titled)
    if not keys:
        # Here are the words: | Love:
        return Line("unclear", tuple(titled)) if in_document and len(titled) < 3 and not is_title else Line("heading")
    listed = _listed(content, contents)
    if _COMMENT_TITLE.match(title):
        listed = listed or _segments(content, contents) or (titled if in_document else [])
        return Line("unclear", tuple(listed)) if listed else Line("talk", _quoted(content, contents))
    label = set(titled) <= contents.labels
    if not is_title and not label:
        # Adjectives of joy: love
        is_group = listed and len(titled) < 4 and contents.keys.isdisjoint(titled)
        return Line("group", tuple(listed), titled=True) if is_group else None
    if _NONE.match(content):
        return Line("unclear", tuple(listed)) if listed else Line("talk" if is_title else "group", titled=True)
    if set(keys) <= contents.labels | contents.mask:
        # Sentiment word: negative
        return Line("talk")
    if listed and not _PARENTHESES.search(content):
        return Line("list" if is_title else "group", tuple(listed), titled=True)
    line = _line(content, contents) if not _COLON.search(content) else Line("unclear", tuple(_segments(content, contents)))
    if line.kind not in ("list", "sentence"):
        named = (*line.keys, *titled) if in_document else line.keys
        return Line("unclear" if line.kind == "unclear" else "unknown", named)
    return Line(line.kind if is_title else "group", line.keys, titled=True)


def _is_title(title: str, contents: Contents) -> bool:
    """Whether words follow this title: one that says so, or the title of a field."""
    names = "|".join(map(re.escape, contents.question.titles))
    return bool(_WORDS_TITLE.search(title) or re.fullmatch(rf"\W*(?:{names})\W*", title, re.IGNORECASE))


def _is_plain(text: str, keys: Sequence[str], contents: Contents) -> bool:
    """Whether words of the document are a list, and not a sentence or a comment that has no other words."""
    if f" {' '.join(keys)} " in contents.passage and (contents.has_parentheses or not _PARENTHESES.search(text)):
        return True
    # love (great) | love: great | The word "love" is great.
    quoted = {key for quote in QUOTED.finditer(text[:_LONGEST]) for key in _keys(quote[1])}
    mixed = bool(quoted) and not quoted >= set(keys) - set(_AND)
    return not (mixed or _PARENTHESES.search(text) or COMMENT.search(text))


def _is_head(head: str, comments: Sequence[str], contents: Contents) -> bool:
    # I love it: great is talk, and love: great two words
    comment = _keys(" ".join(comments))
    short = all(len(_keys(item)) < 4 for item in re.split(r"[,;|/]", head))
    # Sports: the article is about a match: the label again
    again = not contents.all_labels.isdisjoint(_keys(head))
    return short and not again and not (comment and contents.holds(comment))


def _sentence(text: str, contents: Contents) -> Line:
    """A line of prose: one that names words, or talk."""
    phrases = [_keys(quote[1]) for quote in QUOTED.finditer(text)]
    phrases = [keys for keys in phrases if keys and not set(keys) <= contents.labels | contents.mask]
    if _NAMES_WORDS.search(text) and phrases:
        quoted = tuple(key for keys in phrases for key in keys)
        clear = contents.holds(quoted) and not _DENIAL.search(QUOTED.sub('""', text))
        return Line("sentence" if clear else "unclear", quoted)
    for match in filter(None, [] if phrases else [sentence.search(text) for sentence in _SENTENCES]):
        words = match["words"]
        if not _listed(words, contents):
            words = re.split(r",?\s+(?:because|as|since|which|that)\s", words)[0]
        # The answer is business: the label again
        if (listed := _listed(words, contents)) and not contents.all_labels.issuperset(listed):
            return Line("unclear" if _DENIAL.search(text) else "sentence", tuple(listed))
    return _talk(text, contents)


def _talk(text: str, contents: Contents) -> Line:
    """Prose that names no word; unclear where it may be a list."""
    listed = _segments(text, contents)
    if listed or max(len(_keys(segment)) for segment in _SEGMENT_END.split(text)) < 3:
        return Line("unclear" if contents.holds(_keys(text)) else "unknown", tuple(listed))
    return Line("talk", _quoted(text, contents))


def _segments(text: str, contents: Contents) -> list[str]:
    """The words of the document that stand between commas, one or two at a time, in a text with more than that."""
    segments = [_keys(segment) for segment in _SEGMENT_END.split(text)]
    short = [keys for keys in segments if keys and len(keys) < 3 and contents.holds(keys)]
    return [key for keys in short for key in keys] if len(segments) > 1 else []


def _quoted(text: str, contents: Contents) -> tuple[str, ...]:
    """The words of the document that a text quotes."""
    phrases = [_keys(quote[1]) for quote in QUOTED.finditer(text[:_LONGEST])]
    return tuple(key for keys in phrases if keys and contents.holds(keys) for key in keys)


def _keys(text: str) -> list[str]:
    return [word.key for word in find_words(text)]


def _listed(text: str, contents: Contents) -> list[str]:
    """Keys of the words in a list, word by word also in phrases; none where a word is not in the document."""
    items = [_keys(item) for item in _ITEM_END.split(text)]
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
    if number and len(item) > 1 and item[0] in _AND:
        item = item[1:]
    # love and great: two words, unless the document says "love and great"
    if len(item) == 1 or contents.has_phrase(item) or not set(_AND) & set(item):
        return item
    sides = [list(side) for is_and, side in groupby(item, key=_AND.__contains__) if not is_and]
    ands = sum(key in _AND for key in item)
    # love and and | and love | love and great it, in a document that says "and"
    if ands != len(sides) - 1:
        return []
    named = contents.holds(key for key in item if key in _AND)
    if named and not all(len(side) == 1 or contents.has_phrase(side) for side in sides):
        return []
    return [key for side in sides for key in side]
