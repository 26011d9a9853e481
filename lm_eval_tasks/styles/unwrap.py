"""Removes what instruction models write around an answer: openings, code fences, quotes, notes.

`readings` yields the answer, then the answer without one layer of wrapping, without two layers, and so on. A style
takes the first reading that obeys its format, or the nearest to the document. A reading only drops text around an
answer, never repairs the answer itself.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator

from lm_eval_tasks.classification import Question
from lm_eval_tasks.thoughts import after_thinking

# Real answers have up to five layers (opening, closing, fence, bold, quotes), and each may be there or not: 2^5.
MOST_READINGS = 40
# Characters peeled per answer, all readings together: a hundred times an answer of 256 tokens.
MOST_PEELED = 100_000

# I'm sorry, but I can't … | I cannot … | As an AI language model, … | Sorry, I am unable to … | Unfortunately, … | N/A
_REFUSAL = re.compile(
    r"^\W*(?:(?:i['’]?m |i am )?(?:very |so )?sorry\b|i (?:do )?apologi[sz]e\b"
    r"|(?:my )?apologies\b|as an? (?:ai|language model)\b|n/a\W*$|unfortunately\b"
    r"|i (?:can(?:not|['’]t)|am (?:not able|unable)|won['’]t|do(?:n['’]t| not) (?:think|feel|have|know))\b"
    r"|i['’]m (?:not able|unable)\b)",
    re.IGNORECASE,
)

# Original tweet: …  Edited tweet: … : the answer begins after the second title.
_ORIGINAL = re.compile(
    r"^[^\n]{0,60}\b(?:original|before)\b[^\n:]{0,60}:[\s\S]*?\n[^\n:]{0,60}"
    r"\b(?:redacted|edited|changed|rewritten|modified|revised|updated|new|counterfactual|after)\b[^\n:]{0,60}:[*_\s]*",
    re.IGNORECASE,
)

_OPENINGS = [
    # Sure! Here is the redacted tweet: | Based on this, the words are: | **Answer:** (nothing else on the line)
    re.compile(r"^[^\n]{0,300}:[*_]*[^\S\n]*\n\s*"),
    # ### Redacted Tweet | **Edited premise and hypothesis** (a heading)
    re.compile(
        r"^(?:#{1,6} |\*\*)[^\n*]{0,40}\b(?:redact|edit|chang|modifi|revis|rewrit|updat|answer|output|result)\w*"
        r"[^\n]{0,60}\n\s*",
        re.IGNORECASE,
    ),
    # Here is the edited article: … | The redacted tweet is: … | Answer: … | Most important word: … | {"word": …
    re.compile(
        r"^\W*(?:here(?: is|['’]s| are)|the|my|this|final|redacted|edited|changed|rewritten|modified|revised|updated"
        r"|new|counterfactual|(?:most )?important|key|answer|output|result|response|words?)\b[^\n:]{0,120}:[*_]*\s+",
        re.IGNORECASE,
    ),
    # Sure! … | Certainly. … | Of course, here is … | Sure thing! …
    re.compile(
        r"^\W*(?:sure(?: thing)?|certainly|of course|absolutely|okay|ok|alright|got it|understood)"
        r"(?:[.!:]+|[,.!]*(?=\s+(?:here['’]?s|here (?:is|are)|the \w+ \w|this is|i \w)))\s+",
        re.IGNORECASE,
    ),
]

_CLOSINGS = [
    # Note: … | (Note: I changed …) | **Explanation:** … (on a line of its own or after the text)
    re.compile(r"\s[^\w\s]{0,4}(?:Note|NOTE|Explanation|Reason|Reasoning|Rationale|Justification)[^\w\s]{0,2}:"),
    # … (redacted word: love) | … (changed "love" to "hate")
    re.compile(
        r"\s\([^()\n]{0,200}\b(?:changed|replaced|redacted|edited|removed|masked)\b[^()\n]{0,200}\)\W{0,4}$",
        re.IGNORECASE,
    ),
    # **Explanation**\nI replaced … (a heading)
    re.compile(r"\n[^\w\n]{0,4}(?:Note|Explanation|Reason|Reasoning|Rationale|Justification)[^\w\n]{0,3}\n"),
    # I replaced … | This changes the sentiment … | The word "love" … | By changing … | Let me know if … | Hope this …
    re.compile(
        r"\n[^\w\n]{0,20}(?:note|because|(?:i|we|you)(?:['’]ve)? \w+|(?:this|these|that) \w+"
        r"|the (?:word|change|edit|original)"
        r"|by \w+ing|in this|let me|please|hope|if|changes?|changed|edited|replaced|redacted|removed|original)\b",
        re.IGNORECASE,
    ),
]

# ```text\n … \n``` | ``` … ``` | ```\n … (cut off by the token limit)
_FENCE = re.compile(r"(```|~~~)(?:[\w-]*\n)?([\s\S]*?)(?:\1|$)")

_BLANK_LINE = re.compile(r"\n[^\S\n]*\n")
_QUOTES = "\"“”„'‘’«»`"
# - love | * love | • love | 1. love | 2) love | (3) love | a) love | 1: love | [1] love | I. love
BULLET = re.compile(
    r"^\s*(?:(?:[-*+•·‣▪◦●○■–—>➤→✓✔]|\*{0,2}[(\[]?\d{1,3}[.:)\]][.:]?\*{0,2}|\d{1,3} ?[-–]"
    r"|\(?[a-hA-H]\)|\(?[ivxIVX]{1,4}[.)])(?:\s+|(?<=[)\]])(?=\S)))+"
)


def is_refusal(answer: str, question: Question | None = None) -> bool:
    """Whether the answer declines, in English or the question's language. Styles ask when nothing else could be read.

    >>> is_refusal("I'm sorry, but I can't help with that."), is_refusal("sorry day for the team")
    (True, True)
    """
    text = after_thinking(answer).strip()
    first = re.match(r"\W*", text)
    refusal = question and question.pattern("refusals").match(text, first.end() if first else 0)
    return bool(refusal or _REFUSAL.match(text))


def is_prose(text: str) -> bool:
    """Whether a text is prose, not a list: its first line has three words in a row, or ends in a colon.

    >>> is_prose("I replaced it."), is_prose("Changes:\\n- love"), is_prose("love, great, nice"), is_prose("- love")
    (True, True, False, False)
    """
    line = next((line for line in text.splitlines() if re.search(r"\w", line)), "")
    has_sentence = line.rstrip("*_ ").endswith(":") or any(len(part.split()) > 2 for part in re.split(r"[,;|]", line))
    return has_sentence and not BULLET.match(line)


def readings(answer: str) -> Iterator[str]:
    """The answer, then the answer with more and more of its wrapping removed. Distinct and not empty.

    >>> "I [X] it." in readings('Sure! Here is the redacted tweet:\\n\\n"I [X] it."\\n\\nNote: I replaced a word.')
    True
    """
    text = after_thinking(answer).strip()
    seen = {"", text}
    if text:
        yield text
    # A text that is called the original is not the answer.
    waiting, peeled = deque([_ORIGINAL.sub("", text, count=1)]), 0
    while waiting:
        text = waiting.popleft()
        if text not in seen:
            yield text
        seen.add(text)
        if peeled > MOST_PEELED:
            continue
        peeled += len(text)
        for peel in (_fenced, _opening, without_closing, _first_paragraph, _next_paragraph, unquoted, _plain):
            rest = peel(text).strip()
            if rest not in seen and rest not in waiting and len(seen) + len(waiting) <= MOST_READINGS:
                waiting.append(rest)


def without_phrases(text: str, question: Question) -> str:
    """The text without what answers in the question's language write around it."""
    openings, notes = (question.pattern(key).pattern for key in ("openings", "notes"))
    # Hier ist der geschwärzte Text: … | 修改后的评论：…
    opening = re.match(rf"\W{{0,4}}(?:{openings})[^\n:：]{{0,80}}[:：]\s*", text, re.IGNORECASE)
    text = text[opening.end() :] if opening else text
    # \n\nHinweis: … | \n（注：…
    note = re.search(rf"\s[^\w\s]{{0,4}}(?:{notes})[^\w\s]{{0,2}}[:：]", text, re.IGNORECASE)
    return text[: note.start()] if note else text


def _fenced(text: str) -> str:
    fence = _FENCE.search(text)
    return fence.group(2) if fence else text


def _opening(text: str) -> str:
    match = next(filter(None, (opening.match(text) for opening in _OPENINGS)), None)
    return text[match.end() :] if match else text


def without_closing(text: str) -> str:
    """The text up to the note or the explanation at its end."""
    labelled, brackets, heading, sentence = (
        [match.start() for match in closing.finditer(text)] for closing in _CLOSINGS
    )
    cuts = (
        labelled[:1]
        + brackets[:1]
        + heading[:1]
        + [start for start in sentence if is_prose(text[start : start + 500])][:1]
    )
    if not cuts:
        return text
    # I love it\n\n---\n**Explanation:** …
    rest, line, ruler = text[: min(cuts)].rstrip().rpartition("\n")
    return rest if line and re.fullmatch(r"\s*(?:-{3,}|\*{3,}|_{3,})", ruler) else rest + line + ruler


def _first_paragraph(text: str) -> str:
    # … text …\n\nThe word "love" carries the sentiment of the tweet. (Prose must follow, not more of a list.)
    # Here is my answer:\n\n … (An opening is no answer.)
    first, *rest = _BLANK_LINE.split(text, maxsplit=1)
    return first if rest and is_prose(rest[0]) and not first.rstrip("*_ ").endswith(":") else text


def _next_paragraph(text: str) -> str:
    # I redacted the most important word.\n\n… text …
    first, *rest = _BLANK_LINE.split(text, maxsplit=1)
    return rest[0] if rest and is_prose(first) else text


def unquoted(text: str) -> str:
    """The text without the quotation marks or the emphasis around it."""
    # **I *hate* it**
    if bold := re.fullmatch(r"(\*{1,3}|__?)(?=[^\s*_])(.+)\1", text, re.DOTALL):
        return bold[2]
    # "love" | “love”. | 'love' | `love`
    quoted = text.rstrip(".")
    return quoted[1:-1] if len(quoted) > 2 and quoted[0] in _QUOTES and quoted[-1] in _QUOTES else text


def _plain(text: str) -> str:
    # **word** | *word* | __word__ | some\_user | \[REDACTED\]
    text = re.sub(r"\\([\[\]*_#])", r"\1", text)
    text = re.sub(r"(?<!\w)\*{1,3}(?=[^\s*])([^*\n]+)(?<=\S)\*{1,3}(?!\w)", r"\1", text)
    return re.sub(r"(?<!\w)_{1,2}(?=[^\s_])([^_\n]+)(?<=\S)_{1,2}(?!\w)", r"\1", text)
