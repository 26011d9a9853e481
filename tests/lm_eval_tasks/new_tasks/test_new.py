"""`faithful-se new`: what it writes, and what it says."""

from __future__ import annotations

import json
import shutil
from collections import Counter

import datasets
import pytest
import yaml

from lm_eval_tasks.data import OWN, dataset_spec, load
from tests.lm_eval_tasks.new_tasks.conftest import COMPLAINTS, run_new

COLUMNS = ("--text", "text", "--label", "label")
ROWS = [{"text": f"The dog number {number} barks", "label": number % 2} for number in range(20)]


def labels_of(folder, name, split):
    return [json.loads(line)["label"] for line in (folder / name / f"{split}.jsonl").read_text("utf-8").splitlines()]


def test_the_declaration(complaints):
    config = yaml.safe_load((complaints / "complaints" / "_dataset_yaml").read_text("utf-8"))
    labels = ["billing", "delivery", "quality", "support"]
    assert config == {
        "dataset_path": "none",
        "test_split": "test",
        "metadata": {
            "version": 1.0,
            "faithful_se": {
                "dataset": "complaints",
                "folder": "complaints",
                "noun": "complaint",
                "question": "Which department is the complaint about?",
                "fields": ["complaint"],
                "titles": ["Complaint"],
                "label_column": "category",
                "label_values": labels,
                "labels": labels,
                "drop_label_values": [],
            },
        },
    }
    task = complaints / "complaints" / "faithful_se_complaints_redaction_oneword.yaml"
    assert task.read_text("utf-8").splitlines() == [
        "include: [_dataset_yaml, ../_redaction_oneword_yaml]",
        "task: faithful_se_complaints_redaction_oneword",
        "tag: [faithful-se-complaints]",
    ]


def test_the_splits_are_apart_and_hold_every_label(complaints):
    spec = dataset_spec("complaints", complaints)
    splits = {split: load(spec, "hub", split) for split in ("train", "validation", "test")}
    assert {split: len(rows) for split, rows in splits.items()} == {"train": 36, "validation": 6, "test": 18}
    texts = Counter(text for rows in splits.values() for text in rows["complaint"])
    assert len(texts) == 60 and set(texts.values()) == {1}
    for rows in splits.values():
        assert len(set(rows["category"])) == 4


def test_the_same_seed_draws_the_same_split(complaints, tmp_path):
    words = (COMPLAINTS, "--text", "complaint", "--label", "category")
    run_new(*words, "--out", tmp_path / "same")
    run_new(*words, "--out", tmp_path / "other", "--seed", 1)
    texts = [(folder / "complaints" / "test.jsonl").read_text("utf-8") for folder in (complaints, tmp_path / "same")]
    assert texts[0] == texts[1] != (tmp_path / "other" / "complaints" / "test.jsonl").read_text("utf-8")


def test_a_moved_folder_finds_its_rows(complaints, tmp_path, monkeypatch):
    shutil.copytree(complaints, tmp_path / "elsewhere" / "tasks")
    monkeypatch.chdir(tmp_path / "elsewhere")
    spec = dataset_spec("complaints", "tasks")
    assert (spec.data("hub"), spec.data("mini"), len(load(spec, OWN))) == (OWN, OWN, 18)


def test_a_folder_of_the_users_has_precedence(complaints, tmp_path):
    (tmp_path / "complaints").mkdir()
    line = (complaints / "complaints" / "test.jsonl").read_text("utf-8").splitlines()[0]
    (tmp_path / "complaints" / "test.jsonl").write_text(line, "utf-8")
    spec = dataset_spec("complaints", complaints)
    assert len(load(spec, str(tmp_path))) == 1
    assert len(load(spec, str(tmp_path / "complaints"))) == 18  # which has no folder of that name


def test_what_it_says(tmp_path):
    run = run_new(COMPLAINTS, "--text", "complaint", "--label", "category", "--out", tmp_path / "my tasks")
    lines = run.out.splitlines()
    assert lines[0] == f"{COMPLAINTS}: 60 rows"
    assert "billing            9           1           5" in lines
    assert "words of a text: 6 to 13, median 9" in lines
    assert (
        '  | Which label fits the following complaint? Words of the complaint may be replaced by "[REDACTED]". '
        in run.out
    )
    assert "then, counterfactual:" in lines
    assert f"--include_path '{tmp_path}/my tasks' --tasks faithful-se-complaints" in run.out


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.json", "rows.parquet", "rows.csv", "rows.tsv", "rows.jsonl.gz"])
def test_formats(name, tmp_path):
    frame = datasets.Dataset.from_list(ROWS)
    path = tmp_path / name
    kind = name.split(".")[1]
    if kind == "parquet":
        frame.to_parquet(path)
    elif kind in ("csv", "tsv"):
        frame.to_csv(path, sep="\t" if kind == "tsv" else ",", index=False)
    elif kind == "json":
        path.write_text(json.dumps(ROWS), "utf-8")
    else:
        frame.to_json(path, lines=True, compression="gzip" if name.endswith("gz") else None)
    run = run_new(path, *COLUMNS, "--labels", "0=quiet", "1=loud", "--out", tmp_path / "tasks")
    assert run.status == 0, run.error
    assert Counter(labels_of(tmp_path / "tasks", "rows", "test")) == {"quiet": 3, "loud": 3}


def test_a_folder_of_files_named_by_split(write, tmp_path):
    write("source/train.csv", "text,label", *(f"a text {n},{'ab'[n % 2]}x" for n in range(10)))
    write("source/dev.csv", "text,label", "other text,ax", "further text,bx")
    run = run_new(tmp_path / "source", *COLUMNS, "--validation-rows", 0, "--out", tmp_path / "tasks")
    assert "note: the validation split is the test split" in run.out
    assert labels_of(tmp_path / "tasks", "source", "test") == ["ax", "bx"]
    assert len(labels_of(tmp_path / "tasks", "source", "train")) == 10


def test_a_folder_of_the_datasets_library_names_its_classes(tmp_path):
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["zero", "one"])}
    )
    rows = [*ROWS, {"text": "a text without a label", "label": -1}]
    datasets.DatasetDict({"train": datasets.Dataset.from_list(rows, features=features)}).save_to_disk(tmp_path / "disk")
    run = run_new(tmp_path / "disk", *COLUMNS, "--skip-empty", "--out", tmp_path / "tasks")
    assert run.status == 0, run.error
    spec = dataset_spec("disk", tmp_path / "tasks")
    assert spec.question.labels == ("zero", "one")
    assert set(labels_of(tmp_path / "tasks", "disk", "train")) == {"zero", "one"}


def test_two_text_fields(write, tmp_path):
    path = write("pairs.csv", "first_text,second,label", *(f"cat {n},dog {n},{'xy'[n % 2]}z" for n in range(10)))
    run_new(path, "--text", "first_text", "second", "--label", "label", "--out", tmp_path / "tasks")
    question = dataset_spec("pairs", tmp_path / "tasks").question
    assert question.titles == ("First text", "Second")
    assert question.question == "Which label fits the following first text and second?"


def test_braces_are_characters_like_others(write, tmp_path):
    path = write("rows.csv", "a{text},label", *(f"some {{0}} {number},{'xy'[number % 2]}z" for number in range(20)))
    run = run_new(path, "--text", "a{text}", "--label", "label", "--out", tmp_path / "tasks")
    assert run.status == 0 and "  | A{text}: some {0} " in run.out


def test_choices_and_long_texts_are_pointed_out(write, tmp_path):
    rows = [
        {"text": f"{number} " + "word " * 400, "options": ["a", "b"], "tags": [], "label": number % 2}
        for number in range(20)
    ]
    printed = run_new(write("exam.jsonl", *map(json.dumps, rows)), *COLUMNS, "--out", tmp_path / "tasks").out
    assert "note: options: a list in each row. If it holds the choices of the row, this is multiple choice" in printed
    assert ": --choices options\n" in printed
    assert "note: one word hardly decides so long a text: evaluate with --metadata unit=sentence" in printed


def test_repeated_texts_stay_on_one_side(write, tmp_path):
    rows = [f"a text {n},{'ab'[n % 2]}x" for n in range(10)]
    path = write("twice.csv", "text,label", *rows, *rows, "a text 0,bx")
    run = run_new(path, *COLUMNS, "--out", tmp_path / "tasks")
    assert "note: 11 rows repeat the text of another one, and are left out" in run.out
    assert f"note: 1 of these have another label: {path}: row 21: label is 'bx'" in run.out


def test_one_repeated_text(write, tmp_path):
    path = write("once.csv", "text,label", *(f"a text {n},{'ab'[n % 2]}x" for n in range(10)), "a text 0,ax")
    run = run_new(path, *COLUMNS, "--out", tmp_path / "tasks")
    assert "note: 1 row repeats the text of another one, and is left out" in run.out


def test_numbers_within_labels_are_in_their_order(write, tmp_path):
    labels = ["team 10", "Team 2", "team 1", "10", "9", "-1", "2b", "annex"]
    path = write("teams.csv", "text,label", *(f"a text {n},{labels[n % 8]}" for n in range(80)))
    run = run_new(path, *COLUMNS, "--out", tmp_path / "tasks")
    assert run.status == 0, run.error
    expected = ("-1", "9", "10", "2b", "annex", "team 1", "Team 2", "team 10")
    assert dataset_spec("teams", tmp_path / "tasks").question.labels == expected


def test_a_language(write, tmp_path):
    path = write("texte.csv", "text,label", *(f"Text {n},{'gut' if n % 2 else 'schlecht'}" for n in range(10)))
    run = run_new(path, *COLUMNS, "--language", "de", "--noun", "Rezension", "--out", tmp_path / "tasks")
    assert run.status == 0, run.error
    assert "Antworte nur mit" in run.out
    assert dataset_spec("texte", tmp_path / "tasks").question.language == "de"


def test_an_existing_dataset_is_replaced_on_request_alone(write, tmp_path):
    path = write("rows.csv", "text,label", *(f"a text {n},{'ab'[n % 2]}x" for n in range(10)))
    out = tmp_path / "tasks"
    assert run_new(path, *COLUMNS, "--out", out).status == 0
    assert "is there already" in run_new(path, *COLUMNS, "--out", out, "--noun", "note").error
    assert dataset_spec("rows", out).question.noun == "text"
    assert run_new(path, *COLUMNS, "--out", out, "--noun", "note", "--overwrite").status == 0
    assert "noun: note" in (out / "rows" / "_dataset_yaml").read_text("utf-8")
    assert sorted(path.name for path in out.iterdir() if path.is_dir()) == ["rows"]
