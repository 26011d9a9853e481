"""`infill_from=model`: the model proposes the words that come in the place of removed ones."""

from __future__ import annotations

from dataclasses import replace

import pytest

from faithful_se.errors import UsageError
from faithfulness_metrics.infill import OtherTexts, infill
from faithfulness_metrics.words import words_of
from lm_eval_tasks.calls import Answer
from lm_eval_tasks.certify_texts import score_all, texts
from lm_eval_tasks.cost import most_calls
from lm_eval_tasks.data import dataset_spec
from lm_eval_tasks.infill_texts import infill_texts
from lm_eval_tasks.languages import ENGLISH, prompts_of
from lm_eval_tasks.metrics import metrics_of, score
from lm_eval_tasks.options import Options
from lm_eval_tasks.protocol import self_explain
from lm_eval_tasks.read_options import read_options
from lm_eval_tasks.rule_models import RuleLM
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.steps import EXPLAIN, PROPOSE, STEPS, steps_of
from tests.lm_eval_tasks.answering import DOCUMENT, SENTIMENT, label, play, spec_of

OTHERS = OtherTexts.of([{"text": "we sold our old car"}])
FLIP, SAME = label("negative"), label("positive")


def spec(style="attribution", operator="infill", **options):
    return replace(spec_of(style, operator=operator, infill_from="model", **options), others=OTHERS)


def text_of(call):
    return call.messages[-1][1].rpartition("Tweet: ")[2]


def asked_words(task):
    """The requests for words, where the explanation names "love"."""
    steps = self_explain(task, DOCUMENT)
    next(steps)
    steps.send([SAME])
    return steps.send([Answer("love")])


def test_a_word_is_proposed_in_a_conversation_of_its_own():
    task = spec()
    calls, transcript = play(self_explain(task, DOCUMENT), [SAME], [Answer("love")], [Answer('"Hate".')], [FLIP])
    (ask,), (check,) = calls[2], calls[3]
    request = (
        'Which word could stand in the place of "____" in the following tweet? Answer only with the word.\n\n'
        "Tweet: I ____ my new phone, ____ it!"
    )
    assert (ask.messages, ask.room, ask.settings) == ((("user", request),), 16, '{"do_sample": false}')
    assert text_of(check) == "I Hate my new phone, Hate it!"
    assert transcript["proposals"] == [{"key": "love", "answer": '"Hate".', "word": "Hate"}]
    values = score(transcript, task, DOCUMENT)
    assert (values["faithful"], values["infill_read"]) == (1.0, 1.0)


@pytest.mark.parametrize("answer", ["love", "Love it", "I don't know.", "", "LOVE!"])
def test_without_a_proposal_a_word_of_another_text_is_written(answer):
    calls, transcript = play(self_explain(spec(), DOCUMENT), [SAME], [Answer("love")], [Answer(answer)], [SAME])
    assert text_of(calls[3][0]) == "I sold my new phone, sold it!"
    assert transcript["proposals"][0]["word"] is None
    assert score(transcript, spec(), DOCUMENT)["infill_read"] == 0.0


def test_every_word_that_is_removed_is_asked_about_once():
    """The named word, the random ones and, where infilling is the main operator, all that the oracle removes."""
    controls = ("random", "oracle")
    assert len(asked_words(spec(controls=controls))) == len({word.key for word in DOCUMENT.words}) == 6
    further = spec(operator="mask+infill", controls=controls, draws=1)
    assert 2 <= len(asked_words(further)) <= 3  # the named word, and as many occurrences of others
    plain = replace(further, options=replace(further.options, infill_from="texts"))
    assert most_calls(further, DOCUMENT) == most_calls(plain, DOCUMENT) + 6
    assert steps_of([further]) == ("classify", EXPLAIN, PROPOSE, "check") and steps_of([plain]) == STEPS


def test_a_proposal_that_is_removed_too_is_not_written():
    words, proposals = words_of({"text": "good old car"}), {"good": "old", "old": "new"}
    assert infill(words, [0], OTHERS, 0, proposals) == {0: "old"}
    both = infill(words, [0, 1], OTHERS, 0, proposals)
    assert both[1] == "new" and both[0] in ("we", "sold", "our", "car")


@pytest.mark.parametrize("strategy", ["honest", "random"])
def test_a_rule_whose_words_weigh_nothing_is_as_faithful_as_without_the_words(strategy):
    """The model proposes a word that decides nothing. So filling in does what deleting does, text by text."""
    dataset = dataset_spec("agnews")
    options = Options(data="mini", classifier="loglikelihood", operator="delete+infill", infill_from="model")
    task = TaskSpec(dataset.question, "attribution", "oneword", options, others=infill_texts(dataset, "mini"))
    rows = score_all(RuleLM(strategy), task, texts(task)[:25])
    assert {row["infill_read"] for row in rows} == {1.0}
    for key in ("faithful", "lift"):
        assert [row[f"{key}_infill"] for row in rows] == [row[f"{key}_delete"] for row in rows]
    assert any(row["faithful_infill"] for row in rows)


def test_edits_and_other_operators_ask_for_no_word():
    assert "infill_read" not in metrics_of(spec("counterfactual")) and steps_of([spec("counterfactual")]) == STEPS
    with pytest.raises(UsageError) as error:
        read_options("t", {}, {"infill_from": "model"})
    assert str(error.value) == "t: infill_from=model is for operator=infill: add that, or leave it out"
    assert read_options("t", {}, {"infill_from": "model", "operator": "mask+infill"}).infill_from == "model"
    own = tuple((key, value) for key, value in prompts_of(ENGLISH).items() if key != "infill")
    with pytest.raises(UsageError, match="infill_from=model: fr has no prompt that asks for a word: give each under "):
        TaskSpec(replace(SENTIMENT, language="fr", prompts=own), "attribution", "oneword", spec().options)
