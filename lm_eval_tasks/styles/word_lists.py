"""The words that an answer names, line by line: all of them, or none where a line cannot be accounted for.

A list may go on in the next line, in another paragraph, or after another title. So no line is skipped because a list
was read before it. Each line names words, is talk, or is unclear, and an answer with an unclear line is no list.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

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
# Sure! | Hope this helps! | N/A | none
_TALK = re.compile(
    r"^\W*(?:sure(?: thing)?|certainly|of course|absolutely|okay|ok|alright|got it|understood|thanks|thank you|none"
    r"|great question|hope (?:this|that|it) helps|n/a|nothing)?\W*$",
    re.IGNORECASE,
)
# Separates a word from the comment on it.
COMMENT = re.compile(r"\s(?:[-–—]+|=)\s|:(?!\d|//)|\s*(?:->|→|=>)|\s+because\s+(?=\w)")
_COLON = re.compile(r":(?!\d|//)|：|\s=\s")
_PARENTHESES = re.compile(r"\s\([^()]*\)")
_SENTENCE_END = regex.compile(r"(?<=[.!?][\"”’)*_]{0,3})\s+(?=[\"“‘'*(_]{0,3}\p{Lu})")
# The most important words are love and great | The answer is love | because of the words love and great
# (but not: The word shows that it is …)
_SENTENCE = re.compile(
    r"\b(?:words?|terms?|phrases?|answer)(?: (?:that|which|who|for|in|of|from|to|here|above|i|with)\b[^.\n:\"“]{0,120}?)?"
    r" (?:are|is|were|was|include|would be)\b:?\s*(?P<words>[^.!?\n]+)"
    r"|\bof the words? (?!that\b|which\b|in\b|of\b|are\b|is\b|to\b|for\b|above\b|and\b)(?P<last>[^.!?\n]+)[.!]?$",
    re.IGNORECASE,
)
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
_SEGMENT_END = re.compile(r"[,;|]")
_AND = ("and", "or")
# The longest line that is searched for a sentence; real ones are shorter.
_LONGEST = 1000


@dataclass(frozen=True)
class Line:
    """One line of an answer."""

    kind: str  # ``list``, ``sentence``, ``labelled`` (a list after a label), ``talk`` or ``unclear``
    keys: tuple[str, ...] = ()  # the words that it names; of talk, the words of the document that it quotes


class Contents:
    """What can be named: the words of a document."""

    def __init__(self, fields: Fields, question: Question, mask: str) -> None:
        self.words = words_of(fields)
        self.question = question
        self.keys = frozenset(word.key for word in self.words)
        self.passage = f" {' '.join(word.key for word in self.words)} "
        self.mask = frozenset(_keys(mask))

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
    if f" {' '.join(everything)} " in contents.passage and len(everything) == len(contents.words):
        # A copy of the text names all of it, with what looks like a title or a comment.
        return contents.located(everything), ""
    labelled = [line for line in lines if line.kind == "labelled"]
    lists = [line.keys for line in lines if line.kind == "list"]
    # Positive: love: the label again
    lists += [line.keys for line in labelled] if len(labelled) > 1 or lists else []
    sentences = {key for line in lines if line.kind == "sentence" for key in line.keys}
    named = {key for keys in lists for key in keys} or sentences
    quoted = {key for line in lines if line.kind == "talk" for key in line.keys}
    if unclear := [line for line in lines if line.kind == "unclear"]:
        return set(), "no word named" if all(line.keys for line in unclear) else "word not in the text"
    if not named or not named >= sentences | quoted:
        return set(), "no word named"
    return contents.located(named), ""


def mentioned(lines: Iterable[Line], contents: Contents) -> set[str]:
    """Words of the document that any line lists or names in a sentence, sound or not as a whole."""
    named = {key for line in lines if line.kind != "talk" for key in line.keys}
    return contents.located(key for key in named if contents.holds([key]))


def _read(row: str, contents: Contents) -> list[Line]:
    """What a row of an answer is; sentence by sentence where it is nothing as a whole."""
    row = BULLET.sub("", row)
    line = _line(row, contents)
    if line.kind not in ("talk", "unclear") or len(row) > _LONGEST:
        return [line]
    sentences = [_line(sentence, contents) for sentence in _SENTENCE_END.split(row) if _keys(sentence)]
    # Sports. The article is about a match: the label again
    again = any(line.kind == "list" and contents.all_labels.issuperset(line.keys) for line in sentences)
    return sentences if len(sentences) > 1 and not again else [line]


def _line(text: str, contents: Contents, title_may_follow: bool = True) -> Line:
    keys = _keys(text)
    colon = _COLON.search(text)
    title, content = (text[: colon.start()], text[colon.end() :]) if colon else ("", "")
    titled = _keys(title) if title_may_follow and len(title) <= 300 else []
    if titled and not _keys(content):
        # Here are the words: | Love:
        unclear = contents.holds(titled) and len(titled) < 3 and not _is_title(title, contents)
        return Line("unclear", tuple(titled)) if unclear else Line("talk")
    if titled and _COMMENT_TITLE.match(title):
        listed = _listed(content, contents) or _segments(content, contents)
        return Line("unclear", tuple(listed)) if listed else Line("talk", _quoted(text, contents))
    if titled and (label := set(titled) <= contents.labels) | _is_title(title, contents):
        if set(_keys(content)) <= contents.labels | contents.mask or _TALK.match(content):
            # Sentiment word: negative | Positive: none
            return Line("labelled" if label and _TALK.match(content) else "talk")
        line = _line(content, contents, title_may_follow=False)
        kind = "labelled" if label and not _is_title(title, contents) else line.kind
        return Line(kind, line.keys) if line.kind in ("list", "sentence") else Line("unclear", line.keys)
    if listed := _listed(text, contents):
        return Line("list", tuple(listed))
    if _HEADING.match(text) and _is_title(text, contents) and contents.keys.isdisjoint(keys):
        return Line("talk")
    if set(keys) <= contents.labels | contents.mask or _TALK.match(text):
        return Line("talk")
    # love - it shows joy | love (positive), great | love, great because they show joy
    parts = COMMENT.split(_PARENTHESES.sub("", text))
    if len(parts) < 3 and (listed := _listed(parts[0], contents)) and _is_head(parts, parts[0] != text, contents):
        return Line("list", tuple(listed))
    return _sentence(text, contents) if len(text) <= _LONGEST else Line("talk")


def _is_title(title: str, contents: Contents) -> bool:
    """Whether words follow this title: one that says so, or the title of a field."""
    names = "|".join(map(re.escape, contents.question.titles))
    return bool(_WORDS_TITLE.search(title) or re.fullmatch(rf"\W*(?:{names})\W*", title, re.IGNORECASE))


def _is_head(parts: Sequence[str], commented: bool, contents: Contents) -> bool:
    # I love it: great is talk, and love: great two words
    comment = _keys(parts[1]) if len(parts) > 1 else []
    short = all(len(_keys(item)) < 4 for item in re.split(r"[,;|/]", parts[0]))
    # Sports: the article is about a match: the label again
    again = commented and not contents.all_labels.isdisjoint(_keys(parts[0]))
    return short and not again and not (comment and contents.holds(comment))


def _sentence(text: str, contents: Contents) -> Line:
    """A line of prose: one that names words, or talk."""
    phrases = [_keys(quote[1]) for quote in QUOTED.finditer(text)]
    phrases = [keys for keys in phrases if keys and not set(keys) <= contents.labels | contents.mask]
    if _NAMES_WORDS.search(text) and phrases:
        quoted = tuple(key for keys in phrases for key in keys)
        clear = contents.holds(quoted) and not _DENIAL.search(QUOTED.sub('""', text))
        return Line("sentence" if clear else "unclear", quoted)
    if (match := _SENTENCE.search(text)) and not phrases:
        words = re.split(r",?\s+(?:because|as|since|which|that)\s", match["words"] or match["last"].rstrip(".! "))[0]
        # The answer is business: the label again
        if (listed := _listed(words, contents)) and not contents.all_labels.issuperset(listed):
            return Line("unclear" if _DENIAL.search(text) else "sentence", tuple(listed))
    return _talk(text, contents)


def _talk(text: str, contents: Contents) -> Line:
    """Prose that names no word; unclear where it may be a list."""
    listed = _segments(text, contents)
    if listed or max(len(_keys(segment)) for segment in _SEGMENT_END.split(text)) < 3:
        return Line("unclear", tuple(listed))
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
    # love, great | love; great | 1. love\n2. great | - love\n- great | ["love", "great"] | love | great
    items = [_keys(item) for item in regex.split(r",(?!\p{N})|;|\s\|\s|\s/\s", text)]
    keys = [key for item in items for key in item]
    if f" {' '.join(keys)} " not in contents.passage:
        # Not where it is a passage of the document: rain, cold, and annoying people
        keys = [key for item in items for key in _without_conjunction(item, contents.passage)]
    return keys if contents.holds(keys) else []


def _without_conjunction(item: list[str], passage: str) -> list[str]:
    # love, and great
    if len(item) > 1 and item[0] in _AND:
        item = item[1:]
    # love and great: two words, unless the document says "love and great"
    if f" {' '.join(item)} " in passage:
        return item
    return [key for key in item if key not in _AND] if len(item) > 1 else item
