"""`faithful-se new --choices`: multiple choice from anyone's file, whatever its label column calls the right choice."""

from __future__ import annotations

import json

import pytest

from lm_eval_tasks.data import OWN, dataset_spec, load
from tests.lm_eval_tasks.new_tasks.conftest import run_new

# Right are 0, 1, 2, 0, …; every row has a choice of its own.
CHOICES = [["tea", "milk", f"wine {number}"] for number in range(12)]
QUESTIONS = [f"Which drink is number {number}?" for number in range(12)]
OPTIONS = ("option_a", "option_b", "option_c")


def csv_lines(labels, choices=CHOICES):
    return [
        "question,option_a,option_b,option_c,answer",
        *(
            f"{question},{','.join(row)},{label}"
            for question, row, label in zip(QUESTIONS, choices, labels, strict=True)
        ),
    ]


def json_lines(labels, choices=CHOICES, **further):
    return [
        json.dumps({"question": question, "choices": row, "answer": label, **further})
        for question, row, label in zip(QUESTIONS, choices, labels, strict=True)
    ]


def exam(path, tmp_path, *columns):
    run = run_new(path, "--text", "question", "--label", "answer", "--out", tmp_path / "tasks", "--choices", *columns)
    assert run.status == 0, run.error
    spec = dataset_spec("exam", tmp_path / "tasks")
    return run.out, [spec.document(row) for split in ("train", "test") for row in load(spec, OWN, split)]


def check(documents):
    """Every right choice is that of its question."""
    assert len(documents) == 11  # the validation split has one
    for document in documents:
        number = int(document.fields["question"].split()[-1].rstrip("?"))
        assert list(document.context.values()) == CHOICES[number]
        assert (document.labels, document.gold) == (("A", "B", "C"), "ABC"[number % 3])


LABELS = {
    "a letter": ["ABC"[number % 3] for number in range(12)],
    "a number from 0": [number % 3 for number in range(12)],
    "a number from 1": [number % 3 + 1 for number in range(12)],
    "the text of a choice": [CHOICES[number][number % 3] for number in range(12)],
    "the column of a choice": [OPTIONS[number % 3] for number in range(12)],
}


@pytest.mark.parametrize("reading", LABELS)
def test_one_column_for_each_choice(reading, write, tmp_path):
    printed, documents = exam(write("exam.csv", *csv_lines(LABELS[reading])), tmp_path, *OPTIONS)
    check(documents)
    assert f"note: answer is read as {reading}\n" in printed
    assert "choices of a text: 3\n" in printed
    assert "Which of the choices is the right answer to the following question?" in printed
    assert "\n  | A) tea\n  | B) milk\n  | C) wine " in printed


@pytest.mark.parametrize("reading", list(LABELS)[:4])
def test_a_column_of_lists(reading, write, tmp_path):
    check(exam(write("exam.jsonl", *json_lines(LABELS[reading])), tmp_path, "choices")[1])


def test_names_of_choices_in_a_column(write, tmp_path):
    """ARC has rows with letters and rows with numbers."""
    rows = [{"text": row, "label": list("ABC" if number % 2 else "123")} for number, row in enumerate(CHOICES)]
    labels = [row["label"][number % 3] for number, row in enumerate(rows)]
    path = write("exam.jsonl", *json_lines(labels, rows))
    check(exam(path, tmp_path, "choices.text", "--choice-names", "choices.label")[1])


def test_names_of_choices_in_order(write, tmp_path):
    labels = [("x", "y", "z")[number % 3] for number in range(12)]
    check(exam(write("exam.csv", *csv_lines(labels)), tmp_path, *OPTIONS, "--choice-names", "x", "y", "z")[1])


def test_lists_written_out_in_a_cell_and_an_empty_choice(write, tmp_path):
    """pandas writes lists as Python does. An empty choice keeps its letter: C of tea, nothing, wine is the second."""
    lines = [f"{question},\"['tea', '', 'wine']\",{'AC'[n % 2]}" for n, question in enumerate(QUESTIONS)]
    _, documents = exam(write("exam.csv", "question,choices,answer", *lines), tmp_path, "choices")
    for document in documents:
        assert document.context == {"A": "tea", "B": "wine"}
        assert document.gold == "AB"[int(document.fields["question"].split()[-1].rstrip("?")) % 2]


FILE = csv_lines(["A"] * 12)
TWICE = csv_lines(["A"] * 12, [*CHOICES[1:], ["tea", "Tea", "x"]])
SINGLE = csv_lines(["A"] * 12, [*CHOICES[1:], ["tea", "", ""]])
LEFT_OUT = "; correct it, or leave such rows out with --skip-empty"
THERE = "there are question, option_a, option_b, option_c, answer; did you mean option_c?"
WRONG = (
    (
        csv_lines(["A"] * 11 + ["D"]),
        (),
        "row 12: answer is 'D', which names none of the choices 'tea, milk, wine 11', read as a letter: correct it, or "
        "say with --choice-names what the column calls the choices in order",
    ),
    (
        csv_lines(["1"] * 6 + ["2"] * 6),
        (),
        "row 1: answer: 1, 2 may count from 0 or from 1: --choice-names says what the column calls the choices in "
        "order, such as 1 2 3 4",
    ),
    (
        TWICE,
        (),
        "row 12: option_a, option_b, option_c: the label tea is given twice: 'Tea' differs from it by case, blanks, "
        f"hyphens or Unicode form only, and answers are read without these{LEFT_OUT}",
    ),
    (SINGLE, (), f"row 12: option_a, option_b, option_c: tea: give two or more to choose from{LEFT_OUT}"),
    (FILE, ("--labels", "A", "B"), "--labels: with --choices every row has labels of its own: leave it out"),
    (FILE, ("--choices", "option_a", "option_d"), f"no column option_d (--choices); {THERE}"),
    (
        FILE,
        ("--choices", "option_a"),
        f"row 1: option_a is 'tea', no list: give a list of choices, or one column for each choice{LEFT_OUT}",
    ),
    (
        FILE,
        ("--choices", "question", "option_a"),
        "--choices question: is named twice, or is the column of a text or the label, too",
    ),
    (FILE, ("--choice-names", "options"), f"no column options (--choice-names); {THERE}"),
)


@pytest.mark.parametrize(("lines", "words", "message"), WRONG)
def test_wrong_choices(lines, words, message, write, tmp_path):
    path, out = write("exam.csv", *lines), tmp_path / "tasks"
    columns = ("--text", "question", "--label", "answer", "--choices", *OPTIONS)
    run = run_new(path, *columns, "--out", out, *words)
    assert (run.status, out.exists()) == (2, False)
    assert run.error.replace(f"{path}: ", "") == f"faithful-se: {message}\n"


def test_rows_without_two_choices_are_left_out(write, tmp_path):
    path = write("exam.csv", *csv_lines(["A"] * 12, [*CHOICES[1:], ["tea", "", ""]]))
    _, documents = exam(path, tmp_path, *OPTIONS, "--skip-empty")
    assert len(documents) == 10


def test_choice_names_without_choices(write, tmp_path):
    words = ("--text", "question", "--label", "answer", "--choice-names", "A", "B", "--out", tmp_path / "tasks")
    run = run_new(write("exam.csv", *csv_lines(["A"] * 12)), *words)
    assert run.error == "faithful-se: --choice-names A B: is for --choices: leave it out\n"
