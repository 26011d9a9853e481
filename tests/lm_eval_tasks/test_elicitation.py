"""`elicit=rationale_first`: a sentence of reasoning, then the explanation, in the words of a request without it."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from faithful_se.errors import UsageError
from lm_eval_tasks.calls import Answer, Generate
from lm_eval_tasks.certify_texts import score_all, texts
from lm_eval_tasks.cost import most_calls
from lm_eval_tasks.data import dataset_spec
from lm_eval_tasks.document import Document
from lm_eval_tasks.languages import ENGLISH, prompts_of
from lm_eval_tasks.lm_eval_backend import Backend
from lm_eval_tasks.options import Options
from lm_eval_tasks.protocol import self_explain
from lm_eval_tasks.read_options import read_options
from lm_eval_tasks.rule_models import RuleLM
from lm_eval_tasks.scheduler import run
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.steps import REASON, STEPS, steps_of
from lm_eval_tasks.styles import BUDGETS, EXPLANATION_STYLES
from tests.test_house import ROOT

TWEETS = dataset_spec("sentiment140").question
FIRST = Options(elicit="rationale_first", controls=())
TWEET = Document({"text": "I love rainy mondays"})
ATTRIBUTION = TaskSpec(TWEETS, "attribution", "oneword", FIRST)
ASKS = "Explain in one sentence what in the tweet above decided your answer."


def test_the_reasoning_is_a_turn_before_the_request():
    steps = self_explain(ATTRIBUTION, TWEET)
    (classify,) = next(steps)
    (reason,) = steps.send([Answer("positive", "positive")])
    assert reason.messages == (*classify.messages, ("assistant", "positive"), ("user", ASKS))
    assert isinstance(reason, Generate) and reason.room == 64
    (explain,) = steps.send([Answer("Loving is positive.")])
    (plain,) = _explain_of(replace(ATTRIBUTION, options=Options(controls=())))
    request = plain.messages[-1]
    assert explain.messages == (*reason.messages, ("assistant", "Loving is positive."), request)
    assert (explain.room, explain.settings) == (plain.room, plain.settings)
    steps.send([Answer("love")])
    with pytest.raises(StopIteration) as end:
        steps.send([Answer("negative", "negative")])
    explanation = end.value.value["explanation"]
    assert (explanation["words"], explanation["answer"]) == (["love"], "love")
    assert [message["content"] for message in explanation["messages"]][-3:] == [ASKS, "Loving is positive.", request[1]]


def _explain_of(spec: TaskSpec):
    steps = self_explain(spec, TWEET)
    next(steps)
    return steps.send([Answer("positive", "positive")])


def test_no_explanation_is_asked_for_without_a_sentence():
    steps = self_explain(ATTRIBUTION, TWEET)
    next(steps)
    steps.send([Answer("positive", "positive")])
    calls = steps.send([Answer(" \n", problem="the server did not answer")])
    assert calls == []  # nothing to check either
    with pytest.raises(StopIteration) as end:
        steps.send([])
    transcript = end.value.value
    assert (transcript["explanation"]["valid"], transcript["perturbed"]) == (False, None)
    assert transcript["problem"] == transcript["explanation"]["reason"] == "the server did not answer"


@pytest.mark.parametrize(("style", "context"), product(EXPLANATION_STYLES, ("same", "fresh")))
def test_a_rule_explains_alike_after_its_reasoning(style, context):
    """The sentence of the rule-based model names another word and another label: whoever reads it reads wrongly."""
    faithful = []
    for budget in BUDGETS:
        options = Options(data="mini", classifier="loglikelihood", context=context)
        direct = TaskSpec(TWEETS, style, budget, options)
        first = replace(direct, options=replace(options, elicit="rationale_first"))
        documents = texts(direct)[:8]
        scores = score_all(RuleLM("honest", h=0.6), direct, documents)
        assert scores == score_all(RuleLM("honest", h=0.6), first, documents)
        assert {row["valid"] for row in scores} == {1.0}
        faithful += [row["faithful"] for row in scores]
    assert set(faithful) == {0.0, 1.0}


def test_the_reasoning_of_a_rule_stands_in_the_transcript():
    model = RuleLM()
    (transcript,) = run([self_explain(ATTRIBUTION, TWEET)], Backend(model, model.apply_chat_template).respond)
    *_, asked, reasoning, _ = transcript["explanation"]["messages"]
    assert asked["content"] == ASKS
    assert reasoning["content"].startswith('The most important word is "')
    assert transcript["explanation"]["words"][0] not in reasoning["content"]
    assert transcript["options"]["elicit"] == "rationale_first" and "elicit" not in Options().as_dict()


def test_it_is_one_call_and_one_round_more():
    plain = replace(ATTRIBUTION, options=Options(controls=()))
    assert most_calls(ATTRIBUTION, TWEET) == most_calls(plain, TWEET) + 1
    assert steps_of([ATTRIBUTION]) == (STEPS[0], REASON, *STEPS[1:])


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"elicit": "first"}, "t: elicit='first': give one of direct, rationale_first"),
        (
            {"elicit": "rationale_first", "explanations": "rationales"},
            "t: elicit=rationale_first asks the model to reason: leave explanations out",
        ),
    ],
)
def test_wrong_values_are_one_line(values, line):
    with pytest.raises(UsageError) as error:
        read_options("t", {}, values)
    assert str(error.value) == line


def test_languages_have_the_sentence_or_are_refused():
    german = dataset_spec("reviews_de", ROOT / "examples" / "languages").question
    sentence = "Erkläre in einem Satz, was im Text oben für deine Antwort entscheidend war."
    assert german.prompt("rationale_first") == sentence
    own = tuple((key, value) for key, value in prompts_of(ENGLISH).items() if key != "rationale_first")
    with pytest.raises(UsageError, match="fr has no prompt that asks for reasoning first: give each under prompts; "):
        TaskSpec(replace(german, language="fr", prompts=own), "attribution", "oneword", FIRST)
