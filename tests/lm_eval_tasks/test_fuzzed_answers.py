"""Whatever a model answers: it is read, perturbed and scored, without an error and without hanging.

A thousand answers per style and budget: pytest --hypothesis-profile=explore tests/lm_eval_tasks/test_fuzzed_answers.py
"""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faithfulness_metrics.infill import OtherTexts
from faithfulness_metrics.words import key_of
from leaderboards.lm_eval_files.recomputed import range_of
from lm_eval_tasks.calls import Answer, Call, Generate
from lm_eval_tasks.data import dataset_names, dataset_spec
from lm_eval_tasks.document import Document
from lm_eval_tasks.label_reading import parse_label
from lm_eval_tasks.metrics import score
from lm_eval_tasks.options import CHOICES, Options
from lm_eval_tasks.protocol import self_explain
from lm_eval_tasks.scheduler import run
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.styles import BUDGETS, EXPLANATION_STYLES
from lm_eval_tasks.thoughts import read_answer
from tests.lm_eval_tasks.fuzz import RUNS, TEXTS, answers, documents, examples, without_hanging
from tests.lm_eval_tasks.styles.conftest import SNLI, TWEETS

CONTROLS = ("random", "oracle", "stability")


@pytest.mark.parametrize("budget", BUDGETS)
@pytest.mark.parametrize("style", EXPLANATION_STYLES)
@examples(10)
@given(st.data())
def test_any_answer_is_read_and_scored(style: str, budget: str, data: st.DataObject) -> None:
    question = data.draw(st.sampled_from([TWEETS, SNLI]))
    fields = data.draw(documents(question))
    operator = data.draw(st.sampled_from((*CHOICES["operator"], "+".join(CHOICES["operator"]))))
    others = OtherTexts.of([dict.fromkeys(question.fields, "one two"), data.draw(documents(question))])
    spec = TaskSpec(question, style, budget, Options(controls=CONTROLS, operator=operator), others=others)
    document = Document(fields, gold=question.labels[0])
    explanation = data.draw(answers(fields, style, spec.request(document, question.labels[0])))
    label_answers = data.draw(st.lists(TEXTS | st.sampled_from(question.labels), min_size=2, max_size=2))

    def respond(calls: list[Call]) -> list[Answer]:
        return [
            Answer(explanation)
            if isinstance(call, Generate)
            else Answer(text := label_answers[len(call.messages[-1][1]) % 2], parse_label(text, call.labels))
            for call in calls
        ]

    with without_hanging():
        (transcript,) = run([self_explain(spec, document)], respond)
        values = score(transcript, spec, document)
    json.dumps([transcript, values], allow_nan=False).encode()
    for name, value in values.items():
        low, high = range_of(name)
        assert value is None or isinstance(value, list) or low <= value <= high, (name, value)
    if record := transcript["explanation"]:
        assert record["valid"] is not bool(record["reason"])
        assert record["positions"] == sorted({p for p in record["positions"] if 0 <= p < len(document.words)})
        assert {key_of(word) for word in record["words"]} == {document.words[p].key for p in record["positions"]}


@examples(30)
@given(st.sampled_from(dataset_names()), st.lists(TEXTS | RUNS, max_size=4).map("".join), st.booleans())
def test_any_answer_has_a_label_or_none(dataset: str, answer: str, opened: bool) -> None:
    question = dataset_spec(dataset).question
    labels = question.labels or ("kitchen", "living room")
    with without_hanging():
        assert parse_label(answer, labels, question.synonyms) in (None, *labels)
        assert isinstance(read_answer(answer, opened, "</end>").reply, str)
