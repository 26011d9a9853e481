"""Answers as plain text: one spelling of letters, quotes, markup and blanks, so that rules need to know only one."""

from __future__ import annotations

import html
import re
import unicodedata

# Only so much is read, from the start and from the end: an answer is a label with some words around it.
HEAD, TAIL = 4_000, 1_000

# ’ ‘ “ ” « » 「 」 – — − • and characters without width
_CHARACTERS = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u02bc\u00b4\u2032", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb\u300c\u300d\u300e\u300f\u2033", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2212", "-"),
        **dict.fromkeys("\u2013\u2014\u2015", "\u2014"),
        **dict.fromkeys("\u3002\u0964\u06d4", ". "),
        **dict.fromkeys("\u3001\u060c", ", "),
        **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\u00ad\ufe0e\ufe0f"),
    }
)

# `\text{negative}` in a formula
_FORMULA_TEXT = re.compile(r"\\(?:text|math|mbox)[a-z]*\s*\{([^{}]*)\}")
# $\boxed{negative}$ | \boxed{neutral, cut off by the token limit
_BOXED = re.compile(r"\$*\\(?:boxed|fbox)\s*\{([^{}\n]*)(?:\}\$*|$)", re.MULTILINE)
# negative<|im_end|> | sports</s> | [/INST] negative | <end_of_turn>: the end of a turn
_TURN = re.compile(r"<\|[^<>|\n]{0,40}\|>|</?s>|<(?:start|end)_of_turn>|<eos>|<br ?/?>|</p>|\[/?inst\]")
# <answer>spam</answer> | <spam>no</spam>, but <b>spam</b> is markup
_FORMAT_TAGS = "b|i|em|strong|p|u|s|code|span|div|li|ul|ol|pre|mark|small|center|font|q|tt|blockquote|h[1-6]"
_ELEMENT = re.compile(rf"^([ \t]*)<(?!(?:{_FORMAT_TAGS})\b)([a-z][\w -]{{0,30}})>", re.MULTILINE)
_TAG = re.compile(r"</?[a-z][^<>\n]{0,60}>")
# ** | ` | _positive_ (an underscore inside a word, as in not_spam, is not markup)
_EMPHASIS = re.compile(r"[*`~]+|(?<!\w)_+|_+(?!\w)")
# ~~positive~~ negative
_STRUCK = re.compile(r"~~[^~\n]*~~")
_HEADING = re.compile(r"^[ \t]*(?:#{1,6}(?=\s)|>+)[ \t]*", re.MULTILINE)
_BACKSLASH = re.compile(r"\\(?=[^\w\s])|\\(?=_)|\\[()\[\]]")
# {"label": "positive", "confidence": 0.9}
_MEMBER = re.compile(r"""[{}\[\]]|,(?=\s*["'][\w -]{1,40}["']\s*:)""")
_ABBREVIATION = re.compile(r"\b(vs|e\.g|i\.e|etc|approx)\.(?=[\s,])")


def plain_text(text: str) -> str:
    """A text in lower case, in NFKC, without markup. Quotes and emphasis become `"`, members of JSON become lines.

    >>> plain_text("**Sentiment:** Positive")
    '"sentiment:" positive'
    >>> plain_text('{"label": "not\\\\_spam", "confidence": 0.9}').split("\\n")
    ['', '"label": "not_spam"', '"confidence": 0.9', '']
    """
    if len(text) > HEAD + TAIL:
        text = f"{text[:HEAD]}\n{text[-TAIL:]}"
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", html.unescape(text)).casefold())
    text = "\n".join(text.translate(_CHARACTERS).splitlines())
    text = _BOXED.sub(r"\nfinal answer: \1\n", _FORMULA_TEXT.sub(r"\1", text))
    text = _BACKSLASH.sub("", text)
    text = _TAG.sub(" ", _ELEMENT.sub(r"\1\2: ", _TURN.sub("\n", text)))
    if "{" in text:
        text = _MEMBER.sub("\n", text)
    text = _ABBREVIATION.sub(r"\1", _EMPHASIS.sub('"', _STRUCK.sub(" ", _HEADING.sub("", text))))
    return "\n".join(map(_plain_line, text.split("\n")))


def _plain_line(line: str) -> str:
    line = " ".join(line.split())
    # | Sentiment | Positive |
    return line.strip("| ").replace(" | ", ": ") if line.startswith("|") else line


def key_of(name: str) -> str:
    """A label or a synonym of one, as names are compared: blanks, hyphens and underscores between words are one blank.

    >>> key_of("Not_Entailment"), key_of("Sci / Tech"), key_of("-1")
    ('not entailment', 'sci/tech', '-1')
    """
    return key_of_plain(plain_text(name).strip())


def key_of_plain(name: str) -> str:
    """`key_of` a name that stands in plain text."""
    return re.sub(r"\s?/\s?", "/", re.sub(r"(?<=\w)[\s_-]+(?=\w)", " ", name))
