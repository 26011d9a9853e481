"""The shipped splits are what the command writes, share no text, and are never trained on."""

from __future__ import annotations

import hashlib
import random

import pytest

from lm_eval_tasks.data import load
from training.mini import write_data
from training.mini.conversations import Turn, copying, cycle, document_text
from training.mini.grammar import label_of
from training.mini.lexicon import LEXICONS
from training.mini.prompts import question_of, spec_of


def test_checksums() -> None:
    lines = (write_data.FOLDER / "SHA256SUMS").read_text("utf-8").splitlines()
    assert len(lines) == (len(LEXICONS) + 1) * len(write_data.SIZES)  # and the dataset of multiple choice
    for line in lines:
        checksum, name = line.split("  ")
        assert hashlib.sha256((write_data.FOLDER / name).read_bytes()).hexdigest() == checksum, name


def test_the_command_writes_what_is_shipped() -> None:
    for name, text in write_data.files().items():
        assert (write_data.FOLDER / name).read_text("utf-8") == text, f"{name}: run python -m training.mini.write_data"


@pytest.mark.parametrize("task", list(LEXICONS))
@pytest.mark.parametrize("split", list(write_data.SIZES))
def test_the_tasks_read_it_and_its_labels_are_true(task: str, split: str) -> None:
    spec = spec_of(task)
    rows = load(spec, "mini", split)
    assert len(rows) == write_data.SIZES[split]
    for row in rows:
        document = spec.document(row)
        truth = label_of(task, document.fields)
        assert truth is not None
        assert document.gold == spec.question.labels[truth]
        assert set(row["shortcut"] + row["cues"]) <= {word.key for word in document.words}


@pytest.mark.parametrize("task", list(LEXICONS))
def test_splits_share_no_text(task: str) -> None:
    texts = [
        document_text(question_of(task), row)
        for split in write_data.SIZES
        for row in write_data.shipped_rows(task, split)
    ]
    assert len(set(texts)) == sum(write_data.SIZES.values())


def text_digests(turns: list[Turn]) -> set[str]:
    """Digests of all texts of a conversation: of documents in prompts, and of answers."""
    texts = {turn.answer for turn in turns}
    for turn in turns:
        for task in LEXICONS:
            question = question_of(task)
            start = turn.prompt.find(f"{question.titles[0]}: ")
            if start >= 0:
                block = turn.prompt[start:].split("\n\n")[0]
                texts.add(block if len(question.fields) > 1 else block.removeprefix(f"{question.titles[0]}: "))
    return {hashlib.sha256(text.encode()).hexdigest() for text in texts}


def test_no_held_out_text_is_trained_on() -> None:
    held_out = write_data.held_out()
    assert len(held_out) == len(LEXICONS) * (write_data.SIZES["test"] + write_data.SIZES["validation"])
    forbidden = {hashlib.sha256(text.encode()).hexdigest() for text in held_out}
    rng = random.Random(0)
    names, digests = list(LEXICONS), set()
    for step in range(9000):
        digests |= text_digests(cycle(step, names[step % len(names)], rng, held_out))
    digests |= {text for _ in range(300) for text in text_digests(copying(["cold", "bus", *map(str, range(20))], rng))}
    assert len(digests) > 9000
    assert not digests & forbidden


def test_the_search_for_texts_finds_them() -> None:
    """Without this the test above could pass because it finds no text at all."""
    document = write_data.shipped_rows("sms_spam", "test")[0]
    question = question_of("sms_spam")
    turns = [Turn(question.classify({"sms": document["sms"]}, None, False), "spam", 1.0)]
    assert hashlib.sha256(document["sms"].encode()).hexdigest() in text_digests(turns)
    pair = write_data.shipped_rows("snli", "test")[0]
    turns = [Turn(question_of("snli").classify(pair, "[REDACTED]", True), "neutral", 1.0)]
    assert hashlib.sha256(document_text(question_of("snli"), pair).encode()).hexdigest() in text_digests(turns)


def test_help_writes_nothing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(write_data, "files", None)
    for argument, status, message in (("--help", 0, "Write the shipped splits"), ("here", 2, "unrecognized arguments")):
        with pytest.raises(SystemExit) as ending:
            write_data.main([argument])
        output = capsys.readouterr()
        assert ending.value.code == status and message in output.out + output.err
