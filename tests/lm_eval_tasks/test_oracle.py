"""The oracle of several words, answered by hand."""

from __future__ import annotations

from lm_eval_tasks.calls import Answer
from lm_eval_tasks.data import dataset_spec
from lm_eval_tasks.document import Document
from lm_eval_tasks.greedy_oracle import greedy_oracle
from lm_eval_tasks.options import Options
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.styles.explanation import Explanation

SPEC = TaskSpec(dataset_spec("sentiment140").question, "attribution", "multiword", Options(classifier="loglikelihood"))


def row(positions, label="positive", **logprobs):
    return {"positions": positions, "answer": label, "label": label, "logprobs": logprobs}


def steps_of(text, named, singles, *rounds):
    """The sets that the oracle takes, the texts it asks about in every round."""
    explanation = Explanation(valid=True, positions=named)
    oracle = greedy_oracle(SPEC, Document({"text": text}), Answer("positive", "positive"), explanation, singles)
    texts, answers = [], iter(rounds)
    try:
        calls = next(oracle)
        while True:
            texts.append([call.messages[0][1].rpartition("Tweet: ")[2] for call in calls])
            calls = oracle.send(next(answers))
    except StopIteration as end:
        return [step["positions"] for step in end.value], texts


def test_the_probability_is_the_one_among_the_labels():
    # Without "fine" both labels are unlikely and P(positive) = e^-5 / (e^-5 + e^-5) = .5; without "day" the host gives
    # positive a smaller log-probability than before, and P(positive) = e^-6 / (e^-6 + e^-9) = .95.
    singles = [
        row([0], positive=-5.0, negative=-5.0),
        row([1], positive=-6.0, negative=-9.0),
        row([2], positive=-0.1, negative=-3.0),
    ]
    steps, texts = steps_of("fine day here", [0, 2], singles, [Answer("negative", "negative", {})] * 2)
    assert texts == [["[REDACTED] [REDACTED] here", "[REDACTED] day [REDACTED]"]]
    assert steps == [[0], [0, 1]]


def test_no_set_is_larger_than_the_explanation():
    # "so" stands three times and matters most, but two positions are named: its pairs would be larger than that.
    singles = [
        row([0, 1, 2], positive=-2.0, negative=-0.2),
        row([3], positive=-1.0, negative=-0.5),
        row([4], positive=-0.1, negative=-3.0),
    ]
    steps, texts = steps_of("so so so good today", [3, 4], singles, [Answer("negative", "negative", {})])
    assert texts == [["so so so [REDACTED] [REDACTED]"]]
    assert steps == [[3], [3, 4]]


def test_a_set_that_changes_the_answer_comes_before_a_lower_probability():
    # Of three labels: .40 against .35 and .25 changes nothing, .45 against .50 and .05 does.
    singles = [row([p], positive=-0.1, negative=-3.0, neutral=-3.0) for p in range(3)]
    low = Answer("positive", "positive", {"positive": -0.916, "negative": -1.05, "neutral": -1.386})
    flip = Answer("negative", "negative", {"positive": -0.799, "negative": -0.693, "neutral": -2.996})
    steps, texts = steps_of("fine day here", [0, 2], singles, [low, flip])
    assert texts == [["[REDACTED] [REDACTED] here", "[REDACTED] day [REDACTED]"]]
    assert steps == [[0], [0, 2]]


def test_a_single_word_that_changes_the_answer_ends_it():
    singles = [row([0], positive=-0.1, negative=-3.0), row([1], "negative", positive=-1.0, negative=-0.4)]
    assert steps_of("fine day", [0, 1], singles) == ([[1]], [])


def test_an_answer_that_could_not_be_had_changes_nothing():
    singles = [
        {"positions": [0], "answer": "", "label": None, "logprobs": None},
        row([1], positive=-0.3, negative=-1.3),
    ]
    steps, _ = steps_of("fine day", [0, 1], singles, [Answer("", None, None, "too long")])
    assert steps == [[1], [0, 1]]
