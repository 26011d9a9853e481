"""Markup around the words of an answer: HTML, LaTeX, code fences, tables, JSON, enumerations within a line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

# \boxed{love} | \text{love} | \textbf{love} | \mathrm{love}
_TEX = re.compile(r"\\(?:(boxed|fbox)|emph|text[a-z]{0,8}|math[a-z]{2,6}) ?\{([^{}\n]{0,400})\}")
_TEX_MARKS = re.compile(r"\$\$?|\\[()\[\]]")
# <word>love</word> | <p> | <br/> | <div class="x">
_TAG = re.compile(r"<(/?)([a-zA-Z][\w-]{0,30})(?:\s[^<>\n]{0,200})?/?>")
_BLOCK = re.compile(
    "p|br|hr|div|li|[uo]l|t[rdh]|table|tbody|thead|blockquote|pre|section|article|body|html|head|h[1-6]", re.IGNORECASE
)
_INLINE = re.compile("[biusqa]|em|strong|code|span|mark|small|sub|sup|cite|tt|kbd|font|center|del|ins", re.IGNORECASE)

# (1) love | 1) love | 1. love | [1] love | a) love | Word 1: love | ① love | 1️⃣ love
_MARKERS = [
    (
        re.compile(
            r"(?:(?<=[\s,;.])|^)[*_\"]{0,3}(?:words?|terms?|tokens?|items?|keywords?|number|no\.?)\s?[#(]?(\d{1,2})\)?"
            r"[*_\"]{0,3}(?:\s?[:.)=]|\s[-–—]|\s(?:is|was)\b:?)[*_]{0,3}\s*(?=\S)",
            re.IGNORECASE,
        ),
        list(map(str, range(1, 100))),
    ),
    (re.compile(r"(?:(?<=[\s,;])|^)\(?(\d{1,2})(?:[.:]\s+|\)[.:]?\s*)(?=\S)"), list(map(str, range(1, 100)))),
    (re.compile(r"(?:(?<=[\s,;])|^)\[(\d{1,2})\][.:]?\s*(?=\S)"), list(map(str, range(1, 100)))),
    (re.compile(r"(?:(?<=[\s,;])|^)\(?([a-h])\)[.:]?\s*(?=\S)"), list("abcdefgh")),
    (
        re.compile(r"(?:(?<=[\s,;])|^)\(?([ivx]{1,4})(?:\)[.:]?\s*|\.\s+)(?=\S)"),
        ["i", "ii", "iii", "iv", "v", "vi", "vii", "viii"],
    ),
]
_LAST_AND = re.compile(r"(?<=\w)[^\w\s]{0,3}[\s,;](?:and|or|&)[\s,;]{0,3}$")
CIRCLED = re.compile(r"[①-⑳❶-❿➀-➉]|\d\ufe0f?\u20e3")
# <|im_end|> | </s> | [/INST]
_SPECIAL_TOKENS = re.compile(r"<\|[\w ]{1,40}\|>(?:assistant\n)?|</?s>|\[/?INST\]|<(?:start|end)_of_turn>")
_FENCE_LINE = re.compile(r"^[^\S\n]*(?:```+|~~~+)[\w-]*[^\S\n]*$", re.MULTILINE)
_TITLE_OF_JSON = re.compile(r"[^{}\[\]\n]{1,300}:[*_]*\s*(?=\[?\s*\{)")
_ROW = re.compile(r"^\s*\|(.*)\|\s*$")
_RULER = re.compile(r"^[\s|:=+-]*-{2,}[\s|:=+-]*$")


def without_tags(text: str) -> str:
    r"""The text without HTML tags: a line break for blocks, nothing for the rest.

    A tag of no HTML counts where it is closed. ``<REDACTED>`` stays.

    >>> without_tags("<p>I love it</p><p>so</p> <REDACTED> <tweet>x</tweet>").split("\n")
    ['', 'I love it', '', 'so', ' <REDACTED> x']
    """
    return _replace_tags(text, "")


def _replace_tags(text: str, inline: str) -> str:
    if "<" not in text:
        return text
    closed = {tag[2].lower() for tag in _TAG.finditer(text) if tag[1]}

    def plain(tag: re.Match[str]) -> str:
        name = tag[2].lower()
        if _BLOCK.fullmatch(name):
            return "\n"
        return inline if name in closed or _INLINE.fullmatch(name) else tag.group()

    return _TAG.sub(plain, text)


def without_markup(text: str) -> str:
    r"""The text without LaTeX, fences and HTML; boxes, and tags other than blocks, become quotation marks.

    >>> without_markup("<word>love</word>"), without_markup("$\\boxed{\\text{love}}$")
    ('"love"', '"love"')
    """
    if "\\" in text:
        plain, most = text, 4
        while most and (inner := _TEX.sub(lambda tex: f'"{tex[2]}"' if tex[1] else tex[2], plain)) != plain:
            plain, most = inner, most - 1
        if plain != text:
            text = _TEX_MARKS.sub("", plain).strip()
        text = re.sub(r"\\([\[\]*_#.()\"'])", r"\1", text)
    return _FENCE_LINE.sub("", _replace_tags(text, '"'))


def without_document_markup(text: str, titles: Sequence[str]) -> str:
    r"""A rewritten text without HTML, LaTeX, tables, block quotes and the special tokens of chat templates.

    Titles of fields in tags, headings and table heads become ``Title:`` at the beginning of a line.

    >>> without_document_markup("<p>I love it</p>", ["Tweet"]).strip()
    'I love it'
    >>> without_document_markup("<premise>a</premise><hypothesis>b</hypothesis>", ["Premise", "Hypothesis"]).split("\n")
    ['', 'Premise: a', 'Hypothesis: b']
    """
    text = _SPECIAL_TOKENS.sub("", text)
    for title in titles:
        name = re.escape(title)
        # <premise>a</premise> | ### Premise\na | **Premise**\na
        text = re.sub(rf"<{name}>", f"\n{title}: ", text, flags=re.IGNORECASE)
        text = re.sub(rf"</{name}>", "", text, flags=re.IGNORECASE)
        text = re.sub(
            rf"^(?:#{{1,6}} |\*\*){name}[*:]{{0,3}}[ \t]*$", f"{title}:", text, flags=re.IGNORECASE | re.MULTILINE
        )
    if "\\" in text:
        text, most = _TEX.sub(r"\2", text), 3
        while most and _TEX.search(text):
            text, most = _TEX.sub(r"\2", text), most - 1
    text = re.sub(r"^>[ \t]?", "", _replace_tags(text, ""), flags=re.MULTILINE)
    return _without_table(text) if "|" in text else text


def _without_table(text: str) -> str:
    # | Tweet |\n|---|\n| I love it | -> I love it
    # | Premise | Hypothesis |\n|---|---|\n| a | b | -> Premise: a\nHypothesis: b
    rows, lines, head = text.split("\n"), list[str](), list[str]()
    for number, line in enumerate(rows):
        row = _ROW.match(line)
        cells = [cell.strip() for cell in row[1].split("|")] if row else [line]
        if row and number + 1 < len(rows) and _RULER.match(rows[number + 1]):
            head = cells
        elif not (row and _RULER.match(line)):
            titled = row and len(cells) == len(head) > 1
            lines += [f"{title}: {cell}" for title, cell in zip(head, cells, strict=True)] if titled else cells
    return "\n".join(lines)


def lines_of(text: str) -> list[str]:
    """The lines of a text, with one line for each item of an enumeration, each row of a table, each value in JSON."""
    values = _json_lines(text)
    if values is not None:
        return values
    rows = text.split("\n")
    lines: list[str] = []
    counted = False  # whether the first column of a table counts its rows
    for number, line in enumerate(rows):
        if _RULER.match(line):
            continue
        if row := _ROW.match(line):
            cells = [cell.strip() for cell in row[1].split("|")]
            if number + 1 < len(rows) and _RULER.match(rows[number + 1]):
                # | # | Word | Why |
                counted = bool(re.fullmatch(r"\W*(?:no|nr|num|number|rank|index|i)?\W*", cells[0], re.IGNORECASE))
                continue
            cells = cells[1:] if counted and len(cells) > 1 else cells
            lines.append(": ".join(filter(None, [cells[0], " ".join(cells[1:])])))
        else:
            # {"word": "love", "why": "it shows joy"}, | Words: [{"word": "love"}, {"word": "great"}]
            title = _TITLE_OF_JSON.match(line)
            values = _json_lines(line[title.end() if title else 0 :].strip().rstrip(","))
            lines += [*([title.group()] if title else []), *values] if values else _items(line)
    return lines


def _items(line: str) -> Iterator[str]:
    for pattern, names in _MARKERS:
        markers = [marker[1] for marker in pattern.finditer(line)]
        if len(markers) > 1 and markers == names[: len(markers)]:
            line = pattern.sub("\n", line)
            break
    items = CIRCLED.sub("\n", line).split("\n")
    # (1) love, (2) great, and (3) new: but not an item that is "and" itself
    return (_LAST_AND.sub("", item).rstrip(" \t,;") for item in items) if len(items) > 1 else iter(items)


def _json_lines(text: str) -> list[str] | None:
    """A list or an object of JSON as lines; None for other texts."""
    text = text.strip().strip("`").strip()
    if text[:1] not in ("[", "{") or text[-1:] not in ("]", "}"):
        return None
    try:
        return list(_values(json.loads(text)))
    except (ValueError, RecursionError):
        return None


def _values(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            texts = list(_values(inner))
            listed = isinstance(inner, dict) or (isinstance(inner, list) and any(not isinstance(v, str) for v in inner))
            yield from [f"{name}:", *texts] if listed else [f"{name}: {', '.join(texts)}"]
    elif isinstance(value, list):
        for inner in value:
            yield from _values(inner)
    elif isinstance(value, str) or value is not None:
        yield str(value)
