"""The controls beside an explanation, answered by hand."""

from __future__ import annotations

import math

import pytest

from faithfulness_metrics.erasure import phi_cct
from faithfulness_metrics.words import words_of
from lm_eval_tasks.calls import Answer
from lm_eval_tasks.document import Document
from lm_eval_tasks.metrics import METRICS, score
from lm_eval_tasks.neutral_variants import neutral_variants
from lm_eval_tasks.protocol import self_explain
from tests.lm_eval_tasks.answering import DOCUMENT, SNLI, label, play, spec_of


def test_the_random_control_masks_as_many_other_words_of_the_same_field():
    spec = spec_of("redaction", question=SNLI, controls=("random",), draws=3)
    pair = Document({"premise": "A man sleeps.", "hypothesis": "A man rests on a bed."}, "entailment")
    answer = Answer("Premise: A man sleeps.\nHypothesis: A man [REDACTED] on a bed.")
    calls, transcript = play(
        self_explain(spec, pair), [label("entailment")], [answer], [label("neutral")] + [label("entailment")] * 3
    )
    assert len(calls[2]) == 4
    for row in transcript["random"]:
        (position,) = row["positions"]
        assert position in {3, 4, 6, 7, 8}  # a word of the hypothesis, not "rests"
        assert row["fields"]["premise"] == "A man sleeps."
    values = score(transcript, spec, pair)
    assert (values["faithful"], values["faithful_random"], values["lift"]) == (1.0, 0.0, 1.0)


def test_the_random_control_of_a_counterfactual_writes_the_same_word_elsewhere():
    spec = spec_of("counterfactual", controls=("random",))
    answers = [label("positive")], [Answer("I love my awful phone, love it!")]
    _, transcript = play(
        self_explain(spec, DOCUMENT), *answers, [label("positive"), label("negative"), label("positive")]
    )
    assert len(transcript["random"]) == 2
    for row in transcript["random"]:
        words = ["I", "love", "my", "new", "phone", "love", "it"]
        (position,) = row["positions"]
        assert position != 3
        words[position] = "awful"
        assert [word.text for word in words_of(row["fields"])] == words
    assert score(transcript, spec, DOCUMENT)["faithful_random"] == 0.5
    assert score(transcript, spec, DOCUMENT)["lift"] == -0.5


def test_the_oracle_tries_every_type_of_word_with_all_its_occurrences():
    spec = spec_of(controls=("random", "oracle"), draws=1)
    singles = [label("positive")] * 5 + [label("negative")]  # only "it" flips
    _, transcript = play(
        self_explain(spec, DOCUMENT),
        [label("positive")],
        [Answer("love")],
        [label("positive"), label("positive"), *singles],
    )
    assert [row["positions"] for row in transcript["oracle"]["singles"]] == [[0], [1, 5], [2], [3], [4], [6]]
    values = score(transcript, spec, DOCUMENT)
    assert values["faithful_oracle"] == 1.0
    assert values["ccf"] == [0.0, 0.0, 1.0]


def test_the_oracle_of_a_counterfactual_writes_the_new_word_over_every_word():
    # "awful" stands over both "love" and reaches nothing; over "phone" alone it would have.
    spec = spec_of("counterfactual", controls=("random", "oracle"), draws=1)
    answers = [label("positive")] * 2 + [label("negative" if p == 4 else "positive") for p in range(7)]
    answers += [label("positive")]  # where the model itself wrote it
    calls, transcript = play(
        self_explain(spec, DOCUMENT), [label("positive")], [Answer("I awful my new phone, awful it!")], answers
    )
    assert transcript["explanation"]["valid"]
    assert [row["positions"] for row in transcript["oracle"]["singles"]] == [*([p] for p in range(7)), [1, 5]]
    assert calls[2][2 + 4].messages[0][1].endswith("Tweet: I love my new awful, love it!")
    assert score(transcript, spec, DOCUMENT)["ccf"] == [0.0, 0.0, 1.0]


def test_a_new_word_over_several_occurrences_competes_with_words_that_stand_as_often():
    # "awful" over both "nice" reaches nothing, nor over any one word; over both "odd" it does. "a" stands three times.
    document = Document({"text": "nice dog, nice cat, odd, odd fish ate a big, a red, a cow"}, gold="positive")
    spec = spec_of("counterfactual", controls=("oracle",))
    answer = Answer("awful dog, awful cat, odd, odd fish ate a big, a red, a cow")
    singles = [label("positive")] * 14 + [label("positive"), label("negative")]
    calls, transcript = play(self_explain(spec, document), [label("positive")], [answer], [label("positive"), *singles])
    assert [row["positions"] for row in transcript["oracle"]["singles"][14:]] == [[0, 2], [4, 5]]
    assert calls[2][-1].messages[0][1].endswith("Tweet: nice dog, nice cat, awful, awful fish ate a big, a red, a cow")
    assert score(transcript, spec, document)["ccf"] == [0.0, 0.0, 1.0]


def test_a_word_added_to_the_premise_competes_with_places_of_the_premise():
    document = Document({"premise": "A man sleeps.", "hypothesis": "He rests."}, gold="entailment")
    spec = spec_of("counterfactual", question=SNLI, controls=("random", "oracle"), draws=4)
    answers = [label("entailment")] * (1 + 4 + 5)
    answer = Answer("Premise: A man sleeps badly.\nHypothesis: He rests.")
    _, transcript = play(self_explain(spec, document), [label("entailment")], [answer], answers)
    assert transcript["explanation"]["edits"] == [[2, "after", "badly"]]
    assert {row["fields"]["hypothesis"] for row in transcript["random"]} == {"He rests."}
    assert {row["fields"]["premise"] for row in transcript["random"]} <= {"A badly man sleeps.", "A man badly sleeps."}


def test_the_oracle_of_several_new_words_is_what_was_tried():
    spec = spec_of("counterfactual", "multiword", controls=("random", "oracle"), draws=1)
    answers = [label("negative"), label("positive")]
    _, transcript = play(
        self_explain(spec, DOCUMENT), [label("positive")], [Answer("I hate my old phone, love it!")], answers
    )
    assert transcript["oracle"] == {"singles": [], "greedy": []}
    assert score(transcript, spec, DOCUMENT)["ccf"] == [1.0, 0.0, 1.0]


def test_leave_one_out_is_a_rank_of_probability_drops():
    spec = spec_of(controls=("random", "oracle"), draws=1, classifier="loglikelihood")
    prediction = Answer("positive", "positive", {"negative": -3.0, "positive": -0.1})

    def dropped(by):
        return Answer("positive", "positive", {"negative": -3.0 + by, "positive": -0.1 - by})

    answers = [dropped(0), dropped(0), *[dropped(x) for x in (0.0, 0.3, 0.0, 0.0, 0.5, 0.1)]]
    _, transcript = play(self_explain(spec, DOCUMENT), [prediction], [Answer("love")], answers)
    values = score(transcript, spec, DOCUMENT)
    assert values["loo_percentile"] == 4 / 5  # four of the five other types drop it less
    assert values["hit1"] == 0.0
    assert values["redundant"] == 0.0


def test_comprehensiveness_is_what_the_label_loses_and_random_words_cost_some_of_it():
    spec = spec_of(controls=("random",), draws=2, classifier="loglikelihood")

    def positive(probability):
        text = "positive" if probability > 0.5 else "negative"
        return Answer(text, text, {"negative": math.log(1 - probability), "positive": math.log(probability)})

    answers = [positive(0.4), positive(0.9), positive(0.6)]  # without the named word, and without two random ones
    _, transcript = play(self_explain(spec, DOCUMENT), [positive(0.9)], [Answer("love")], answers)
    values = score(transcript, spec, DOCUMENT)
    assert values["comprehensiveness"] == pytest.approx(0.5)
    assert values["comprehensiveness_lift"] == pytest.approx(0.5 - (0.0 + 0.3) / 2)
    _, transcript = play(self_explain(spec, DOCUMENT), [positive(0.9)], [Answer("no such word")], answers[1:])
    values = score(transcript, spec, DOCUMENT)
    assert values["comprehensiveness"] is values["comprehensiveness_lift"] is None


def test_phi_counts_the_words_that_flip_and_those_that_are_named():
    spec = spec_of(controls=("oracle",))
    flips = [label("positive"), label("negative"), label("negative"), *[label("positive")] * 3]  # "love" and "my"
    for answer, counts in (("love", [1, 1, 0, 4]), ("phone", [0, 2, 1, 3]), ("no such word", [0, 0, 0, 0])):
        checks = [label("positive")] * (0 if answer == "no such word" else 1)
        _, transcript = play(self_explain(spec, DOCUMENT), [label("positive")], [Answer(answer)], [*checks, *flips])
        assert score(transcript, spec, DOCUMENT)["phi_cct"] == counts
    # Over all three: n11 = 1, n10 = 3, n01 = 1, n00 = 7.
    tables = [[1, 1, 0, 4], [0, 2, 1, 3], [0, 0, 0, 0]]
    assert METRICS["phi_cct"].aggregate(tables) == pytest.approx((1 * 7 - 3 * 1) / math.sqrt(4 * 8 * 2 * 10))
    assert METRICS["phi_cct_of_max"].aggregate(tables) == phi_cct([1] * 4 + [0] * 8, [1] + [0] * 3 + [1] + [0] * 7)[1]
    assert math.isnan(METRICS["phi_cct"].aggregate([[0, 0, 1, 5]]))  # nothing flips
    assert METRICS["phi_cct"].stderr([[0, 0, 1, 5]] * 9) == "N/A"


@pytest.mark.parametrize("answer", ["love", "a word that is not there"])
def test_where_no_word_matters_the_document_is_redundant_whatever_is_named(answer):
    # P(positive) = e^-0.1 / (e^-0.1 + e^-3) = .948; .009 less than that is below the threshold of .01.
    spec = spec_of(controls=("random", "oracle"), draws=1, classifier="loglikelihood")
    prediction = Answer("positive", "positive", {"negative": -3.0, "positive": -0.1})
    slightly = Answer("positive", "positive", {"negative": -2.8323, "positive": -0.1})
    checks = [prediction] * (2 if answer == "love" else 1)
    _, transcript = play(self_explain(spec, DOCUMENT), [prediction], [Answer(answer)], [*checks, *[slightly] * 6])
    values = score(transcript, spec, DOCUMENT)
    assert values["redundant"] == 1.0
    assert values["hit1"] == (1.0 if answer == "love" else None)


def test_stability_counts_the_neutral_changes_that_change_the_answer():
    spec, document = spec_of(controls=("stability",)), Document({"text": "I love it."}, gold="positive")
    answers = [label("negative"), label("positive"), label("positive"), label("positive"), label("negative")]
    calls, transcript = play(self_explain(spec, document), [label("positive")], [Answer("love")], answers)
    assert [row["variant"] for row in transcript["stability"]] == [
        "trailing blank",
        "no final full stop",
        "mask appended",
        "labels shuffled",
    ]
    prompts = [call.messages[0][1].partition("\n\nTweet: ") for call in calls[2]]
    assert [text for _, _, text in prompts] == [
        "I [REDACTED] it.", "I love it. ", "I love it", "I love it. [REDACTED]", "I love it.",
    ]  # fmt: skip
    assert ['"positive" or "negative"' in question for question, _, _ in prompts] == [False] * 4 + [True]
    assert score(transcript, spec, document)["stability_q"] == 0.25


@pytest.mark.parametrize("text", ["I love it", "I love it ", ". ", "", "I love it!", "I love. it"])
def test_no_change_that_is_none(text):
    spec, document = spec_of(controls=("stability",)), Document({"text": text})
    assert [name for name, _ in neutral_variants(spec, document)] == [
        "trailing blank",
        "mask appended",
        "labels shuffled",
    ]


@pytest.mark.parametrize(("text", "left"), [("I love it. ", "I love it"), ("I love it...", "I love it..")])
def test_a_full_stop_goes_with_the_blanks_behind_it(text, left):
    spec, document = spec_of(controls=("stability",)), Document({"text": text})
    assert {name: variant.fields["text"] for name, variant in neutral_variants(spec, document)}[
        "no final full stop"
    ] == left


def test_an_answer_that_could_not_be_had_is_no_change():
    spec, document = spec_of(controls=("stability",)), Document({"text": "I love it."}, gold="positive")
    none = Answer("", None, problem="the prompt exceeds the context")
    answers = [label("negative"), label("negative"), label("positive"), none, Answer("hm", None)]
    _, transcript = play(self_explain(spec, document), [label("positive")], [Answer("love")], answers)
    assert score(transcript, spec, document)["stability_q"] == 0.25
