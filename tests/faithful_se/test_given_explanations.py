"""`evaluate(…, explanations=…)`: what another says, by the procedure of the model's own explanations."""

from __future__ import annotations

import json

import pytest

import faithful_se
from faithful_se.errors import UsageError
from lm_eval_tasks.rule_models import RuleLM

SETTINGS = {"dataset": "sentiment140", "classifier": "loglikelihood"}


@pytest.mark.parametrize("style", ["attribution", "counterfactual"])
def test_the_same_words_from_another_hand_have_the_same_numbers(style, tweets):
    own = faithful_se.evaluate(RuleLM("honest", h=0.6), None, tweets, style=style, budget="multiword", **SETTINGS)
    texts = [transcript["explanation"]["answer"] for transcript in own.transcripts]
    model = RuleLM("random")  # it answers alike, and would explain otherwise
    judged = faithful_se.evaluate(model, None, tweets, explanations=texts, style=style, budget="multiword", **SETTINGS)
    assert judged.scores == own.scores and {row["faithful"] for row in own.scores} == {0.0, 1.0}
    assert model.calls["generate_until"] == 0
    assert {transcript["options"]["explanations"] for transcript in judged.transcripts} == {"given"}
    assert judged.transcripts[0]["explanation"]["messages"] == []


def test_a_text_without_an_explanation_counts_as_unfaithful(tweets):
    (row,) = faithful_se.evaluate(RuleLM(), None, tweets[:1], explanations=[""], **SETTINGS).scores
    assert (row["valid"], row["faithful"]) == (0.0, 0.0)


def test_a_path_is_read_as_the_option_of_the_tasks(tmp_path, tweets):
    first = [tweet.words[0].key for tweet in tweets]
    lists = {"sentiment140": {label: dict.fromkeys(first, 1.0) for label in ("negative", "positive")}}
    path = tmp_path / "word_list.json"
    path.write_text(json.dumps({"word_lists": lists}))
    result = faithful_se.evaluate(RuleLM(), None, tweets, explanations=path, **SETTINGS)
    assert [transcript["explanation"]["words"][0].lower() for transcript in result.transcripts[:1]] == first[:1]
    assert result.transcripts[0]["options"]["explanations"] == f"word list of {tmp_path.name}"
    with pytest.raises(UsageError, match=r"^evaluate: explanations=.* leave tasks of counterfactual out"):
        faithful_se.evaluate(RuleLM(), None, tweets, explanations=path, style="counterfactual", **SETTINGS)


@pytest.mark.parametrize(
    ("explanations", "settings", "line"),
    [
        (["love"], {}, "explanations=…: give a string for each of the 10 texts, a path, or 'rationales'"),
        ([1] * 10, {}, "explanations=…: give a string for each of the 10 texts, a path, or 'rationales'"),
        ("rationales", {}, "explanations=rationales: people marked no words in sentiment140: give tasks of the tag "),
        ("/gone", {}, "explanations=/gone: is no file or folder: give --output_path of a run with --log_samples"),
        (["love"] * 10, {"elicit": "rationale_first"}, "elicit='rationale_first' asks the model to reason: leave "),
    ],
)
def test_wrong_explanations_are_one_line(explanations, settings, line, tweets):
    with pytest.raises(UsageError) as error:
        faithful_se.evaluate(RuleLM(), None, tweets, explanations=explanations, **settings, **SETTINGS)
    assert str(error.value).startswith(f"evaluate: {line}")


def test_two_explanations_of_one_text_are_refused(tweets):
    with pytest.raises(UsageError, match=r"^evaluate: text 1 stands twice with two explanations: take judge_batch "):
        faithful_se.evaluate(RuleLM(), None, [tweets[0]] * 2, explanations=["love", "hate"], **SETTINGS)


def test_reasoning_first(tweets):
    result = faithful_se.evaluate(RuleLM(), None, tweets[:2], elicit="rationale_first", **SETTINGS)
    assert len(result.transcripts[0]["explanation"]["messages"]) == 5
    with pytest.raises(UsageError, match=r"^evaluate_functions: elicit=…: functions reason as they want: leave it out"):
        faithful_se.evaluate_functions(list, list, ["a b"], labels=["x", "y"], elicit="rationale_first")
