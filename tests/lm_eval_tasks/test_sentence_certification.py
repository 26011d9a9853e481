"""`unit=sentence` against planted truth: the honest model scores h, degenerate ones are exposed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import pytest

from faithful_se.errors import UsageError
from faithful_se.files import read_jsonl
from faithful_se.transcript import Transcript
from lm_eval_tasks import scoring, scoring_erasure
from lm_eval_tasks.asked_questions import note_question
from lm_eval_tasks.classification import Question
from lm_eval_tasks.cost import cost_lines
from lm_eval_tasks.data import dataset_spec, load
from lm_eval_tasks.document import Document
from lm_eval_tasks.document_statistics import ccf
from lm_eval_tasks.lm_eval_backend import Backend
from lm_eval_tasks.options import Options
from lm_eval_tasks.protocol import self_explain
from lm_eval_tasks.read_options import read_options
from lm_eval_tasks.rule_models import RuleLM
from lm_eval_tasks.rule_models.prompt_parser import Conversation
from lm_eval_tasks.rule_models.rules import label_of, one_word_decides
from lm_eval_tasks.scheduler import run
from lm_eval_tasks.spec import TaskSpec

ROWS = load(dataset_spec("agnews"), "mini")["text"]
REMOVALS = ("attribution", "redaction")
AGNEWS = dataset_spec("agnews").question
LANGUAGES = Path(__file__).parents[2] / "examples" / "languages"


def documents(count: int, sentences: int) -> list[Document]:
    """Texts of the mini data as sentences of a longer one; every third has a second clause."""
    texts = [
        f"{text.capitalize()}{'; ' + ROWS[-number] if number % 3 == 0 else ''}." for number, text in enumerate(ROWS)
    ]
    return [
        Document({"text": " ".join(texts[(number * sentences + place) % len(texts)] for place in range(sentences))})
        for number in range(count)
    ]


def explained(
    lm: RuleLM,
    style: str,
    texts: Sequence[Document],
    question: Question = AGNEWS,
    budget: str = "oneword",
    **options: Any,
) -> tuple[TaskSpec, list[Transcript]]:
    spec = TaskSpec(question, style, budget, Options(unit="sentence", **options))
    backend = Backend(lm, lm.apply_chat_template)
    return spec, run([self_explain(spec, document) for document in texts], backend.respond)


def conversation_of(spec: TaskSpec, transcript: Mapping[str, Any]) -> Conversation:
    fields, target = transcript["fields"], transcript["explanation"]["target"]
    request = spec.request(Document(fields), target)
    return Conversation(spec.question, fields, "[REDACTED]", False, request, spec.style)


@pytest.mark.parametrize("style", [*REMOVALS, "counterfactual"])
@pytest.mark.parametrize(("budget", "operator"), [("oneword", "mask"), ("multiword", "delete")])
def test_the_honest_model_is_faithful_wherever_one_sentence_decides(style: str, budget: str, operator: str) -> None:
    spec, transcripts = explained(
        RuleLM(),
        style,
        documents(24, 5),
        budget=budget,
        operator=operator,
        controls=("random", "oracle"),
        classifier="loglikelihood",
    )
    for transcript in transcripts:
        conversation = conversation_of(spec, transcript)
        assert transcript["problem"] == "" and scoring.valid(transcript) == 1.0, transcript["explanation"]
        always = style == "counterfactual" or budget == "multiword"
        assert scoring.faithful(transcript) == float(always or one_word_decides(conversation))
        assert scoring.faithful_oracle(transcript) == scoring.faithful(transcript)
        assert transcript["prediction"]["label"] == label_of(conversation)
    assert ccf([scoring.ccf_parts(transcript) for transcript in transcripts]) == pytest.approx(1.0)
    if style in REMOVALS and budget == "oneword":
        best = [transcript for transcript in transcripts if scoring.faithful(transcript)]
        assert {scoring_erasure.hit1(transcript) for transcript in best} == {1.0} and len(best) > 10


def test_a_model_honest_with_probability_h_scores_h() -> None:
    lm = RuleLM(h=0.6, seed=3)
    for style in REMOVALS:
        spec, transcripts = explained(lm, style, documents(60, 4))
        conversations = [conversation_of(spec, transcript) for transcript in transcripts]
        pairs = [
            (scoring.faithful(transcript), float(lm.is_honest(conversation)))
            for transcript, conversation in zip(transcripts, conversations, strict=True)
            if one_word_decides(conversation)
        ]
        assert all(faithful == honest for faithful, honest in pairs) and len(pairs) >= 30


@pytest.mark.parametrize(
    ("strategy", "valid", "lift"),
    [
        ("random", 1, 0),
        ("longest_unit", 1, 0),
        ("frequent_word", 1, 0),
        ("unknown_on_mask", 1, 0),
        ("constant", 1, 0),
        ("redact_everything", 0, None),
        ("absent_word", 0, None),
        ("whole_text", 0, None),
        ("label_as_explanation", 0, None),
        ("rewrite_everything", 0, None),
    ],
)
def test_degenerate_strategies_are_exposed(strategy: str, valid: int, lift: int | None) -> None:
    for style in REMOVALS:
        _, transcripts = explained(RuleLM(strategy), style, documents(50, 5), draws=4)
        lifts = [scoring.lift(transcript) for transcript in transcripts]
        assert mean(map(scoring.valid, transcripts)) == valid
        assert mean(map(scoring.faithful, transcripts)) <= valid
        if lift is not None:
            assert abs(mean(lifts)) <= 3 * stdev(lifts) / len(lifts) ** 0.5 + 1e-9, style
        else:
            assert mean(lifts) <= 0


def test_naming_every_sentence_masks_everything_and_has_no_lift() -> None:
    _, transcripts = explained(RuleLM("redact_everything"), "attribution", documents(10, 4), budget="multiword")
    assert {scoring.masked_fraction(transcript) for transcript in transcripts} == {1.0}
    assert {scoring.lift(transcript) for transcript in transcripts} == {0.0}


@pytest.mark.parametrize(("strategy", "lift"), [("honest", None), ("random", 0), ("frequent_word", 0), ("fragile", 0)])
def test_fields_of_one_sentence_compete_with_each_other(strategy: str, lift: int | None) -> None:
    """A pair of sentences is a field of one sentence each: neither is compared with itself."""
    pairs = [
        Document({"premise": f"{first.capitalize()}.", "hypothesis": f"{second.capitalize()}."})
        for first, second in zip(ROWS[:60], ROWS[60:120], strict=True)
    ]
    for style in REMOVALS:
        _, transcripts = explained(RuleLM(strategy), style, pairs, dataset_spec("snli").question, draws=4)
        lifts = [scoring.lift(transcript) for transcript in transcripts]
        if lift is None:  # where a sentence decides, only a set that holds it changes the answer
            assert mean(lifts) > 0.5
        else:
            assert abs(mean(lifts)) <= 3 * stdev(lifts) / len(lifts) ** 0.5 + 1e-9, style


def test_two_fields_and_a_document_of_3000_words() -> None:
    pair = Document({"premise": "A man sleeps. A dog barks loudly.", "hypothesis": "The man is awake. It rains."})
    for style in (*REMOVALS, "counterfactual"):
        _, (transcript,) = explained(RuleLM(), style, [pair], dataset_spec("snli").question)
        assert transcript["explanation"] and transcript["explanation"]["valid"]
        (long,) = documents(1, 225)
        assert 3000 < len(long.words) < 3500
        controls = ("random", "oracle") if style == "attribution" else ("random",)
        spec, (transcript,) = explained(RuleLM(), style, [long], controls=controls)
        assert scoring.valid(transcript) == 1.0 and len(transcript["units"]) == 225
        assert scoring.faithful(transcript) == float(
            style == "counterfactual" or one_word_decides(conversation_of(spec, transcript))
        )


@pytest.mark.parametrize("name", ["reviews_de", "reviews_zh"])
def test_german_and_chinese_sentences(name: str) -> None:
    source = dataset_spec(name, str(LANGUAGES))
    note_question(source.question)
    (field,), texts = source.question.fields, [row["text"] for row in read_jsonl(LANGUAGES / name / "test.jsonl")]
    blank = "" if source.question.language == "zh" else " "
    pairs = [Document({field: blank.join(texts[number : number + 3])}) for number in range(8)]
    for style in (*REMOVALS, "counterfactual"):
        spec, transcripts = explained(RuleLM(), style, pairs, source.question)
        for transcript in transcripts:
            assert scoring.valid(transcript) == 1.0 and len(transcript["units"]) >= 3
            decides = one_word_decides(conversation_of(spec, transcript))
            assert scoring.faithful(transcript) == float(decides or style == "counterfactual")


def test_the_cost_is_known_before_the_run() -> None:
    long = documents(1, 225)
    specs = {
        unit: TaskSpec(
            dataset_spec("agnews").question, "attribution", "oneword", Options(unit=unit, controls=("random", "oracle"))
        )
        for unit in ("word", "sentence")
    }
    (sentences,) = cost_lines((specs["sentence"], document) for document in long)
    assert sentences.startswith("1 explanations take at most 230 calls; the oracle asks about 225 different sentences")
    lines = list(cost_lines((specs["word"], document) for document in documents(1, 225)))
    assert "different words of a text" in lines[0]
    short = list(cost_lines([(specs["sentence"], Document({"text": "one only"}))]))
    nothing = "at most: it has no other to compare with, so their lift is 0 whatever the explanation is"
    assert short[1] == f"agnews: 1 of 1 texts have one sentence {nothing}"
    words = [Document({"text": text}) for text in ("Help", "No, no!", "Thank you")]
    assert list(cost_lines((specs["word"], document) for document in words))[1:] == [
        f"agnews: 2 of 3 texts have one word {nothing}"
    ]
    assert len(list(cost_lines((specs["word"], document) for document in [*words, *words[2:]] * 2))) == 2
    assert len(list(cost_lines((specs["word"], document) for document in [*words, *words[2:] * 2]))) == 1
    assert not list(cost_lines([]))


def test_what_cannot_be_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="operator=substitute writes words: give mask or delete with unit=sentence"):
        read_options("t", {}, {"unit": "sentence", "operator": "substitute"})
    with pytest.raises(UsageError, match="unit='clause': give one of word, sentence"):
        read_options("t", {}, {"unit": "clause"})
    assert "unit" not in Options().as_dict() and Options(unit="sentence").as_dict()["unit"] == "sentence"
    monkeypatch.setattr("lm_eval_tasks.read_options.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'faithful-se\[sentences\]'"):
        read_options("t", {}, {"unit": "sentence"})


def test_a_task_becomes_one_of_sentences_by_the_option_and_gives_room_for_them(evaluate: Any) -> None:
    limits = set[int]()

    class Recorder(RuleLM):
        def generate_until(self, requests: Any, disable_tqdm: bool = False) -> list[str]:
            if any("Which one sentence" in request.args[0] for request in requests):
                limits.update(request.args[1]["max_gen_toks"] for request in requests)
            return super().generate_until(requests, disable_tqdm)

    lm, task = Recorder(), "faithful_se_agnews_attribution_oneword"
    results = evaluate(lm, "mini", task, 2, unit="sentence")
    metadata = results["configs"][task]["metadata"]
    assert metadata["faithful_se"]["unit"] == "sentence" and metadata["splitter"].startswith("sentencex ")
    assert limits == {256}  # a power of two that holds a sentence of 70 bytes, and 32 tokens of four
    assert results["results"][task]["valid,none"] == 1.0
    limits.clear()
    evaluate(lm, "mini", task, 2, {"gen_kwargs": {"max_gen_toks": 77}}, unit="sentence")
    assert limits == {77}
