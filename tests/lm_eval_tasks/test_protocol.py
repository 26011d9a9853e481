"""One document through the protocol, answered by hand; and many at once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lm_eval_tasks.calls import Answer, Classify, Document, Generate, TaskSpec
from lm_eval_tasks.data import dataset_spec
from lm_eval_tasks.lockstep import Tally, run
from lm_eval_tasks.options import Options
from lm_eval_tasks.protocol import self_explain
from lm_eval_tasks.scoring import METRICS, metrics_of, score

SENTIMENT, SNLI = dataset_spec("sentiment140").question, dataset_spec("snli").question
DOCUMENT = Document({"text": "I love my new phone, love it!"}, gold="positive")

CLASSIFY = (
    "Is the sentiment of the following tweet negative or positive? Words of the tweet may be replaced by "
    '"[REDACTED]". Answer only with "negative" or "positive". Do not explain the answer.\n\nTweet: '
)


def spec_of(style="attribution", budget="oneword", question=SENTIMENT, **options):
    return TaskSpec(question, style, budget, Options(**{"controls": (), **options}))


def play(procedure, *rounds):
    """Send answers round by round; return the calls of every round and the transcript."""
    calls = [next(procedure)]
    for answers in rounds:
        try:
            calls.append(procedure.send(answers))
        except StopIteration as end:
            return calls, end.value
    raise AssertionError(f"still asks {calls[-1]}")


def label(text):
    return Answer(text, text)


def test_a_document_from_question_to_score():
    spec = spec_of()
    calls, transcript = play(self_explain(spec, DOCUMENT), [label("positive")], [Answer("love")], [label("negative")])
    (classify,), (explain,), (check,) = calls
    assert classify == Classify((("user", CLASSIFY + "I love my new phone, love it!"),), ("negative", "positive"))
    assert isinstance(explain, Generate)
    assert [role for role, _ in explain.messages] == ["user", "assistant", "user"]
    assert explain.messages[:2] == (*classify.messages, ("assistant", "positive"))
    assert check.messages == (("user", CLASSIFY + "I [REDACTED] my new phone, [REDACTED] it!"),)
    assert transcript["explanation"]["positions"] == [1, 5]
    assert transcript["explanation"]["words"] == ["love"]
    assert transcript["perturbed"]["label"] == "negative"
    assert transcript["problem"] == ""
    assert score(transcript, spec) == {"faithful": 1.0, "valid": 1.0, "acc": 1.0, "masked_fraction": 2 / 7}


def test_an_unchanged_answer_is_unfaithful():
    spec = spec_of()
    _, transcript = play(self_explain(spec, DOCUMENT), [label("positive")], [Answer("phone")], [label("positive")])
    assert score(transcript, spec) == {"faithful": 0.0, "valid": 1.0, "acc": 1.0, "masked_fraction": 1 / 7}


def test_an_unparsed_answer_to_the_check_is_unfaithful():
    spec = spec_of()
    _, transcript = play(self_explain(spec, DOCUMENT), [label("positive")], [Answer("love")], [Answer("hm")])
    assert score(transcript, spec)["faithful"] == 0.0


def test_an_invalid_explanation_is_not_checked_and_counts():
    spec = spec_of()
    calls, transcript = play(self_explain(spec, DOCUMENT), [label("positive")], [Answer("hate")], [])
    assert calls[2] == []
    assert transcript["explanation"]["reason"] == "word not in the text"
    assert score(transcript, spec) == {"faithful": 0.0, "valid": 0.0, "acc": 1.0, "masked_fraction": None}


def test_no_label_ends_it():
    _, transcript = play(self_explain(spec_of(), DOCUMENT), [Answer("who knows")])
    assert transcript["problem"] == "no label in the answer"
    assert score(transcript, spec_of())["faithful"] == score(transcript, spec_of())["acc"] == 0.0


def test_a_text_without_words_is_classified_and_named():
    spec = spec_of()
    _, transcript = play(self_explain(spec, Document({"text": "!!! :)"}, "positive")), [label("positive")])
    assert transcript["problem"] == "no words in the text"
    assert score(transcript, spec) == {"faithful": 0.0, "valid": 0.0, "acc": 1.0, "masked_fraction": None}


def test_a_text_beyond_the_context_is_named():
    _, transcript = play(self_explain(spec_of(), DOCUMENT), [Answer("", problem="the text is too long")])
    assert transcript["problem"] == "the text is too long"


def test_a_fresh_conversation_shows_text_and_label():
    calls, _ = play(
        self_explain(spec_of(context="fresh"), DOCUMENT), [label("positive")], [Answer("love")], [label("negative")]
    )
    ((message,),) = (call.messages for call in calls[1])
    assert message[1].startswith(
        "Tweet: I love my new phone, love it!\n\n"
        'The tweet above was classified as "positive".\n\nWhich one word of the tweet'
    )


def test_the_system_instruction_opens_every_conversation():
    spec = TaskSpec(SENTIMENT, "attribution", "oneword", Options(controls=()), system="Be brief.")
    calls, _ = play(self_explain(spec, DOCUMENT), [label("positive")], [Answer("love")], [label("negative")])
    assert all(call.messages[0] == ("system", "Be brief.") for batch in calls for call in batch)


def test_the_operator_delete_shows_no_mask_anywhere():
    calls, _ = play(
        self_explain(spec_of(operator="delete"), DOCUMENT), [label("positive")], [Answer("love")], [label("negative")]
    )
    assert calls[2][0].messages[0][1].endswith("Tweet: I my new phone, it!")
    assert not any("[REDACTED]" in text for batch in calls for call in batch for _, text in call.messages)


def test_a_counterfactual_must_reach_its_target():
    spec = spec_of("counterfactual")
    answers = [label("positive")], [Answer("I hate my new phone, hate it!")]
    calls, transcript = play(self_explain(spec, DOCUMENT), *answers, [label("negative")])
    assert 'would become "negative"' in calls[1][0].messages[-1][1]
    assert calls[2][0].messages[0][1].endswith("Tweet: I hate my new phone, hate it!")
    values = score(transcript, spec)
    assert values == {
        "faithful": 1.0,
        "valid": 1.0,
        "acc": 1.0,
        "one_edit": 0.0,
        "edit_fraction": 2 / 7,
        "label_leak": 0.0,
    }


def test_a_counterfactual_that_changes_to_another_label_is_unfaithful():
    spec = spec_of("counterfactual", question=SNLI)
    pair = Document({"premise": "A man sleeps.", "hypothesis": "A man rests."}, "entailment")
    procedure = self_explain(spec, pair)
    next(procedure)
    (asked,) = procedure.send([label("entailment")])
    target = "neutral" if '"neutral"' in asked.messages[-1][1] else "contradiction"
    other = {"neutral": "contradiction", "contradiction": "neutral"}[target]
    procedure.send([Answer("Premise: A man sleeps.\nHypothesis: A man runs.")])
    with pytest.raises(StopIteration) as end:
        procedure.send([label(other)])
    assert score(end.value.value, spec)["valid"] == 1.0
    assert score(end.value.value, spec)["faithful"] == 0.0


def test_a_document_with_labels_of_its_own():
    """Asked with them, read with them, aimed at one of them; the next document has others."""
    spec = spec_of("counterfactual", question=dataset_spec("cos_e").question, controls=("stability",), unknown=True)
    document = Document({"question": "Where do people sleep?"}, "dining room", ("kitchen", "dining room"))
    procedure = self_explain(spec, document)
    (asked,) = next(procedure)
    assert asked.labels == ("kitchen", "dining room", "unknown")
    assert 'Answer only with "kitchen", "dining room" or "unknown".' in asked.messages[0][1]
    (explain,) = procedure.send([label("dining room")])
    assert 'so that your answer would become "kitchen"' in explain.messages[-1][1]
    check, *neutral = procedure.send([Answer("Where do people cook?")])
    assert check.labels == ("kitchen", "dining room", "unknown")
    assert 'Answer only with "dining room", "kitchen" or "unknown".' in neutral[-1].messages[0][1]
    with pytest.raises(StopIteration) as end:
        procedure.send([label("kitchen"), *[label("dining room")] * 4])
    values = score(end.value.value, spec.of(document))
    assert (values["faithful"], values["acc"], values["label_leak"]) == (1.0, 1.0, 0.0)
    (asked,) = next(self_explain(spec, Document({"question": "What is hot?"}, "fire", ("fire", "ice", "snow"))))
    assert asked.labels == ("fire", "ice", "snow", "unknown")


def test_a_pasted_choice_is_a_pasted_label():
    spec = spec_of("counterfactual", question=dataset_spec("cos_e").question)
    document = Document({"question": "Where do people sleep?"}, "bed", ("kitchen", "bed"))
    answers = [label("bed")], [Answer("Where in the kitchen do people sleep?")], []
    _, transcript = play(self_explain(spec, document), *answers)
    assert transcript["explanation"]["reason"] in ("more than one word changed", "label in the edit")
    assert score(transcript, spec.of(document))["label_leak"] == 1.0


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
    values = score(transcript, spec)
    assert (values["faithful"], values["faithful_random"], values["lift"]) == (1.0, 0.0, 1.0)


def test_the_random_control_of_a_counterfactual_writes_the_same_word_elsewhere():
    spec = spec_of("counterfactual", controls=("random",))
    answers = [label("positive")], [Answer("I love my awful phone, love it!")]
    _, transcript = play(
        self_explain(spec, DOCUMENT), *answers, [label("positive"), label("negative"), label("positive")]
    )
    for row in transcript["random"]:
        assert row["positions"] != [3]
        assert "awful" in row["fields"]["text"]
        assert "new" in row["fields"]["text"]
    assert score(transcript, spec)["faithful_random"] == 0.5
    assert score(transcript, spec)["lift"] == -0.5


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
    values = score(transcript, spec)
    assert values["faithful_oracle"] == 1.0
    assert values["ccf"] == [0.0, 0.0, 1.0]


def test_the_oracle_of_a_counterfactual_writes_the_new_word_over_every_word():
    # "awful" stands over both "love" and reaches nothing; over "phone" alone it would have.
    spec = spec_of("counterfactual", controls=("random", "oracle"), draws=1)
    answers = [label("positive")] * 2 + [label("negative" if p == 4 else "positive") for p in range(7)]
    calls, transcript = play(
        self_explain(spec, DOCUMENT), [label("positive")], [Answer("I awful my new phone, awful it!")], answers
    )
    assert transcript["explanation"]["valid"]
    assert [row["positions"] for row in transcript["oracle"]["singles"]] == [[p] for p in range(7)]
    assert calls[2][2 + 4].messages[0][1].endswith("Tweet: I love my new awful, love it!")
    assert score(transcript, spec)["ccf"] == [0.0, 0.0, 1.0]


def test_the_oracle_of_several_new_words_is_what_was_tried():
    spec = spec_of("counterfactual", "multiword", controls=("random", "oracle"), draws=1)
    answers = [label("negative"), label("positive")]
    _, transcript = play(
        self_explain(spec, DOCUMENT), [label("positive")], [Answer("I hate my old phone, love it!")], answers
    )
    assert transcript["oracle"] == {"singles": [], "greedy": []}
    assert score(transcript, spec)["ccf"] == [1.0, 0.0, 1.0]


def test_leave_one_out_is_a_rank_of_probability_drops():
    spec = spec_of(controls=("random", "oracle"), draws=1, classifier="loglikelihood")
    before = Answer("positive", "positive", {"negative": -3.0, "positive": -0.1})

    def dropped(by):
        return Answer("positive", "positive", {"negative": -3.0 + by, "positive": -0.1 - by})

    answers = [dropped(0), dropped(0), *[dropped(x) for x in (0.0, 0.3, 0.0, 0.0, 0.5, 0.1)]]
    _, transcript = play(self_explain(spec, DOCUMENT), [before], [Answer("love")], answers)
    values = score(transcript, spec)
    assert values["loo_percentile"] == 4 / 5  # four of the five other types drop it less
    assert values["hit1"] == 0.0
    assert values["redundant"] == 0.0


@pytest.mark.parametrize("answer", ["love", "a word that is not there"])
def test_where_no_word_matters_the_document_is_redundant_whatever_is_named(answer):
    # P(positive) = e^-0.1 / (e^-0.1 + e^-3) = .948; .009 less than that is below the threshold of .01.
    spec = spec_of(controls=("random", "oracle"), draws=1, classifier="loglikelihood")
    before = Answer("positive", "positive", {"negative": -3.0, "positive": -0.1})
    slightly = Answer("positive", "positive", {"negative": -2.8323, "positive": -0.1})
    checks = [before] * (2 if answer == "love" else 1)
    _, transcript = play(self_explain(spec, DOCUMENT), [before], [Answer(answer)], [*checks, *[slightly] * 6])
    values = score(transcript, spec)
    assert values["redundant"] == 1.0
    assert values["hit1"] == (1.0 if answer == "love" else None)


def test_an_unread_prediction_is_wrong_also_where_there_is_no_gold_label():
    _, transcript = play(self_explain(spec_of(), Document({"text": "I love it"})), [Answer("hm")])
    assert transcript["prediction"]["label"] is None and transcript["gold"] is None
    assert score(transcript, spec_of())["acc"] == 0.0


def test_stability_counts_the_neutral_changes_that_change_the_answer():
    spec = spec_of(controls=("stability",))
    answers = [label("negative"), label("positive"), label("positive"), label("positive"), label("negative")]
    calls, transcript = play(self_explain(spec, DOCUMENT), [label("positive")], [Answer("love")], answers)
    assert [row["variant"] for row in transcript["stability"]] == [
        "trailing blank",
        "no final full stop",
        "mask appended",
        "labels shuffled",
    ]
    assert '"positive" or "negative"' in calls[2][4].messages[0][1]
    assert score(transcript, spec)["stability_q"] == 0.25


def test_unknown_brings_its_two_keys():
    spec = spec_of(unknown=True)
    calls, transcript = play(self_explain(spec, DOCUMENT), [label("positive")], [Answer("love")], [label("unknown")])
    assert '"negative", "positive" or "unknown"' in calls[0][0].messages[0][1]
    values = score(transcript, spec)
    assert (values["faithful"], values["abstain"], values["madsen"]) == (1.0, 1.0, 1.0)


def test_every_document_has_every_key_of_its_task():
    for style in ("attribution", "redaction", "counterfactual"):
        spec = spec_of(style, controls=("random", "oracle", "stability"), unknown=True, classifier="loglikelihood")
        spec = replace(spec, rationales=True)
        _, transcript = play(self_explain(spec, DOCUMENT), [Answer("?")])
        assert list(score(transcript, spec)) == list(metrics_of(spec))
    assert set(METRICS) == {
        "faithful", "valid", "acc", "faithful_random", "lift", "faithful_oracle", "ccf", "loo_percentile", "hit1",
        "one_edit", "edit_fraction", "label_leak", "masked_fraction", "stability_q", "abstain", "madsen",
        "plausibility_f1", "plausibility_iou", "redundant",
    }  # fmt: skip


def test_lock_step_asks_each_question_once_and_gives_everybody_their_answer():
    tasks = [spec_of("attribution"), spec_of("redaction"), spec_of("attribution")]
    asked = []

    def respond(calls):
        asked.append(list(calls))
        return [
            Answer("love") if isinstance(call, Generate) and "Which one word" in call.messages[-1][1]
            else Answer("I [REDACTED] my new phone, [REDACTED] it!") if isinstance(call, Generate)
            else label("negative" if "I [REDACTED]" in call.messages[-1][1] else "positive")
            for call in calls
        ]  # fmt: skip

    tally = Tally()
    transcripts = run([self_explain(spec, DOCUMENT) for spec in tasks], respond, tally=tally)
    assert tally.wanted == [3, 3, 3]
    assert tally.asked == [1, 2, 1]  # one classification, two kinds of request, one check
    assert [t["style"] for t in transcripts] == ["attribution", "redaction", "attribution"]
    assert all(t["perturbed"]["label"] == "negative" for t in transcripts)


def test_lock_step_never_merges_what_is_sampled():
    texts = iter(["love", "phone"])

    def respond(calls):
        return [Answer(next(texts)) if isinstance(call, Generate) else label("positive") for call in calls]

    transcripts = run(
        [self_explain(spec_of(), DOCUMENT) for _ in range(2)],
        respond,
        distinct=lambda call: not isinstance(call, Generate),
    )
    assert [t["explanation"]["answer"] for t in transcripts] == ["love", "phone"]


def test_lock_step_goes_on_while_others_have_calls():
    """A process that is done still answers rounds: the others wait for it."""
    rounds = iter([True, True, True, True, False])
    seen = []

    def respond(calls):
        seen.append(len(calls))
        return [Answer("love") if isinstance(call, Generate) else label("positive") for call in calls]

    run([self_explain(spec_of(), DOCUMENT)], respond, again=lambda waiting: next(rounds))
    assert seen == [1, 1, 1, 0]
