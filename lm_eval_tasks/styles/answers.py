"""Reading what instruction models really write around an answer.

`readings` gives the answer with its wrapping taken off, layer by layer, strictest first; a style takes the first
reading that obeys its format. A reading only ever drops text around an answer. None repairs the answer itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# I'm sorry, but I can't … | I cannot … | As an AI language model, I … | Sorry, I am unable to …
_REFUSAL = re.compile(
    r"^\W*(?:(?:i['’]?m |i am )?(?:very |so )?sorry\b|i (?:can(?:not|['’]t)|am (?:not able|unable)|['’]m (?:not able|unable)"
    r"|won['’]t|do(?:n['’]t| not) (?:think|feel|have|know))\b|as an ai\b|unfortunately\b)",
    re.IGNORECASE,
)

# Sure! | Sure, here is the redacted tweet: | Here's the edited article: | Certainly. | Redacted tweet: | Answer:
# A line counts as an opening only when it ends with a colon, or is nothing but a courtesy.
_OPENING = re.compile(
    r"^\W*(?:(?:sure(?: thing)?|certainly|of course|okay|ok|yes|absolutely|great)\b[^\n]{0,120}?(?::|[.!])"
    r"|(?:here(?: is|['’]s| are)|this is|below is|the |my |redacted|edited|changed|rewritten|modified|revised|updated|answer"
    r"|word|words|output|result)[^\n:]{0,80}:)\W*?(?:\n+|[ \t]+|$)",
    re.IGNORECASE,
)

# (Note: I changed …) | Note: … | Explanation: … | I replaced … | This changes the sentiment … | Because …
_CLOSING = re.compile(
    r"\n+\W*(?:note\b|explanation\b|reason(?:ing)?\b|because\b|i (?:have |['’]ve )?(?:replaced|redacted|changed|removed|chose|edited|masked)\b"
    r"|this (?:change|word|makes|would|is|redaction|edit)\b|the word\b|by (?:changing|replacing|redacting|removing)\b|in this\b"
    r"|let me know\b|please\b|if (?:this|you)\b|changes?\b|rationale\b)[\s\S]*$",
    re.IGNORECASE,
)

# ```text … ```
_FENCE = re.compile(r"```[\w-]*\n?([\s\S]*?)```")

_QUOTES = {'"': '"', "“": "”", "'": "'", "‘": "’", "«": "»", "`": "`"}


def is_refusal(answer: str) -> bool:
    """Whether the answer declines. Only looked at when nothing else could be read.

    >>> is_refusal("I'm sorry, but I can't help with that."), is_refusal("sorry day for the team")
    (True, True)
    """
    return bool(_REFUSAL.match(answer.strip()))


def readings(answer: str) -> Iterator[str]:
    """The answer, then the answer with one more layer of wrapping taken off, each distinct and non-empty.

    >>> list(readings('Sure! Here is the redacted tweet:\\n\\n"I [X] it."\\n\\nNote: I replaced a word.'))[-1]
    'I [X] it.'
    """
    seen: set[str] = set()

    def fresh(text: str) -> bool:
        if not text or text in seen:
            return False
        seen.add(text)
        return True

    text = answer.strip()
    if fresh(text):
        yield text
    fenced = _FENCE.search(text)
    if fenced and fresh(fenced.group(1).strip()):
        yield fenced.group(1).strip()
        text = fenced.group(1).strip()
    for peel in (_drop_emphasis, _drop_opening, _drop_opening, _drop_closing, _first_paragraph, _unquote, _drop_opening, _unquote):
        text = peel(text)
        if fresh(text):
            yield text


def _drop_emphasis(text: str) -> str:
    # **word** | __word__ | *word* | \[REDACTED\]
    text = re.sub(r"\\([\[\]*_])", r"\1", text)
    return re.sub(r"(?<!\w)(\*\*|__|\*)(?=\S)(.+?)(?<=\S)\1(?!\w)", r"\2", text).strip()


def _drop_opening(text: str) -> str:
    match = _OPENING.match(text)
    rest = text[match.end() :].strip() if match else ""
    return rest or text


def _drop_closing(text: str) -> str:
    return _CLOSING.sub("", text).strip() or text


def _first_paragraph(text: str) -> str:
    return re.split(r"\n\s*\n", text, maxsplit=1)[0].strip()


def _unquote(text: str) -> str:
    if len(text) > 1 and _QUOTES.get(text[0]) == text[-1] and text[0] not in text[1:-1]:
        return text[1:-1].strip()
    return text
