"""What one line of an answer is: a list of words, a sentence that names words, a heading or talk."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import regex

from lm_eval_tasks.styles.markup import lines_of
from lm_eval_tasks.styles.nameable import (
    COLON,
    LONGEST_LINE,
    QUOTED,
    SEGMENT_END,
    Contents,
    is_title,
    listed_in,
    quoted_in,
    segments_in,
)
from lm_eval_tasks.styles.unwrap import BULLET

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
# Sure! love
_INTERJECTION = re.compile(
    r"^\W*(?:sure|certainly|absolutely|of course|okay|ok|alright|yes)[!.]\s+(?=\S)", re.IGNORECASE
)
_NONE = re.compile(r"^\W*(?:none|n/a|nothing|no words?)\W*$", re.IGNORECASE)
# Separates a word from the comment on it.
COMMENT = re.compile(r"\s(?:[-–—]+|=)\s|:(?!\d|//)|\s*(?:->|→|=>)|\s+because\s+(?=\w)")
# (a positive word)
_IN_PARENTHESES = re.compile(r"\s*(?:\([^()]*\)|（[^（）]*）)\W*")
_PARENTHESES = re.compile(r"\s\([^()]*\)|（[^（）]*）")
_SENTENCE_END = regex.compile(r"(?<=[.!?][\"”’)*_]{0,3})\s+(?=[\"“‘'*(_]{0,3}\p{Lu})")
# The most important words are love and great | The answer is love, but not: The word shows that it is …
_SENTENCES = [
    re.compile(
        r"(?<!\bthis )(?<!\bthat )(?<!\bthese )(?<!\bthose )\b(?:words?|terms?|phrases?|answer)"
        r"(?: (?:that|which|who|for|in|of|from|to|here|above|i|with)\b[^.\n:\"“]{0,120}?)?"
        r" (?:are|is|were|was|include|would be)\b:?"
        r"(?!\s*(?:the|an?|one|not)\s+\w)\s*(?P<words>[^.!?\n]+)",
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
_BECAUSE = re.compile(r",?\s+(?:because|as|since|which|that)\s")
# It's "love".
_IT_IS = regex.compile(
    rf"\W*(?:it|that|this)(?: is|['’]s| was| would be) (?P<words>{QUOTED.pattern})\W*", regex.IGNORECASE
)
# ### Answer | **Final Answer** | **Words:**
_HEADING = re.compile(r"^\s*(?:#{1,6}\s[^\n]{1,100}|\*\*[^*\n]{1,100}\*\*:?\s*)$")
_DENIAL = re.compile(
    r"\b(?:not|never|neither|nor|rather than|instead of|unlike|without|except)\b|n['’]t\b", re.IGNORECASE
)


@dataclass(frozen=True)
class Line:
    """One line of an answer."""

    # ``list``, ``group`` (a list after a title that says nothing of words), ``sentence``, ``heading``, ``talk``,
    # ``unknown`` (a list with words that are not in the document) or ``unclear``
    kind: str
    keys: tuple[str, ...] = ()  # the words that it names; of talk, the words of the document that it quotes
    titled: bool = False  # whether the list has a title


def read_lines(text: str, contents: Contents) -> list[Line]:
    """What the lines of an answer without markup are."""
    return [line for row in lines_of(text) if contents.keys_in(row) for line in _read(row, contents)]


def _read(row: str, contents: Contents) -> list[Line]:
    """What a row of an answer is; sentence by sentence where it is nothing as a whole."""
    opening = _INTERJECTION.match(row)
    opened = bool(opening) and not contents.says(row)
    in_document = bool(opening and contents.holds(contents.keys_in(opening.group())))
    row = row[opening.end() :] if opening and opened else row
    bullet = BULLET.match(row)
    line = _line(row[bullet.end() :] if bullet else row, contents, bulleted=bool(bullet))
    if opened and in_document and line.kind not in ("heading", "talk"):
        # Sure! love, in a document that says "sure"
        return [Line("unclear", line.keys)]
    number = contents.keys_in(bullet.group()) if bullet else []
    if number and contents.holds(number) and line.kind not in ("list", "sentence"):
        # 1: it shows joy, in a document that says "1"
        return [Line("unclear", tuple(number))]
    # Negative: awful, worst; Positive: fun
    groups = [COLON.split(group, maxsplit=1) for group in row.split(";")]
    if len(groups) > 1 and all(len(group) == 2 for group in groups):
        titled = [_titled(title, content, contents) for title, content in groups]
        if all(group and group.kind in ("list", "group") for group in titled):
            return list(filter(None, titled))
    if line.kind not in ("talk", "unclear", "unknown") or line.titled or len(row) > LONGEST_LINE:
        return [line]
    sentences = [_line(sentence, contents) for sentence in _SENTENCE_END.split(row) if contents.keys_in(sentence)]
    # Sports. The article is about a match: the label again
    again = any(line.kind == "list" and contents.all_labels.issuperset(line.keys) for line in sentences)
    return sentences if len(sentences) > 1 and not again else [line]


def _line(text: str, contents: Contents, bulleted: bool = False, nested: int = 2) -> Line:
    keys, colon = contents.keys_in(text), COLON.search(text)
    if (
        colon
        and 0 < colon.start() <= 300
        and (line := _titled(text[: colon.start()], text[colon.end() :], contents, nested))
    ):
        return line
    if (match := _IT_IS.fullmatch(text)) and contents.holds(contents.keys_in(match["words"])):
        return Line("sentence", tuple(contents.keys_in(match["words"])))
    listed = listed_in(text, contents)
    if listed:
        return Line("list" if _is_plain(text, keys, contents) else "unclear", tuple(listed))
    marked = text.startswith("#") or contents.keys.isdisjoint(keys)
    if marked and _HEADING.match(text) and is_title(text, contents):
        return Line("heading")
    if _IN_PARENTHESES.fullmatch(text) and not segments_in(text, contents):
        return Line("talk", quoted_in(text, contents))
    says_nothing = contents.keys.isdisjoint(keys) and (_TALK.match(text) or _NONE.match(text))
    if says_nothing or set(keys) <= contents.labels | contents.mask:
        return Line("talk")
    # love - it shows joy | love (positive), great | love, great because they show joy
    head, *comments = COMMENT.split(_PARENTHESES.sub("", text))
    if (head != text) and len(comments) < 2 and (listed := listed_in(head, contents)):
        return Line("list" if _is_head(head, comments, contents) else "unclear", tuple(listed))
    if (bare := _PARENTHESES.sub("", text)) != text and (segments := segments_in(bare, contents)):
        # love (a verb), wonderful (an adjective), which is not in the document
        return Line("unclear", tuple(segments), titled=True)
    colon_only = COLON.search(head + ":") and ":" in text[len(head) : len(head) + 2]
    if (
        len(comments) == 1
        and 0 < len(contents.keys_in(head)) < 3
        and (bulleted or not colon_only)
        and not _COMMENT_TITLE.match(head)
    ):
        # - wonderful: it shows joy | wonderful -> joy
        return Line("unknown", titled=True)
    return _sentence(text, contents) if len(text) <= LONGEST_LINE else _talk(text, contents)


def _titled(title: str, content: str, contents: Contents, nested: int = 2) -> Line | None:
    """What a title and the text behind it are; None where they have no meaning as such."""
    titled, keys = contents.keys_in(title), contents.keys_in(content)
    if not titled:
        return None
    titles_words, in_document = is_title(title, contents), contents.holds(titled)
    if not keys:
        # Here are the words: | Love:
        unclear = in_document and len(titled) < 3 and not titles_words
        return Line("unclear", tuple(titled)) if unclear else Line("heading", quoted_in(title, contents))
    listed = listed_in(content, contents)
    if _COMMENT_TITLE.match(title) or contents.question.pattern("notes").search(title):
        listed = listed or segments_in(content, contents) or (titled if in_document else [])
        return Line("unclear", tuple(listed)) if listed else Line("talk", quoted_in(content, contents))
    label = set(titled) <= contents.all_labels
    if label and in_document and listed and not contents.says(f"{title}:{content}"):
        return Line("unclear", (*titled, *listed))
    if not titles_words and not label:
        # Adjectives of joy: love
        is_group = listed and len(titled) < 4 and contents.keys.isdisjoint(titled)
        return Line("group", tuple(listed), titled=True) if is_group else None
    if _NONE.match(content):
        return Line("unclear", tuple(listed)) if listed else Line("talk" if titles_words else "group", titled=True)
    if set(keys) <= contents.labels | contents.mask:
        # Sentiment word: negative
        return Line("talk")
    if listed and not _PARENTHESES.search(content):
        return Line("list" if titles_words else "group", tuple(listed), titled=True)
    if COLON.search(content) and not nested:
        return Line("unclear", tuple(segments_in(content, contents)), titled=True)
    # **Answer:** 1. love | **Answer:** Word 1: love
    line = _line(BULLET.sub("", content.lstrip("* ")), contents, nested=nested - 1)
    if line.kind not in ("list", "sentence"):
        named = (*line.keys, *titled) if in_document else line.keys
        return Line("unclear" if line.kind == "unclear" else "unknown", named, titled=True)
    return Line(line.kind if titles_words else "group", line.keys, titled=True)


def _is_plain(text: str, keys: Sequence[str], contents: Contents) -> bool:
    """Whether words of the document are a list, and not a sentence or a comment that has no other words."""
    if contents.says(text):
        return True
    # love (great) | love: great | The word "love" is great.
    quoted = {key for quote in QUOTED.finditer(text[:LONGEST_LINE]) for key in contents.keys_in(quote[1])}
    mixed = bool(quoted) and not quoted >= set(keys) - contents.conjunctions
    return not (mixed or _PARENTHESES.search(text) or COMMENT.search(text) or _INTERJECTION.match(text))


def _is_head(head: str, comments: Sequence[str], contents: Contents) -> bool:
    # I love it: great is talk, and love: great two words
    comment = contents.keys_in(" ".join(comments))
    short = all(len(contents.keys_in(item)) < 4 for item in re.split(r"[,;|/]", head))
    # Sports: the article is about a match: the label again
    again = not contents.all_labels.isdisjoint(contents.keys_in(head))
    return short and not again and not (comment and contents.holds(comment))


def _sentence(text: str, contents: Contents) -> Line:
    """A line of prose: one that names words, or talk."""
    phrases = [contents.keys_in(quote[1]) for quote in QUOTED.finditer(text)]
    labels = any(keys and contents.labels.issuperset(keys) for keys in phrases)
    phrases = [keys for keys in phrases if keys and not set(keys) <= contents.labels | contents.mask]
    if labels and any(contents.all_labels.issuperset(keys) for keys in phrases):
        # The words "sports" and "business" are important: the labels, one of which is a word of the document
        return Line("unclear", tuple(key for keys in phrases for key in keys))
    if phrases and (_NAMES_WORDS.search(text) or contents.question.pattern("titles").search(text)):
        quoted = tuple(key for keys in phrases for key in keys)
        clear = contents.holds(quoted) and not _denies(QUOTED.sub('""', text), contents)
        return Line("sentence" if clear else "unclear", quoted)
    for match in filter(
        None, [] if phrases else [sentence.search(text) for sentence in (*_SENTENCES, contents.sentence)]
    ):
        words, bare = match["words"], _BECAUSE.split(match["words"])[0]
        # A document may say "because".
        bare = words if contents.holds(contents.keys_in(words[len(bare) :])[:1]) else bare
        listed = listed_in(words, contents) or listed_in(bare, contents)
        # The answer is business: the label again
        if listed and not contents.all_labels.issuperset(listed):
            return Line("unclear" if _denies(text[: match.start("words")], contents) else "sentence", tuple(listed))
        # The words are love and wonderful: a word that is not in the document
        if contents.holds(contents.keys_in(words)[:1]) and not listed:
            return Line("unknown", tuple(contents.keys_in(words)[:1]))
    return _talk(text, contents)


def _denies(text: str, contents: Contents) -> bool:
    return bool(_DENIAL.search(text) or contents.question.pattern("denials").search(text))


def _talk(text: str, contents: Contents) -> Line:
    """Prose that names no word; unclear where it may be a list."""
    listed = segments_in(text, contents)
    if listed or max(len(contents.keys_in(segment)) for segment in SEGMENT_END.split(text)) < 3:
        return Line("unclear" if contents.holds(contents.keys_in(text)) else "unknown", tuple(listed))
    return Line("talk", quoted_in(text, contents))
