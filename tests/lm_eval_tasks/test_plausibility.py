"""Words that people marked, kept in transcripts and compared with the words that an explanation names."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from faithfulness_metrics.words import key_of, words_of
from lm_eval_tasks.data import dataset_spec
from lm_eval_tasks.rule_models import RuleLM
from tests.lm_eval_tasks.marked_pairs import BOY, HIKER, pair

# What the scripted model says about each premise.
NAMES = {
    # named: the, boy, ocean; marked: splashing, ocean, boy, swimming. Two in common: F1 4/7, IoU 2/5
    BOY["premise"]: "boy, ocean, the",
    HIKER["premise"]: "hiking",
    "A man sleeps.": "man",
    "A cat sits.": "zebra",
    "Two dogs run.": "dogs",
}
ROWS = [
    BOY,
    HIKER,
    pair("A man sleeps.", "A man rests.", [], []),  # nobody marked anything
    pair("A cat sits.", "An animal sits.", [1], [1]),  # names a word that is not there
    pair("Two dogs run.", "Animals run.", [1], [0]),  # gives no label
]


@pytest.fixture
def scripted(tmp_path, evaluate):
    """`scripted(task, answers, **options)`: the real `simple_evaluate` on ROWS with a model that gives `answers`."""

    def run(task: str, answers: dict[str, str], **options: Any) -> dict[str, Any]:
        (tmp_path / "esnli").mkdir(exist_ok=True)
        (tmp_path / "esnli" / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
        lm = RuleLM()
        by_rule = lm.classify
        lm.classify = lambda lm, conversation: (
            "hm" if conversation.fields["premise"] == "Two dogs run." else by_rule(lm, conversation)
        )
        lm.explain = lambda lm, conversation: answers[conversation.fields["premise"]]
        return evaluate(lm, tmp_path, f"faithful_se_esnli_{task}", **options)

    return run


def test_plausibility_by_hand(scripted):
    results = scripted("attribution_multiword", NAMES)
    row = results["results"]["faithful_se_esnli_attribution_multiword"]
    samples = results["samples"]["faithful_se_esnli_attribution_multiword"]
    assert [sample["plausibility_f1"] for sample in samples] == [pytest.approx(4 / 7), 1.0, None, 0.0, 0.0]
    assert [sample["plausibility_iou"] for sample in samples] == [0.4, 1.0, None, 0.0, 0.0]
    assert [sample["valid"] for sample in samples] == [1.0, 1.0, 1.0, 0.0, 0.0]
    assert row["plausibility_f1,none"] == pytest.approx((4 / 7 + 1) / 4)
    assert row["plausibility_iou,none"] == pytest.approx(1.4 / 4)
    # deviations from .35: .05, .65, -.35, -.35
    assert row["plausibility_iou_stderr,none"] == pytest.approx(math.sqrt((0.0025 + 0.4225 + 2 * 0.1225) / 3 / 4))


def test_the_transcript_keeps_the_marked_words(scripted):
    samples = scripted("attribution_multiword", NAMES)["samples"]["faithful_se_esnli_attribution_multiword"]
    transcripts = [json.loads(sample["resps"][0][0]) for sample in samples]
    assert transcripts[0]["rationale"] == {
        "positions": [2, 5, 7, 9],
        "fields": ["premise", "premise", "hypothesis", "hypothesis"],
        "words": ["splashing", "ocean", "boy", "swimming"],
    }
    assert transcripts[2]["rationale"] is None
    words = words_of(transcripts[0]["fields"])
    assert [words[position].text for position in transcripts[0]["rationale"]["positions"]] == [
        "splashing", "ocean", "boy", "swimming",
    ]  # fmt: skip


def test_a_counterfactual_names_the_words_it_changes(scripted):
    answers = {
        # boy changed in both fields: one of the four marked words, and nothing else: F1 2/5, IoU 1/4
        BOY["premise"]: "Premise: A girl splashing through the ocean.\nHypothesis: The girl is swimming.",
        # a word added: no word of the text is changed
        HIKER["premise"]: f"Premise: {HIKER['premise']}\nHypothesis: The man is not hiking.",
        "A man sleeps.": "Premise: A man sleeps.\nHypothesis: A man runs.",
        # a marked word changed, into a label: not valid
        "A cat sits.": "Premise: A contradiction sits.\nHypothesis: An animal sits.",
        "Two dogs run.": "no",
    }
    results = scripted("counterfactual_multiword", answers)
    samples = results["samples"]["faithful_se_esnli_counterfactual_multiword"]
    assert [sample["valid"] for sample in samples] == [1.0, 1.0, 1.0, 0.0, 0.0]
    assert [sample["plausibility_f1"] for sample in samples] == [pytest.approx(0.4), 0.0, None, 0.0, 0.0]
    assert [sample["plausibility_iou"] for sample in samples] == [0.25, 0.0, None, 0.0, 0.0]
    # Of the two changed boys one is marked. The added word stands before "hiking", which is.
    assert [sample["plausibility_edits"] for sample in samples] == [0.5, 1.0, None, 1.0, None]


def test_without_marked_words_there_is_no_number(tmp_path, evaluate):
    (tmp_path / "esnli").mkdir()
    row = {"premise": "A man sleeps.", "hypothesis": "A man rests.", "label": 0}
    (tmp_path / "esnli" / "test.jsonl").write_text(json.dumps(row) + "\n")
    name = "faithful_se_esnli_attribution_oneword"
    results = evaluate(RuleLM(), tmp_path, name)
    assert results["samples"][name][0]["plausibility_f1"] is None
    assert math.isnan(results["results"][name]["plausibility_f1,none"])


def test_other_datasets_do_not_report_plausibility(tmp_path, evaluate):
    (tmp_path / "snli").mkdir()
    (tmp_path / "snli" / "test.jsonl").write_text(json.dumps(BOY) + "\n")
    name = "faithful_se_snli_attribution_oneword"
    results = evaluate(RuleLM(), tmp_path, name)
    assert "plausibility_f1" not in results["samples"][name][0]
    assert not any(key.startswith("plausibility") for key in results["results"][name])


def test_naming_what_people_marked_is_plausible_and_need_not_be_faithful(scripted):
    """The point of the two numbers: every marked word named, and the answers of the rule stay what they are."""
    answers = {row["premise"]: ", ".join(w.text for w in marked_words(row)) or "man" for row in ROWS}
    results = scripted("attribution_multiword", answers)
    samples = results["samples"]["faithful_se_esnli_attribution_multiword"]
    assert [sample["plausibility_f1"] for sample in samples] == [1.0, 1.0, None, 1.0, 0.0]
    assert [sample["faithful"] for sample in samples] == [0.0] * 5


def marked_words(row: dict[str, Any]) -> list[Any]:
    document = dataset_spec("esnli").document(row)
    by_key = {key_of(document.words[p].text): document.words[p] for p in document.rationale or ()}
    return list(by_key.values())
