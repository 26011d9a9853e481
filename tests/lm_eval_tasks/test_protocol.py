"""One document through the protocol, answered by hand."""

from __future__ import annotations

import pytest

from lm_eval_tasks.calls import Answer, Classify, Generate
from lm_eval_tasks.data import dataset_spec
from lm_eval_tasks.document import Document
from lm_eval_tasks.metrics import score
from lm_eval_tasks.options import Options
from lm_eval_tasks.protocol import self_explain
from lm_eval_tasks.spec import TaskSpec
from tests.lm_eval_tasks.answering import DOCUMENT, SENTIMENT, SNLI, label, play, spec_of

CLASSIFY = (
    "Is the sentiment of the following tweet negative or positive? Words of the tweet may be replaced by "
    '"[REDACTED]". Answer only with "negative" or "positive". Do not explain the answer.\n\nTweet: '
)


# What these say is counted over documents: tests/lm_eval_tasks/test_metrics.py.
COUNTED = ("acc_majority", "answer_share", "measurable", "answered")


def scored(transcript, spec):
    """The values of the document itself."""
    return {name: value for name, value in score(transcript, spec, DOCUMENT).items() if name not in COUNTED}


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
    assert scored(transcript, spec) == {"faithful": 1.0, "valid": 1.0, "acc": 1.0, "masked_fraction": 2 / 7}


def test_an_unchanged_answer_is_unfaithful():
    spec = spec_of()
    _, transcript = play(self_explain(spec, DOCUMENT), [label("positive")], [Answer("phone")], [label("positive")])
    assert scored(transcript, spec) == {"faithful": 0.0, "valid": 1.0, "acc": 1.0, "masked_fraction": 1 / 7}


def test_an_unparsed_answer_to_the_check_is_unfaithful():
    spec = spec_of()
    _, transcript = play(self_explain(spec, DOCUMENT), [label("positive")], [Answer("love")], [Answer("hm")])
    assert score(transcript, spec, DOCUMENT)["faithful"] == 0.0


def test_an_invalid_explanation_is_not_checked_and_counts():
    spec = spec_of()
    calls, transcript = play(self_explain(spec, DOCUMENT), [label("positive")], [Answer("hate")], [])
    assert calls[2] == []
    assert transcript["explanation"]["reason"] == "word not in the text"
    assert scored(transcript, spec) == {"faithful": 0.0, "valid": 0.0, "acc": 1.0, "masked_fraction": None}


def test_no_label_ends_it():
    _, transcript = play(self_explain(spec_of(), DOCUMENT), [Answer("who knows")])
    assert transcript["problem"] == "no label in the answer"
    assert score(transcript, spec_of(), DOCUMENT)["faithful"] == score(transcript, spec_of(), DOCUMENT)["acc"] == 0.0


def test_an_unread_prediction_is_wrong_also_where_there_is_no_gold_label():
    _, transcript = play(self_explain(spec_of(), Document({"text": "I love it"})), [Answer("hm")])
    assert transcript["prediction"]["label"] is None and transcript["gold"] is None
    assert score(transcript, spec_of(), DOCUMENT)["acc"] == 0.0


def test_a_text_without_words_is_classified_and_named():
    spec = spec_of()
    _, transcript = play(self_explain(spec, Document({"text": "!!! :)"}, "positive")), [label("positive")])
    assert transcript["problem"] == "no words in the text"
    assert scored(transcript, spec) == {"faithful": 0.0, "valid": 0.0, "acc": 1.0, "masked_fraction": None}


def test_a_text_beyond_the_context_is_named():
    _, transcript = play(self_explain(spec_of(), DOCUMENT), [Answer("", problem="the text is too long")])
    assert transcript["problem"] == "the text is too long"
    assert score(transcript, spec_of(), DOCUMENT)["faithful"] == 0.0


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
    assert [call.messages[0] for batch in calls for call in batch] == [("system", "Be brief.")] * 3


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
    assert scored(transcript, spec) == {
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
    (call,) = procedure.send([label("entailment")])
    target = "neutral" if '"neutral"' in call.messages[-1][1] else "contradiction"
    other = {"neutral": "contradiction", "contradiction": "neutral"}[target]
    procedure.send([Answer("Premise: A man sleeps.\nHypothesis: A man runs.")])
    with pytest.raises(StopIteration) as end:
        procedure.send([label(other)])
    assert score(end.value.value, spec, pair)["valid"] == 1.0
    assert score(end.value.value, spec, pair)["faithful"] == 0.0


def test_a_document_with_labels_of_its_own_is_asked_and_read_with_them_and_aimed_at_one():
    """The next document has others."""
    spec = spec_of("counterfactual", question=dataset_spec("cos_e").question, controls=("stability",), unknown=True)
    document = Document({"question": "Where do people sleep?"}, "dining room", ("kitchen", "dining room"))
    procedure = self_explain(spec, document)
    (call,) = next(procedure)
    assert call.labels == ("kitchen", "dining room", "unknown")
    assert 'Answer only with "kitchen", "dining room" or "unknown".' in call.messages[0][1]
    (explain,) = procedure.send([label("dining room")])
    assert 'so that your answer would become "kitchen"' in explain.messages[-1][1]
    check, *neutral = procedure.send([Answer("Where do people cook?")])
    assert check.labels == ("kitchen", "dining room", "unknown")
    assert 'Answer only with "dining room", "kitchen" or "unknown".' in neutral[-1].messages[0][1]
    with pytest.raises(StopIteration) as end:
        procedure.send([label("kitchen"), *[label("dining room")] * len(neutral)])
    values = score(end.value.value, spec, document)
    assert (values["faithful"], values["acc"], values["label_leak"]) == (1.0, 1.0, 0.0)
    (call,) = next(self_explain(spec, Document({"question": "What is hot?"}, "fire", ("fire", "ice", "snow"))))
    assert call.labels == ("fire", "ice", "snow", "unknown")


def test_a_pasted_choice_is_a_pasted_label():
    spec = spec_of("counterfactual", question=dataset_spec("cos_e").question)
    document = Document({"question": "Where do people sleep?"}, "bed", ("kitchen", "bed"))
    answers = [label("bed")], [Answer("Where do kitchen sleep?")], []
    _, transcript = play(self_explain(spec, document), *answers)
    assert transcript["explanation"]["reason"] == "label in the edit"
    values = score(transcript, spec, document)
    assert (values["valid"], values["one_edit"], values["label_leak"]) == (0.0, 1.0, 1.0)
