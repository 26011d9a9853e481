"""Wrong input of `faithful-se new` is one line with row and column, and nothing is written."""

from __future__ import annotations

import os

import pytest

from tests.lm_eval_tasks.new_tasks.conftest import run_new

HEADER = "text,label"
ROWS = [f"a text {n},{'ab'[n % 2]}x" for n in range(12)]
COLUMNS = ("--text", "text", "--label", "label")


def refused(path, out, *words):
    run = run_new(path, *(words or COLUMNS), "--out", out)
    assert run.status == 2
    assert not out.exists()
    (line,) = run.error.splitlines()
    return line.removeprefix("faithful-se: ").replace(f"{path.parent}/", "")


QUESTION = [f"text {n},{'<think>late' if n % 2 else 'on time'}" for n in range(12)]
LEFT_OUT = "fill it in, or leave such rows out with --skip-empty"

# Wrong rows, and what the line says after the name of the file.
WRONG_ROWS = (
    ([*ROWS, " ,ax"], f"row 13: text is empty: {LEFT_OUT}"),
    (["…,ax", *ROWS], f"row 1: text is '…', without a word: {LEFT_OUT}"),
    ([*ROWS, "some text,"], f"row 13: label is empty: {LEFT_OUT}"),
    (["some text,ax", "other text,ax"], "label: every row has the label 'ax': give two or more to choose from"),
    (
        [f"text {n},id{n}" for n in range(60)],
        "label has 60 different values in 60 rows: give --label, the column of the label; at most 100 can be asked "
        "about",
    ),
    (
        [*ROWS, "some text,AX"],
        "label: the label AX is given twice: 'ax' differs from it by case, blanks, hyphens or Unicode form only, and "
        "answers are read without these; --labels VALUE=NAME gives names",
    ),
    (
        [*ROWS, 'some text,"a ""good"" one"'],
        """label: 'a "good" one' holds a double quote, and prompts put labels in these: --labels VALUE=NAME """
        "gives names",
    ),
    (
        QUESTION,
        "label: the answer '<think>late' is read as no label: call the label something else; --labels VALUE=NAME gives "
        "names",
    ),
)

# Wrong words of the command, and the line.
WRONG_WORDS = (
    (("--text", "txt", "--label", "label"), "no column txt (--text); there are text, label; did you mean text?"),
    ((*COLUMNS, "--labels", "ax"), "row 2: label is 'bx', which --labels does not name: add it there"),
    ((*COLUMNS, "--drop", "cx"), "--drop cx: no row has it in the column label; there are ax, bx"),
    (
        (*COLUMNS, "--revision", "main"),
        "--revision main: is for a dataset on the hub, and rows.csv is here: leave it out",
    ),
    ((*COLUMNS, "--noun", "a\nb"), "rows: metadata.faithful_se.noun: 'a\\nb' holds a line break: give one line"),
    ((*COLUMNS, "--test-rows", "12"), "12 rows, of which 12 for test and 1 for validation leave none to train on"),
    ((*COLUMNS, "--labels", "ax", "bx=good", "cx"), "--labels cx: no row has 'cx'; there are ax, bx"),
    ((*COLUMNS, "--name", "snli"), "--name snli: the package has a dataset of that name: give another --name"),
    ((*COLUMNS, "--name", "ag_news"), "--name ag_news: the package has a dataset of that name: give another --name"),
    (
        (*COLUMNS, "--name", "my-data"),
        "--name my-data: give at most 100 lower-case letters, digits and _, a letter first",
    ),
    ((*COLUMNS, "--name", "x" * 101), f"--name {'x' * 101}: give at most 100 lower-case letters"),
    (("--text", "text", "--label", "text"), "--label text: is a text column, too: a prompt would show the answer"),
    ((*COLUMNS, "--language", "tlh"), "--language is tlh; the package has"),
    ((*COLUMNS, "--encoding", "klingon"), "--encoding klingon: no such encoding: give one such as latin-1"),
    (("--text", "text"), "give --text COLUMN, the column of the text, and --label COLUMN, that of the label"),
)


@pytest.mark.parametrize(("lines", "message"), WRONG_ROWS)
def test_wrong_rows(lines, message, write, tmp_path):
    assert refused(write("rows.csv", HEADER, *lines), tmp_path / "tasks") == f"rows.csv: {message}"


@pytest.mark.parametrize(("words", "message"), WRONG_WORDS)
def test_wrong_words(words, message, write, tmp_path):
    line = refused(write("rows.csv", HEADER, *ROWS), tmp_path / "tasks", *words)
    assert line.removeprefix("rows.csv: ").startswith(message)


def test_labels_that_only_the_test_split_has(write, tmp_path):
    path, test = write("rows.csv", HEADER, *ROWS), write("test.csv", HEADER, "a text,ax", "another,cx")
    line = refused(path, tmp_path / "tasks", *COLUMNS, "--test", test)
    assert line == (
        "test.csv: row 2: label is 'cx', a label that no training row has: they have ax, bx. Correct it, or leave such "
        "rows out with --drop"
    )


def test_latin_1(write, tmp_path):
    path = write("rows.csv", HEADER, *ROWS, "un café,ax", encoding="latin-1")
    assert refused(path, tmp_path / "tasks") == (
        "rows.csv: row 13: text: not in UTF-8 after 'un caf': save the file in UTF-8, or say what it is in, such as "
        "--encoding latin-1"
    )
    run = run_new(path, *COLUMNS, "--encoding", "latin-1", "--out", tmp_path / "tasks")
    assert run.status == 0, run.error
    texts = "".join(path.read_text("utf-8") for path in (tmp_path / "tasks" / "rows").glob("*.jsonl"))
    assert "un café" in texts


def test_two_gigabytes(tmp_path):
    path = tmp_path / "huge.csv"
    path.touch()
    os.truncate(path, 2_000_000_000)
    message = "huge.csv: has 2.0 GB, and rows are held in memory: give a part of at most 0.5 GB, such as its first rows"
    assert refused(path, tmp_path / "tasks") == message


def test_other_cells(write, tmp_path):
    path = write("rows.jsonl", '{"text": "a", "label": 1}', '{"text": 5, "label": 0}')
    assert refused(path, tmp_path / "tasks") == "rows.jsonl: row 2: text is a number: give texts"
    path = write("lists.jsonl", '{"text": "a", "label": [1, 2]}')
    assert refused(path, tmp_path / "tasks") == "lists.jsonl: row 1: label is a list: give one label a text"


def test_nothing_there(tmp_path, monkeypatch):
    import datasets

    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    assert refused(tmp_path / "rows.csv", tmp_path / "tasks") == "rows.csv: there is no such file or folder"
    run = run_new("nobody/nothing", *COLUMNS, "--out", tmp_path / "tasks")
    assert run.status == 2
    assert run.error.startswith(
        "faithful-se: nobody/nothing: no file or folder; as a dataset of the hub it cannot be read"
    )
    (tmp_path / "empty").mkdir()
    assert "holds no file named train or test" in refused(tmp_path / "empty", tmp_path / "tasks")
