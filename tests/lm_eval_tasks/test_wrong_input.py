"""Mistakes in files and options: accepted where the meaning is clear, one line of error where it is not."""

from __future__ import annotations

import json
import logging

import pytest

from faithful_se.errors import UsageError
from lm_eval_tasks.data import check_revisions, dataset_spec, load
from lm_eval_tasks.rule_models import RuleLM
from tests.lm_eval_tasks.evaluations import TASK, load_model

ROW = {"text": "a day", "label": 0}


def write(folder, raw):
    (folder / "ag_news").mkdir()
    (folder / "ag_news" / "test.jsonl").write_bytes(raw)
    return str(folder)


def test_a_byte_order_mark_and_windows_lines_are_read(tmp_path):
    raw = (
        b"\xef\xbb\xbf" + json.dumps(ROW).encode() + b"\r\n" + json.dumps({"text": "b", "label": 1}).encode() + b"\r\n"
    )
    assert load(dataset_spec("agnews"), write(tmp_path, raw))["text"][:] == ["a day", "b"]


def test_a_text_in_another_encoding_is_reported(tmp_path, caplog):
    table = load(dataset_spec("agnews"), write(tmp_path, '{"text": "café", "label": 0}'.encode("latin-1")))
    assert table["text"][0] == "caf\ufffd"
    assert "1 rows hold broken characters" in caplog.text


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        (
            [{**ROW, "text": None}, ROW, {**ROW, "text": 7}],
            "row 3: text is 7 (int), in row 2 it is a str",
        ),
        ([ROW, {**ROW, "label": "0"}], "row 2: label is '0' (str), in row 1 it is a int"),
        ([{**ROW, "text": ["a", "b"]}], "column text holds no text (a list): give strings"),
        ([{**ROW, "text": 12}], "column text holds no text (int64): give strings"),
    ],
)
def test_values_of_another_kind_are_named_by_row_and_column(tmp_path, rows, line):
    raw = "\n".join(json.dumps(row) for row in rows).encode()
    with pytest.raises(UsageError) as error:
        load(dataset_spec("agnews"), write(tmp_path, raw))
    assert str(error.value) == f"{tmp_path}/ag_news/test.jsonl: {line}"


def test_a_missing_split_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"or a folder with ag_news/train\.jsonl or agnews/train\.jsonl$"):
        load(dataset_spec("agnews"), str(tmp_path), "train")


def test_a_folder_may_be_named_as_the_tasks_name_the_dataset(tmp_path):
    row = json.dumps({**ROW, "text": "Shares fell."})
    (tmp_path / "agnews").mkdir()
    (tmp_path / "agnews" / "test.jsonl").write_text(row)
    assert load(dataset_spec("agnews"), str(tmp_path))["text"] == ["Shares fell."]


@pytest.mark.parametrize("name", ["agnews_revison", "ag_news_revision", "agnews_revisions"])
def test_a_misspelt_revision_is_refused(name):
    with pytest.raises(UsageError, match=rf"t: --metadata {name}=…: no such option; did you mean agnews_revision\?"):
        check_revisions("t", {"pretrained": "m", name: "abc"})


def test_revisions_of_other_datasets_and_of_the_model_pass():
    of_the_model = ("revision", "code_revision", "tokenizer_revision")
    check_revisions("t", dict.fromkeys((*of_the_model, "tweet_irony_revision", "tweet_emotion_revision"), "abc"))


@pytest.mark.parametrize("limit", [0, -2])
def test_no_documents_are_one_line(evaluate, data, tiny, limit):
    with pytest.raises(UsageError, match="--limit leaves no document: give a number above 0"):
        evaluate(load_model(tiny), data, TASK, limit)


@pytest.mark.parametrize(("template", "warnings"), [(False, 1), (True, 0)])
def test_a_chat_template_that_is_not_used_is_reported(evaluate, data, tiny, caplog, template, warnings):
    caplog.set_level(logging.WARNING)
    evaluate(load_model(tiny), data, TASK, 1, {"apply_chat_template": template})
    assert sum("add --apply_chat_template" in message for message in caplog.messages) == warnings


def test_sampling_without_a_temperature_is_one_line(evaluate):
    with pytest.raises(UsageError, match=f"{TASK}: --gen_kwargs do_sample=true needs a temperature: add"):
        evaluate(RuleLM(), "mini", TASK, 2, {"gen_kwargs": {"do_sample": True}})
