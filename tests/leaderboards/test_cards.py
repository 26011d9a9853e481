"""Cards: which documents are selected, and what their cards hold."""

from __future__ import annotations

import json
import math

import pytest

from leaderboards.board import Segment, Settings
from leaderboards.build import make_board
from leaderboards.cards import document_card
from leaderboards.cards.select_documents import CardLimits
from tests.leaderboards.result_files import TASK, row, rows_of, write_run


def board_of(path, limits: CardLimits | None = None, **settings):
    return make_board([path], settings=Settings(**{"draws": 200, **settings}), card_limits=limits)[0]


def test_a_card(tmp_path):
    write_run(tmp_path / "base", {TASK: [row(0, 0.0, text="Oslo was, so nice!", word="nice")]})
    write_run(tmp_path / "tuned", {TASK: [row(0, 1.0, text="Oslo was, so nice!", word="Oslo")]}, peft="out/tuned")
    board = board_of(tmp_path)
    (document,) = board.documents
    assert document.task == "snli_attribution_oneword" and document.gold == "positive" and document.rationale is None
    assert document.fields == {
        "Text": (
            Segment("Oslo", 0),
            Segment(" ", None),
            Segment("was", 1),
            Segment(", ", None),
            Segment("so", 2),
            Segment(" ", None),
            Segment("nice", 3),
            Segment("!", None),
        )
    }
    first, second = document.entries
    assert (first.checkpoint, first.words, first.faithful, first.after) == ("c0", ("nice",), 0.0, "positive")
    assert (second.checkpoint, second.words, second.faithful, second.after) == ("c1", ("Oslo",), 1.0, "negative")
    assert second.edited == {"text": "[REDACTED] was, so nice!"}
    assert second.effects == {0: 1.0} and first.effects == {0: 0.0}
    assert [role for role, _ in second.transcript] == ["user", "assistant", "user", "assistant", "user", "assistant"]
    assert second.transcript[3] == ("assistant", "Oslo")


def test_effects_are_drops_of_probability_where_there_are_any():
    before = {"positive": math.log(0.75), "negative": math.log(0.25)}
    after = {"positive": math.log(0.5), "negative": math.log(0.5)}
    transcript = {
        "prediction": {"label": "positive", "logprobs": before},
        "explanation": None,
        "oracle": {"singles": [{"positions": [0, 3], "label": "positive", "logprobs": after}]},
    }
    assert document_card.word_effects(transcript) == {0: 0.25, 3: 0.25}


def test_effects_of_a_counterfactual_reach_the_target():
    transcript = {
        "prediction": {"label": "a", "logprobs": None},
        "explanation": {"target": "b"},
        "oracle": {"singles": [{"positions": [i], "label": label, "logprobs": None} for i, label in enumerate("abc")]},
    }
    assert document_card.word_effects(transcript) == {0: 0.0, 1: 1.0, 2: 0.0}


def test_documents_on_which_checkpoints_differ_come_first_and_the_rest_by_hash(tmp_path):
    base = [0.0] * 50
    tuned = [1.0 if i in (7, 31) else 0.0 for i in range(50)]
    write_run(tmp_path / "base", {TASK: rows_of(base)})
    write_run(tmp_path / "tuned", {TASK: rows_of(tuned)}, peft="out/tuned")
    board = board_of(tmp_path, cards=5)
    texts = ["".join(s.text for s in d.fields["Text"]) for d in board.documents]
    assert set(texts[:2]) == {"oslo was nice 7", "oslo was nice 31"} and len(texts) == 5
    assert board.documents_total == 50
    assert texts == ["".join(s.text for s in d.fields["Text"]) for d in board_of(tmp_path, cards=5).documents]
    assert any(
        note.startswith("Cards: 5 of 50 pairs of document and task, at most 5 per task. Documents on which checkpoints")
        for note in board.notes
    )
    assert board_of(tmp_path, cards=0).documents == ()


def test_every_document_and_no_note_when_they_fit(tmp_path):
    write_run(tmp_path, {TASK: rows_of([1.0, 0.0])})
    board = board_of(tmp_path)
    assert len(board.documents) == 2 and not any(note.startswith("Cards") for note in board.notes)


def test_long_texts_and_transcripts_are_cut_with_a_note(tmp_path):
    long = "word " * 20_000
    write_run(tmp_path, {TASK: [row(0, 0.0, text=long, word="word"), row(1, 1.0)]})
    document = max(board_of(tmp_path).documents, key=lambda d: len(d.fields["Text"]))
    text_on_card = "".join(segment.text for segment in document.fields["Text"])
    assert len(text_on_card) < 5_100 and text_on_card.endswith("… (cut: 100000 characters)")
    (entry,) = document.entries
    role, text = entry.transcript[-1]
    assert role == "note" and text.startswith("cut here: the transcript has ")
    assert sum(len(text) for _, text in entry.transcript) < 21_000
    assert len(entry.edited["text"]) < 5_100


def test_many_checkpoints_share_a_card_by_how_much_they_differ(tmp_path):
    write_run(tmp_path / "base", {TASK: rows_of([0.0] * 10)})
    for gain in range(5):
        write_run(tmp_path / f"m{gain}", {TASK: rows_of([1.0] * gain + [0.0] * (10 - gain))}, peft=f"out/m{gain}")
    board = board_of(tmp_path, CardLimits(checkpoints=3))
    names = {c.id: c.name for c in board.checkpoints}
    assert {tuple(names[e.checkpoint] for e in d.entries) for d in board.documents} == {("base", "m3", "m4")}
    assert any("at most 3 checkpoints per document" in note for note in board.notes)


def test_the_best_checkpoint_and_its_base_are_on_every_card(tmp_path):
    # By distance the others come first: "e" differs from its base on five texts, "d" from its own on eight.
    outcomes = {"a": [0.0] * 10, "b": [0.0] * 10, "c": [0.0, 1.0] * 5}
    for base, values in outcomes.items():
        write_run(tmp_path / base, {TASK: rows_of(values)}, model=f"out/{base}")
    write_run(tmp_path / "d", {TASK: rows_of([1.0] * 8 + [0.0] * 2)}, model="out/a", peft="out/d")
    write_run(tmp_path / "e", {TASK: rows_of([1.0] * 10)}, model="out/c", peft="out/e")
    board = board_of(tmp_path, CardLimits(checkpoints=3))
    names = {c.id: c.name for c in board.checkpoints}
    on_cards = {tuple(sorted(names[entry.checkpoint] for entry in card.entries)) for card in board.documents}
    assert on_cards == {("a", "c", "e")}


def test_a_cap_on_everything_is_shared_by_the_tasks(tmp_path):
    other = ("snli", "redaction", "oneword")
    write_run(tmp_path, {TASK: rows_of([0.0] * 30), other: rows_of([0.0] * 30, other)})
    tasks = [document.task for document in board_of(tmp_path, CardLimits(entries=10)).documents]
    assert tasks.count("snli_attribution_oneword") == tasks.count("snli_redaction_oneword") == 5
    board = board_of(tmp_path, CardLimits(entries=10, characters=4_000))
    assert 1 <= len(board.documents) < 10
    assert any("so that the page stays small" in note for note in board.notes)


def test_rationales_and_metrics_of_other_kinds_are_carried(tmp_path):
    marked = {"rationale": {"positions": [0, 2], "fields": ["text", "text"], "words": ["oslo", "nice"]}}
    rows = [row(i, 1.0, plausibility_f1=i / 4, transcript=marked) for i in range(4)]
    write_run(tmp_path, {TASK: rows})
    board = board_of(tmp_path)
    assert {document.rationale for document in board.documents} == {(0, 2)}
    (cell,) = board.cells
    estimate = cell.metrics["plausibility_f1"]
    assert estimate.estimate == pytest.approx(0.375) and estimate.low < 0.375 < estimate.high


@pytest.mark.parametrize("shape", [None, [0, 2], {}, {"positions": "02"}, {"positions": [0.5]}, {"positions": [True]}])
def test_rationales_of_another_shape_are_none(shape):
    assert document_card.rationale_of({"rationale": shape}) is None


def test_transcripts_that_end_early(tmp_path):
    """Without a label there is no explanation, and nothing is perturbed."""
    ended_early = {"explanation": None, "perturbed": None, "oracle": None, "problem": "no label in the answer"}
    write_run(
        tmp_path,
        {TASK: [row(0, 0.0, prediction=None, valid=0.0, acc=0.0, oracle=0.0, transcript=ended_early), row(1, 1.0)]},
    )
    entries = {e.prediction: e for d in board_of(tmp_path).documents for e in d.entries}
    early = entries[None]
    assert (early.explanation, early.valid, early.after, early.reason) == ("", False, None, "no label in the answer")
    assert [role for role, _ in early.transcript] == ["user", "assistant"]


@pytest.mark.parametrize(
    "spoil", [{"fields": None}, {"explanation": {"target": "", "valid": True, "positions": ["x"]}}]
)
def test_a_transcript_of_another_shape_costs_its_card_not_its_numbers(tmp_path, spoil):
    write_run(tmp_path, {TASK: [row(0, 1.0, transcript=spoil), row(1, 1.0)]})
    board = board_of(tmp_path)
    assert board.cells[0].metrics["faithful"].n == 2 and len(board.documents) == 1


@pytest.mark.parametrize(("part", "value"), [("gold", None), ("explanation", {"positions": [math.inf]}), ("fields", 5)])
def test_a_transcript_of_another_form_has_no_entry(tmp_path, part, value):
    """`gold` None is a transcript without one. The numbers of its checkpoint stay."""
    spoiled, whole = row(0, 1.0), row(0, 0.0)
    transcript = json.loads(spoiled["filtered_resps"][0])
    if value is None:
        del transcript[part]
    else:
        transcript[part] = {**transcript[part], **value} if isinstance(value, dict) else value
    spoiled["filtered_resps"] = [json.dumps(transcript)]
    if part == "gold":
        spoiled["acc"] = 0.0
    write_run(tmp_path / "a", {TASK: [spoiled]}, model="models/a")
    write_run(tmp_path / "b", {TASK: [whole]}, model="models/b")
    board = board_of(tmp_path)
    assert len(board.cells) == 2
    (document,) = board.documents
    assert [entry.checkpoint for entry in document.entries] == ["c1"] and document.gold == "positive"


def test_a_sample_that_is_nested_too_deeply_has_no_card(tmp_path):
    write_run(tmp_path / "good", {TASK: rows_of([1.0, 0.0])}, model="models/good")
    results = write_run(tmp_path / "deep", {TASK: rows_of([1.0, 0.0])}, model="models/deep")
    (samples,) = results.parent.glob("samples_*")
    samples.write_text(samples.read_text().replace('"doc": {', f'"odd": {"[" * 900}{"]" * 900}, "doc": {{'))
    board = board_of(tmp_path)
    assert "good" in {checkpoint.name for checkpoint in board.checkpoints} and len(board.documents) == 2
