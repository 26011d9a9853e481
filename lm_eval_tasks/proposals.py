"""The model's own words in the place of removed ones (`infill_from=model`). docs/metrics.md, "14. Operators"."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Sequence
from dataclasses import replace

from faithful_se.transcript import Transcript
from faithfulness_metrics.words import Word, find_words, occurrences
from faithfulness_metrics.words import replace as replace_words
from lm_eval_tasks.calls import Answer, Call, Generate
from lm_eval_tasks.classification import Question
from lm_eval_tasks.document import Document
from lm_eval_tasks.server_problems import worst_problem
from lm_eval_tasks.spec import TaskSpec

# What stands in the place of the word that is asked for; no operator writes it.
GAP = "____"
# Room for a word and what models write around it.
ROOM = 16
GREEDY = json.dumps({"do_sample": False})


def gap_request(question: Question, text: str) -> str:
    """The request for a word; `text` is the text block with its gaps."""
    return question.prompt("infill").format(noun=question.noun, gap=GAP, text=text)


def with_proposals(
    spec: TaskSpec, document: Document, positions: Iterable[int], transcript: Transcript
) -> Generator[Sequence[Call], Sequence[Answer], Document]:
    """Ask for a word in the place of each removed one, in a conversation of its own; the document with these words.

    All occurrences of a word are gaps at once. An answer counts if it is one word, and another than the removed one.

    Args:
        spec, document: of the protocol.
        positions: of all words that the operator will remove, in whatever sets.
        transcript: gets the answers.
    """
    question, units = spec.question_about(document), document.units
    keys = list(dict.fromkeys(units[position].key for position in sorted(set(positions))))
    answers = yield [_request(spec, question, document, units, key) for key in keys]
    transcript["problem"] = worst_problem([transcript["problem"], *(answer.problem for answer in answers)])
    proposals = {key: _word(answer.reply, key) for key, answer in zip(keys, answers, strict=True)}
    transcript["proposals"] = [
        {"key": key, "answer": answer.text, "word": proposals[key]} for key, answer in zip(keys, answers, strict=True)
    ]
    return replace(document, proposals={key: word for key, word in proposals.items() if word})


def _request(spec: TaskSpec, question: Question, document: Document, units: list[Word], key: str) -> Generate:
    fields = replace_words(document.fields, units, dict.fromkeys(occurrences(units, [key]), GAP))
    text = question.show(document.with_fields(fields).prompt_fields)
    messages = (*spec.opening(), ("user", gap_request(question, text)))
    return Generate(messages, GREEDY, spec.options.thinking_tokens, ROOM)


def _word(answer: str, key: str) -> str | None:
    """The word that an answer proposes; None where it is not one word, or the removed one again."""
    words = find_words(answer)
    return words[0].text if len(words) == 1 and words[0].key != key else None
