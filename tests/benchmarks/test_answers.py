"""The parsers read the table of answers as a careful person does."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from benchmarks import answers
from benchmarks.answers_rows import READERS, read_rows
from faithful_se.errors import UsageError
from lm_eval_tasks.styles import BUDGETS

FAMILIES = {"Llama-2", "Falcon", "Mistral", "Qwen", "Gemma", "SmolLM2", "gpt-oss", "R1", "Claude", "GPT"}
LABEL = {"family": "GPT", "reader": "label", "shape": "bare", "dataset": "sst2", "answer": "positive"}
WORDS = LABEL | {"reader": "attribution", "budget": "oneword", "fields": {"sentence": "it 's good"}, "answer": "good"}


def write(path, *rows):
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), "utf-8")
    return path


def test_the_parsers_read_as_a_careful_person_does(capsys):
    status = answers.main([])
    assert status == 0, capsys.readouterr().out
    assert "\nwrong: 0 (limit 0)\nnone: " in capsys.readouterr().out


def test_the_table_is_large_and_has_every_reader_family_and_shape():
    rows = [row for path in answers.TABLES for row in read_rows(path)]
    assert len(rows) >= 300
    cases = Counter((row.reader, row.spec, row.document.labels, str(row.document.fields), row.answer) for row in rows)
    assert [case for case, count in cases.items() if count > 1] == []
    shapes = Counter((row.reader, row.shape) for row in rows)
    assert [shape for shape, count in shapes.items() if count < 3] == []
    assert {row.family for row in rows} >= FAMILIES
    assert {row.reader for row in rows} == set(READERS)
    assert {row.spec.budget for row in rows} == set(BUDGETS)
    # Parsers that read something in everything would pass a table without these.
    assert sum(row.reading is None for row in rows) >= len(rows) / 4


def test_each_disagreement_is_counted_and_printed_with_its_line(tmp_path, capsys):
    table = write(
        tmp_path / "own.jsonl",
        LABEL | {"reading": "positive"},
        LABEL | {"reading": "negative"},
        LABEL | {"answer": "lovely", "reading": "positive"},
        WORDS | {"reading": ["good"]},
        WORDS | {"answer": "great", "reading": None, "reason": "word not in the text"},
        WORDS | {"answer": "great", "reading": None, "reason": "refusal"},
    )
    assert answers.main(["--table", str(table)]) == 1
    report = capsys.readouterr().out
    assert "| label | bare | 3 | 1 | 1 | 1 |\n| attribution | bare | 3 | 2 | 1 | 0 |\n" in report
    assert "wrong: 2 (limit 0)\nnone: 1 of 4 answers with a reading, 25.0% (limit 2%)\n" in report
    assert f"wrong: {table}:2 label, GPT: 'positive'\n" in report
    assert (
        f"none: {table}:3 label, GPT: 'lovely'\n    the person reads 'positive'; the parser reads nothing\n" in report
    )
    assert "the person reads nothing (refusal); the parser reads nothing (word not in the text)\n" in report


def test_words_are_compared_as_a_set_with_parted_ends_and_texts_with_single_blanks():
    same = answers.comparable
    assert same(["Love", "it"]) == same(["it", "love"]) != same(["love"])
    assert same(["does", "n't", "work"]) == same(["doesn’t", "work"]) == same(["does n't", "work"])
    assert same({"text": " a\n b"}) == same({"text": "a b"}) != same({"text": "a b."})


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("{", "not JSON: Expecting property name enclosed in double quotes at column 2"),
        ("[]", "not a JSON object"),
        (LABEL, "no 'reading'; a row has family, reader, shape, dataset, answer, reading"),
        (LABEL | {"reading": "good"}, "reading is 'good', not null and not one of negative, positive"),
        (LABEL | {"reading": None, "label": "positive"}, "'label' is no key of a row; the keys are family, reader,"),
        (LABEL | {"reading": None, "answer": 1}, "answer is 1, not a text"),
        (LABEL | {"reading": None, "reader": "labels"}, "reader is 'labels', not one of label, attribution,"),
        (LABEL | {"reading": None, "dataset": "sst"}, "no dataset 'sst'; there are agnews,"),
        (LABEL | {"reading": "a", "labels": "a"}, "labels are 'a', not a list of texts"),
        (LABEL | {"reading": "positive", "reason": "refusal"}, "a reason says why there is no reading, and this row"),
        (WORDS | {"reading": None, "budget": "one"}, "budget is 'one', not one of oneword, multiword"),
        (WORDS | {"reading": "good"}, "reading is 'good', not null and not a list of words"),
        (WORDS | {"reading": None, "fields": {"text": "a"}}, "fields are ['text']; sst2 has ['sentence']"),
        (WORDS | {"reader": "counterfactual", "reading": ["good"]}, "reading is ['good'], not null and not a document"),
    ],
)
def test_a_malformed_row_is_refused_with_file_and_line(tmp_path, row, message):
    table = write(tmp_path / "own.jsonl", LABEL | {"reading": "positive"}, "", row)
    with pytest.raises(UsageError) as refusal:
        answers.main(["--table", str(table)])
    assert str(refusal.value).startswith(f"{table}:3: {message}")


def test_a_table_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"missing\.jsonl: No such file or directory; --table takes JSON Lines files"):
        answers.main(["--table", str(tmp_path / "missing.jsonl")])
