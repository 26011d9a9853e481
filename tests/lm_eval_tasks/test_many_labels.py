"""More labels than animals: the rule-based models have a heaviest word for each of them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from lm_eval_tasks import scoring
from lm_eval_tasks.asked_questions import note_question
from lm_eval_tasks.classification import Question
from lm_eval_tasks.document import Document
from lm_eval_tasks.lm_eval_backend import Backend
from lm_eval_tasks.options import Options
from lm_eval_tasks.protocol import self_explain
from lm_eval_tasks.rule_models import RuleLM
from lm_eval_tasks.rule_models.rules import cue_of, label_index, weight_of
from lm_eval_tasks.scheduler import run
from lm_eval_tasks.spec import TaskSpec
from tests.tiny_data import WORDS

COUNT = 77
QUESTION = Question(
    *("banking", "request", "What is the request about?", ("text",), ("Request",)),
    tuple(f"topic {chr(97 + number // 26)}{chr(97 + number % 26)}" for number in range(COUNT)),
)
DOCUMENTS = [Document({"text": f"{first} the {second} today"}) for first, second in pairwise(WORDS[:13])]


def explained(strategy: str, style: str) -> list[Any]:
    note_question(QUESTION)
    lm, spec = RuleLM(strategy), TaskSpec(QUESTION, style, "oneword", Options())
    return run([self_explain(spec, document) for document in DOCUMENTS], Backend(lm, lm.apply_chat_template).respond)


def test_every_label_has_a_word_that_outweighs_all_others() -> None:
    cues = [cue_of(label) for label in range(COUNT)]
    assert [label_index(cue, COUNT) for cue in cues] == list(range(COUNT))
    assert min(map(weight_of, cues)) >= 1 > max(map(weight_of, WORDS))


def test_the_honest_model_reaches_every_target_and_what_is_rewritten_is_not_valid() -> None:
    honest = explained("honest", "counterfactual")
    assert [scoring.faithful(transcript) for transcript in honest] == [1.0] * len(DOCUMENTS)
    assert len({transcript["explanation"]["target"] for transcript in honest}) > 8
    assert {scoring.valid(transcript) for transcript in explained("rewrite_everything", "counterfactual")} == {0.0}
