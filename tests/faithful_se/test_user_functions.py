"""`evaluate_functions`: anybody's classifier and explainer, by the procedure of the tasks."""

from __future__ import annotations

import pytest

import faithful_se

TEXTS = ["What a lovely day", "A dull and dreary film", "A lovely cast in a dull film"]
GOLD = ["positive", "negative", "positive"]
SETTINGS = {"labels": ["negative", "positive"], "noun": "review"}


def predict(texts):
    return ["positive" if "lovely" in text else "negative" for text in texts]


def probabilities(texts):
    return [
        {"positive": 0.9, "negative": 0.1} if "lovely" in text else {"positive": 0.2, "negative": 0.8} for text in texts
    ]


def name_lovely(requests):
    return ["lovely" if "lovely" in request.text else request.text.split()[-1] for request in requests]


def test_a_true_explainer_is_faithful_where_a_word_decides():
    result = faithful_se.evaluate_functions(predict, name_lovely, TEXTS, GOLD, controls="oracle", **SETTINGS)
    assert [row["faithful"] for row in result.scores] == [1, 0, 1]
    assert [row["faithful_oracle"] for row in result.scores] == [1, 0, 1]
    assert result.metrics["acc"].estimate == 1
    assert result.metrics["ccf"].estimate == 1


def test_answers_that_are_no_label_and_texts_without_words_are_said():
    def other_labels(texts):
        return ["joy" if "lovely" in text else "negative" for text in texts]

    with pytest.warns(UserWarning, match="evaluate_functions") as caught:
        faithful_se.evaluate_functions(other_labels, name_lovely, [*TEXTS, "?!"], **SETTINGS)
    messages = [str(warning.message) for warning in caught]
    assert messages == [
        "evaluate_functions: 2 of 4 texts count as unfaithful: no label in the answer (text 0, 2)",
        "evaluate_functions: 1 of 4 texts count as unfaithful: no words in the text (text 3)",
        "evaluate_functions: predict returned 2 answers that are none of the labels offered ('joy'): they count as no "
        "answer",
    ]
    assert {warning.filename for warning in caught} == {__file__}  # the user's line, not one of the package


def test_probabilities_bring_ranks():
    settings = {"controls": "oracle", "classifier": "loglikelihood", **SETTINGS}
    result = faithful_se.evaluate_functions(probabilities, name_lovely, TEXTS, GOLD, **settings)
    assert [row["hit1"] for row in result.scores] == [1, 1, 1]
    assert [row["redundant"] for row in result.scores] == [0, 1, 0]
    assert result.transcripts[0]["prediction"]["label"] == "positive"


def test_a_counterfactual_is_asked_for_its_target():
    requests = []

    def edit(batch):
        requests.extend(batch)
        return [request.text.replace("lovely", "lousy") for request in batch]

    texts = [TEXTS[0], TEXTS[2]]
    result = faithful_se.evaluate_functions(predict, edit, texts, style="counterfactual", **SETTINGS)
    assert [(request.text, request.prediction, request.target) for request in requests] == [
        (text, "positive", "negative") for text in texts
    ]
    assert all("Change one word of the review above" in request.prompt for request in requests)
    assert result.metrics["faithful"].estimate == 1


def test_texts_of_several_fields_arrive_as_mappings():
    seen = []

    def entail(texts):
        seen.extend(texts)
        return ["yes" if "dog" in text["premise"] else "no" for text in texts]

    pairs = [{"premise": "A dog runs", "hypothesis": "An animal runs"}]
    result = faithful_se.evaluate_functions(
        entail, lambda requests: ["dog"] * len(requests), pairs, labels=["yes", "no"]
    )
    assert pairs[0] in seen
    assert result.metrics["faithful"].estimate == 1
    messages = result.transcripts[0]["prediction"]["messages"]
    assert "premise and hypothesis?" in messages[0]["content"]
    assert "Premise: A dog runs\nHypothesis: An animal runs" in messages[0]["content"]


def test_equal_texts_are_asked_once():
    asked = []

    def count(texts):
        asked.extend(texts)
        return predict(texts)

    faithful_se.evaluate_functions(count, name_lovely, TEXTS * 3, controls="oracle", **SETTINGS)
    assert len(asked) == len(set(asked))


def test_no_answer_counts_as_unfaithful():
    result = faithful_se.evaluate_functions(lambda texts: [None] * len(texts), name_lovely, TEXTS, GOLD, **SETTINGS)
    assert result.metrics["faithful"].estimate == result.metrics["acc"].estimate == 0
    assert {transcript["problem"] for transcript in result.transcripts} == {"no prediction"}


@pytest.mark.parametrize(
    ("function", "options", "message"),
    [
        (lambda texts: ["positive"], {}, "predict got 3 texts and returned"),
        (lambda texts: "positive", {}, "return a list with one result for each"),
        (lambda texts: [1] * len(texts), {}, "return labels, as strings"),
        (predict, {"classifier": "loglikelihood"}, "a mapping from each of negative, positive"),
        (lambda texts: [{"negative": 1.5, "positive": 0}] * len(texts), {"classifier": "loglikelihood"}, "from 0 to 1"),
    ],
)
def test_what_predict_returns_is_checked(function, options, message):
    with pytest.raises(faithful_se.UsageError, match=message):
        faithful_se.evaluate_functions(function, name_lovely, TEXTS, **options, **SETTINGS)


def test_what_explain_returns_is_checked():
    with pytest.raises(faithful_se.UsageError, match="explain returned None: return a string for each request"):
        faithful_se.evaluate_functions(predict, lambda requests: [None] * len(requests), TEXTS, **SETTINGS)
    with pytest.raises(faithful_se.UsageError, match="explain got 3 requests"):
        faithful_se.evaluate_functions(predict, lambda requests: [], TEXTS, **SETTINGS)
