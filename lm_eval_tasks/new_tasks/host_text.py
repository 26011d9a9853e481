"""The text columns and the question in a `doc_to_text` of lm-eval, which writes both into one template.

"{{passage}}\\nQuestion: {{question}}?\\nAnswer:"         fields passage and question
"{{sentence}}\\nQuestion: Does it make sense?\\nAnswer:"  field sentence, and the question "Does it make sense?"
"{{question}}\\nA. {{choices[0]}}\\nB. {{choices[1]}}\\nAnswer:"  field question, and the choices
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise

from faithful_se.errors import UsageError
from lm_eval_tasks.choices import LETTERS

_EXPRESSION = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
# A. {{choices[0]}} | (A) {{choice1}} | A: {{mc_answer1}}
_CHOICE = re.compile(r"\s*\(?([A-Z])[).:]\)?\s*\{\{(.*?)\}\}\s*")
# Question: {{question}} | Sentence 1: {{sentence1}}
_TITLE = re.compile(r"\s*([^\W\d_][\w ]{0,30}?)\s*[:：]\s*[\"'“‘]?$")
_QUESTION_TITLE = re.compile(r"^\s*(?:question|q|task)\s*:\s*", re.IGNORECASE)
# Before the last sentence, which may be a title: Is it hateful? Statement: '{{text}}'
_SENTENCES = re.compile(r"^(.*[.?!])\s+([^.?!]*)$", re.DOTALL)


@dataclass
class HostText:
    """What a template shows.

    Attributes:
        fields: column -> template of its text.
        titles: column -> what is written before it.
        question: what it asks in words of its own; empty where it asks nothing.
        choices: templates of the choices that it lists by letter; empty where it lists none.
    """

    fields: dict[str, str] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    question: str = ""
    choices: list[str] = field(default_factory=list)

    def add(self, template: str, name: str, title: str = "") -> None:
        """Add a text column; a second one of the same name gets a number."""
        name = name if len(name) > 1 and name not in ("label", "choices") else f"text_{name}"
        while name in self.fields:
            number = re.search(r"\d+$", name)
            name = f"{name[: number.start()]}{int(number[0]) + 1}" if number else f"{name}_2"
        self.fields[name] = template
        title = title if title.lower() not in ("q", "p") else ""
        title = title or name.replace("_", " ").capitalize()
        self.titles[name] = title if title not in self.titles.values() else name.replace("_", " ").capitalize()


def read_host_text(template: str) -> HostText:
    """Find columns, question and choices in a template.

    Raises:
        UsageError: it has statements, or shows no column.
    """
    if "{%" in template:
        raise UsageError("doc_to_text has statements of Jinja ({% … %}): no text column can be told from the question")
    if "{{" not in template:
        if not re.fullmatch(r"\w+", template):
            raise UsageError("doc_to_text shows no column: there is no text to explain")
        template = "{{" + template + "}}"
    text, asked = HostText(), list[str]()
    lines = template.split("\n")
    listed = [(line, choice) for line in lines if (choice := _CHOICE.fullmatch(line))]
    while listed and listed[0][1][1] != "A":  # P: {{passage}} | Q: {{question}}
        listed.pop(0)
    if len(listed) > 1 and tuple(choice[1] for _, choice in listed) == LETTERS[: len(listed)]:
        text.choices = ["{{" + choice[2] + "}}" for _, choice in listed]
        lines = [line for line in lines if line not in dict(listed)]
    for line in lines:
        asked += _read_line(line, text)
    text.question = " ".join(asked)
    if not text.fields:
        raise UsageError("doc_to_text shows no column besides the choices: there is no text to explain")
    return text


def _read_line(line: str, text: HostText) -> list[str]:
    """Add the columns of a line; what it asks in words of its own."""
    expressions = list(_EXPRESSION.finditer(line))
    if not expressions:
        words = _QUESTION_TITLE.sub("", line).strip()
        return [] if not _has_words(words) or words.endswith((":", "：")) else [words]
    before, after = line[: expressions[0].start()], line[expressions[-1].end() :]
    between = [line[left.end() : right.start()] for left, right in pairwise(expressions)]
    asked = []
    if sentences := _SENTENCES.match(before):  # Is the following statement hateful? Statement: '{{text}}'
        asked, before = [_QUESTION_TITLE.sub("", sentences[1]).strip()], sentences[2]
    elif before.rstrip().endswith(":") and len(before.split()) > 4 and not _TITLE.match(before):
        # What is the correct answer to this question:{{Question}}
        asked, before = [before.strip()], ""
    title = _TITLE.match(before)
    if (_has_words(before) and not title) or any(map(_has_words, between)):
        # Is the word '{{word}}' used in the same way?
        name = _QUESTION_TITLE.match(line) and "question"
        text.add(_QUESTION_TITLE.sub("", line).strip(), name or "text")
        return asked
    for number, expression in enumerate(expressions):
        source = expression[1]
        column = re.search(r"[^\W\d]\w*", source)
        name = column[0].lower() if column else "text"
        text.add("{{" + source + "}}", name, title[1] if title and not number else "")
    after = after.strip(" \t\"'”’?.")
    return [*asked, line[expressions[-1].end() :].strip(" \t\"'”’.")] if _has_words(after) else asked


def _has_words(text: str) -> bool:
    return bool(re.search(r"[^\W\d_]{2}", text))
