"""One text, one style: literal explanations, and the evaluation as the judge."""

from __future__ import annotations

from typing import Any

import pytest

from lm_eval_tasks import scheduler
from lm_eval_tasks.calls import Answer, Classify
from lm_eval_tasks.document import Document
from lm_eval_tasks.metrics import score
from lm_eval_tasks.options import Options
from lm_eval_tasks.protocol import self_explain
from lm_eval_tasks.spec import TaskSpec
from tests.training.build.rule_model import QUESTION, TEXTS, Recorder, attributed, respond, spec
from training.build.options import BuildOptions
from training.build.replacement_words import replacement_words
from training.build.rows import explanation_row
from training.build.verify import NO_CANDIDATE, OTHER_ANSWER, UNCHANGED, Verdict, judge

WORDS = {"positive": ("paris", "great"), "negative": ("monday", "hate")}


def judged(
    style: str, text: str, words: dict[str, tuple[str, ...]] = WORDS, prediction: str = "", **options: Any
) -> Verdict:
    build_options = BuildOptions(**options)
    attributed_text = attributed(text, prediction=prediction)
    procedures: Any = [judge(spec(style, build_options.budget), attributed_text, words, build_options)]
    verdict: Any = scheduler.run(procedures, respond)[0]
    return verdict  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("style", "completion"),
    [
        ("attribution", "love"),
        ("redaction", "i [REDACTED] the dull rain today"),
        ("counterfactual", "i monday the dull rain today"),
    ],
)
def test_the_explanation_is_literally_this(style: str, completion: str) -> None:
    verdict = judged(style, TEXTS[0])
    assert (verdict.reason, verdict.completion, verdict.words, verdict.flips) == ("", completion, ("love",), True)


def test_the_prompt_is_the_tasks_own_object() -> None:
    verdict, document = judged("attribution", TEXTS[0]), Document({"text": TEXTS[0]})
    assert verdict.prompt == spec("attribution").explain(document, Answer("positive", "positive")).messages
    assert verdict.prompt[-1][1] == (
        "Which one word of the tweet above is most important for your answer? If every occurrence of that word were "
        'replaced by "[REDACTED]", your answer would change. Answer only with the word, exactly as it stands in '
        "the tweet."
    )
    row = explanation_row(spec("attribution"), attributed(TEXTS[0]), verdict, BuildOptions(), "occlusion")
    assert row is not None
    assert [turn["role"] for turn in row["prompt"]] == ["user", "assistant", "user"]
    assert row["completion"] == [{"role": "assistant", "content": "love"}]


@pytest.mark.parametrize("style", ["attribution", "redaction", "counterfactual"])
@pytest.mark.parametrize("text", TEXTS)
def test_accepted_means_that_the_evaluation_calls_it_faithful(style: str, text: str) -> None:
    verdict = judged(style, text)

    def respond_with_it(calls: Any) -> list[Answer]:
        return [respond([call])[0] if isinstance(call, Classify) else Answer(verdict.completion) for call in calls]

    document = Document({"text": text})
    transcript = scheduler.run([self_explain(spec(style), document)], respond_with_it)[0]
    assert score(transcript, spec(style), document)["faithful"] == float(not verdict.reason)


def test_a_word_that_changes_nothing_gives_no_row_unless_unfiltered() -> None:
    assert judged("attribution", TEXTS[4]).reason == UNCHANGED
    verdict = judged("attribution", TEXTS[4], filtered=False)
    assert (verdict.reason, verdict.completion, verdict.flips) == ("", "love", False)


def test_several_words_are_the_fewest_that_change_the_answer() -> None:
    assert judged("attribution", TEXTS[4], budget="multiword").completion == "love, great"
    assert judged("redaction", TEXTS[4], budget="multiword").completion == "[REDACTED] and [REDACTED] food all week"
    assert judged("attribution", TEXTS[0], budget="multiword").completion == "love"


def test_attributions_of_another_answer_give_no_row() -> None:
    assert judged("attribution", TEXTS[0], prediction="negative").reason == OTHER_ANSWER


def test_counterfactuals_take_the_first_candidate_that_reaches_the_target() -> None:
    # "i great the dull rain today" would still be positive.
    verdict = judged("counterfactual", TEXTS[0], {"negative": ("great", "dull", "hate")})
    assert (verdict.new, verdict.source, verdict.target) == ("dull", "candidate 2", "negative")
    # The model's own proposal comes last. It writes "paris", but over another word.
    own = judged("counterfactual", TEXTS[1], {"positive": ("awful",)})
    assert (own.completion, own.source) == ("we paris a nice long walk", "model")


def test_counterfactuals_without_any_candidate_say_so() -> None:
    assert judged("counterfactual", TEXTS[5], {"negative": ()}).reason == NO_CANDIDATE


def test_replacement_words_are_the_heaviest_best_words_of_a_label_and_no_labels() -> None:
    texts = [attributed(text) for text in (*TEXTS, "positive great week", "paris again")]
    words = replacement_words(QUESTION, texts, 2)
    assert words == {"negative": ("awful", "hate"), "positive": ("paris", "great")}  # "love" weighs the same
    leaking = attributed("positive great week")
    leaking = type(leaking)(leaking.document, 0, "positive", (("positive", 9.0), ("great", 3.0)))
    assert replacement_words(QUESTION, [leaking], 2) == {"negative": (), "positive": ()}


def test_judging_makes_the_evaluations_calls_only() -> None:
    task = TaskSpec(QUESTION, "attribution", "oneword", Options(controls=()))
    model = Recorder()
    procedures: Any = [judge(task, attributed(TEXTS[0]), WORDS, BuildOptions())]
    scheduler.run(procedures, model)
    texts = (TEXTS[0], "i [REDACTED] the dull rain today")
    assert model.calls == [task.classify(Document({"text": text})) for text in texts]
