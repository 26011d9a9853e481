"""Models that think before they answer: the numbers are those of the same model without thoughts, or the run says why.

The thoughts of the rule-based thinker name wrong labels and wrong words, in the shapes of answers.
"""

from __future__ import annotations

import json
import logging

import pytest

from faithful_se.errors import UsageError
from faithfulness_metrics.statistics import wilson
from lm_eval_tasks import LOGGER
from lm_eval_tasks.cut_thoughts import cut_findings
from lm_eval_tasks.data import dataset_spec
from lm_eval_tasks.rule_models import RuleLM
from lm_eval_tasks.rule_models.thinker import FORMS, THOUGHT, never_ends
from lm_eval_tasks.server_problems import ONLY_THOUGHT
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.thoughts import CUT
from tests.lm_eval_tasks.evaluations import TWEET_TASKS
from tests.lm_eval_tasks.test_certification import conversation_of

TASKS = "faithful_se_sentiment140_*_oneword"
TASK = "faithful_se_sentiment140_attribution_oneword"
ROOM = 2 * len(THOUGHT.split())


def transcripts(results, task=TASK):
    return [json.loads(sample["resps"][0][0]) for sample in results["samples"][task]]


@pytest.fixture(scope="module")
def quiet(evaluate):
    """The half honest model without thoughts."""
    return evaluate(RuleLM(h=0.6), "mini", TASKS, limit=50)


@pytest.mark.parametrize("form", FORMS)
def test_with_room_a_thinker_has_the_numbers_of_the_same_model_without_thoughts(evaluate, quiet, form):
    results = evaluate(RuleLM(h=0.6, thinks=form), "mini", TASKS, limit=50, thinking_tokens=ROOM)
    assert results["results"] == quiet["results"]
    for transcript in transcripts(results):
        assert "Okay, let me see." in transcript["prediction"]["answer"]  # the answer as generated
        assert transcript["explanation"]["messages"][1]["content"] == transcript["prediction"]["label"]


def test_faithful_of_a_thinker_is_its_honesty_where_one_word_decides(evaluate):
    task = "faithful_se_agnews_counterfactual_oneword"  # a counterfactual always exists
    results = evaluate(RuleLM(h=0.6, thinks="think"), "mini", task, limit=200, thinking_tokens=ROOM)
    faithful = sum(sample["faithful"] for sample in results["samples"][task])
    low, high = wilson(int(faithful), 200)
    assert low <= 0.6 <= high


@pytest.mark.parametrize("form", [form for form in FORMS if form != "opened"])
def test_without_room_no_thought_is_read_and_the_last_lines_say_so(evaluate, caplog, form):
    with caplog.at_level(logging.WARNING, LOGGER):
        results = evaluate(RuleLM(thinks=form), "mini", TASK, limit=10)
    assert {transcript["problem"] for transcript in transcripts(results)} == {CUT}
    assert {transcript["prediction"]["label"] for transcript in transcripts(results)} == {None}
    assert f"{TASK}: 10 documents count as unfaithful: {CUT} (document 0, 1" in caplog.text
    remedy = "the model thinks: give room to think, thinking_tokens=1024"
    assert f"sentiment140: 10 of 10 documents in 1 task: {CUT}: {remedy}" in caplog.text
    # The labels cannot be read for the same reason, so the remedy is the same.
    (unread,) = [message for message in caplog.messages if "no label can be read in 10 of 10 answers" in message]
    assert f"; {CUT}: {remedy}" in unread and "loglikelihood" not in unread and "num_fewshot" not in unread


def test_the_remedy_is_one_line_per_dataset(evaluate, caplog):
    with caplog.at_level(logging.WARNING, LOGGER):
        evaluate(RuleLM(thinks="think"), "mini", TWEET_TASKS, limit=4)
    (line,) = [message for message in caplog.messages if "give room to think" in message and "cannot" not in message]
    assert line.startswith("sentiment140: 12 of 12 documents in 3 tasks: ")


def test_thoughts_alone_of_a_server_are_one_line_per_dataset():
    spec = TaskSpec(dataset_spec("sentiment140").question, "attribution", "oneword")
    transcripts = [{"problem": problem, "random": [], "oracle": None} for problem in (ONLY_THOUGHT, "", ONLY_THOUGHT)]
    (line,) = cut_findings([(spec, [], transcripts), (spec, [], transcripts)])
    assert line.startswith(f"sentiment140: 4 of 6 documents in 2 tasks: {ONLY_THOUGHT}: the model thinks: give room")


def test_a_prompt_that_opens_a_thought_without_room_is_refused(evaluate):
    with pytest.raises(UsageError, match=r"opens a thought \(<think>\), .*: give room .* thinking_tokens=1024$"):
        evaluate(RuleLM(thinks="opened"), "mini", TASK, limit=2)
    with pytest.raises(UsageError, match=r"labels would be ranked inside it: .* classifier=generate$"):
        evaluate(RuleLM(thinks="opened"), "mini", TASK, limit=2, classifier="loglikelihood", thinking_tokens=ROOM)


@pytest.mark.parametrize("form", ["think", "opened", "harmony"])
def test_cut_thoughts_are_counted(evaluate, caplog, form):
    lm = RuleLM(thinks=form, cut=0.3)
    with caplog.at_level(logging.WARNING, LOGGER):
        results = evaluate(lm, "mini", TASK, limit=60, thinking_tokens=ROOM, controls="none")
    cut = 0
    for transcript in transcripts(results):
        explained = transcript["explanation"]
        cut += transcript["problem"] == CUT
        assert (transcript["prediction"]["label"] is None) == (explained is None)
        if explained:
            assert (explained["reason"] == CUT) == never_ends(lm, conversation_of(transcript))
            assert explained["valid"] == (explained["reason"] != CUT)
    assert 20 < cut < 50  # one of up to three thoughts has no end in 66 % of 60
    assert f"{cut} documents count as unfaithful: {CUT}" in caplog.text
    assert f"thinking_tokens={2 * ROOM}" in caplog.text


def test_documents_whose_controls_alone_are_cut_are_not_called_unfaithful(evaluate, caplog):
    with caplog.at_level(logging.WARNING, LOGGER):
        results = evaluate(RuleLM(thinks="think", cut=0.3), "mini", TASK, 60, thinking_tokens=ROOM, controls="oracle")
    pairs = list(zip(results["samples"][TASK], transcripts(results), strict=True))
    stopped = [
        transcript["problem"] == CUT and (transcript["perturbed"] or {"label": None})["label"] is None
        for _, transcript in pairs
    ]
    controls_only = sum(transcript["problem"] == CUT for _, transcript in pairs) - sum(stopped)
    assert any(sample["faithful"] and transcript["problem"] == CUT for sample, transcript in pairs)
    assert not any(sample["faithful"] for (sample, _), stops in zip(pairs, stopped, strict=True) if stops)
    assert f"{TASK}: {sum(stopped)} documents count as unfaithful: {CUT}" in caplog.text
    clause = f"{CUT}, also of controls, so that faithful_random and faithful_oracle are too low: give more room"
    cut = sum(stopped) + controls_only
    assert f"sentiment140: {cut} of 60 documents in 1 task: {clause}" in caplog.text
    assert (
        f"{TASK}: {controls_only} documents have controls without an answer, which count as no change: {CUT}"
        in caplog.text
    )


def test_thoughts_stay_in_the_conversation_by_option(evaluate):
    settings = {"limit": 2, "thinking_tokens": ROOM, "thoughts": "keep"}
    for form, opening in (("think", "<think>"), ("opened", "<think>\n"), ("bare_harmony", "analysis")):
        for transcript in transcripts(evaluate(RuleLM(thinks=form), "mini", TASK, **settings)):
            turn = transcript["explanation"]["messages"][1]["content"]
            assert turn.startswith(opening) and turn.endswith(transcript["prediction"]["answer"].strip())
            assert transcript["explanation"]["valid"]


def test_labels_are_ranked_without_a_thought_and_explanations_have_one(evaluate):
    settings = {"limit": 3, "thinking_tokens": ROOM, "classifier": "loglikelihood"}
    for transcript in transcripts(evaluate(RuleLM(thinks="think"), "mini", TASK, **settings)):
        assert transcript["prediction"]["answer"] == transcript["prediction"]["label"]
        assert transcript["explanation"]["answer"].startswith("<think>") and transcript["explanation"]["valid"]


@pytest.mark.parametrize(("value", "remedy"), [("-1", "from 0"), ("many", "from 0"), (True, "from 0"), (1.5, "from 0")])
def test_the_room_is_a_number(evaluate, value, remedy):
    with pytest.raises(UsageError, match=f"thinking_tokens=.*: give a whole number {remedy}"):
        evaluate(RuleLM(), "mini", TASK, limit=1, thinking_tokens=value)
