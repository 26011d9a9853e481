"""Wrong inputs: texts, files, arguments, models."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from faithful_se.errors import UsageError
from lm_eval_tasks.options import Options
from tests.training.attribution import tiny_models as tiny
from tests.training.attribution.command import LABELS, attribute
from training.attribution.cli import main
from training.attribution.inputs import FORM, from_file, question_of


def test_texts_that_cannot_be_attributed_give_the_reason(model: Path, tmp_path: Path, caplog: Any) -> None:
    path = tmp_path / "odd.jsonl"
    odd = ["fine day", "word", ":) ...", "", "sea " * 400, "fine day"]
    path.write_text("\n".join(json.dumps({"text": text}) for text in odd))
    rows = attribute(model, path, tmp_path / "out", "--check-flips")
    assert [row["problem"] for row in rows] == [
        "", "", "no words in the text", "no words in the text", "the text is longer than the model's context",
    ]  # fmt: skip
    assert rows[1]["gap"] is None and rows[1]["top"]["text"] == "word"
    assert rows[4]["words"] == [] and rows[4]["top"] is None
    assert "1 texts without attribution: the text is longer" in caplog.text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is empty"),
        ("\n\n", "the file is empty"),
        ('{"text": "a"}\n\n{"txt": "b"}', r"line 3 has no text \(columns: txt\): name the text columns with --fields"),
        ('\n{"text": null}', "line 2: text is null: give a text"),
        ('{"text": 3}', "line 1: text is a number"),
        ('{"text": 3.5}', "line 1: text is a number"),
        ('{"text": false}', "line 1: text is true or false"),
        ('{"text": ["a"]}', "line 1: text is a list"),
        ('{"text": {}}', "line 1: text is an object"),
        ('{"text": "a"}\n{"text": "b', f"line 2 is not JSON: {FORM}"),
        ("text,label\nhello,1", f"line 1 is not JSON: {FORM}"),
        ('[{"text": "a"}, 7]', "row 2 is not a JSON object"),
        ('[{"text": "a"}, {"txt": "b"}]', r"row 2 has no text \(columns: txt\): name the text columns with --fields"),
        ("[7, 8]", "line 1 is not a JSON object"),
        ("[" * 100_000, "is nested too deeply: give JSON lines, a JSON array"),
        ('"a"', f"line 1 is a text: {FORM}"),
        (gzip.compress(b'{"text": 3}', mtime=0), "row 1: text is a number"),
        (gzip.compress(b'{"text": "a"}', mtime=0)[:-5], "is compressed and damaged"),
        ('{"text": 3}'.encode("utf-16"), "row 1: text is a number"),
        (b"PK\x03\x04 and so on", "is a ZIP archive or an Excel sheet: give JSON lines"),
        ('{"text": "é"}'.encode("latin-1"), "line 1 is not UTF-8: save the file in UTF-8"),
        (
            '{"text": "a"}\n{"text": "b", "text": "c"}',
            "line 2 cannot be read: the key 'text' stands twice: leave one out",
        ),
        ('[{"text": "b", "text": "c"}]', "line 1 cannot be read: the key 'text' stands twice"),
        (
            '{"text": "a", "n": ' + "9" * 5000 + "}",
            "line 1 holds a number that is too long to read: write it as a text",
        ),
        ('[{"text": "a", "n": ' + "9" * 5000 + "}]", "line 1 holds a number that is too long to read"),
        ('{"a\\n\\u001b[31mb": 1}', r"line 1 has no text \(columns: 'a\\n\\x1b\[31mb'\): name"),
        (json.dumps(dict.fromkeys(map(str, range(9999)))), r"line 1 has no text \(columns: 0, 1, .{180,200} …\): name"),
        (b'{"text": "a \x00 b"}', f"line 1 is not JSON: {FORM}"),
        ('{"text": "a", "n": ' + "[" * 100_000, f"line 1 is not JSON: {FORM}"),
    ],
)
def test_files_that_cannot_be_read_are_refused_before_anything_is_written(
    content: str | bytes, message: str, model: Path, tmp_path: Path
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UsageError, match=message) as error:
        attribute(model, path, tmp_path / "out")
    assert "\n" not in str(error.value) and not (tmp_path / "out").exists()


def test_a_byte_order_mark_and_other_line_ends_are_read(model: Path, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"text": "one sea"}\r\n{"text": "two\xe2\x80\xa8seas"}\r\n')
    rows = attribute(model, path, tmp_path / "out")
    assert [row["fields"]["text"] for row in rows] == ["one sea", "two\u2028seas"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--file", "no.jsonl", *LABELS], "no.jsonl: No such file"),
        (["--tasks", "nothing"], "no dataset 'nothing'; there are agnews"),
        (["--tasks", "snli", "--data", "/nowhere"], "no file /nowhere/snli/train.jsonl"),
        (["--tasks", "snli", "--labels", "a"], "give --tasks DATASET"),
        (["--file", "x", "--labels", "a", "--tasks", "snli"], "--file needs --labels"),
        (["--tasks", "snli", "--method", "magic"], "--method magic: give one of occlusion, ig"),
        (["--tasks", "snli", "--steps", "0"], "--steps 0: give a whole number from 1"),
        (["--tasks", "snli", "--mask", " "], "mask=' ': give a text that is not empty"),
        (["--tasks", "snli", "--limit", "0"], "--limit 0: give a whole number from 1"),
        (["--tasks", "sst2"], r"cannot read sst2 from the hub .*or give --data DIR, a folder with sst2/train.jsonl$"),
        (["--tasks", "sst2", "--split", "tset"], "--split tset: give one of train, validation, test"),
        (["--tasks", "sst2", "--question", "Why?"], "--question is for --file with --labels: leave it out"),
        (["--tasks", "sst2", "--fields", "text"], "--fields is for --file with --labels: leave it out"),
        (["--tasks", "sst2", "--file", __file__, "--split", "test"], "--split is for --tasks without --file: leave it"),
        (["--labels", "a", "b", "--file", __file__, "--data", "mini"], "--data is for --tasks: leave it out"),
        (["--tasks", "sst2", "--data", "mini"], "--data mini: there is no mini data of sst2; give --data DIR"),
        (
            ["--file", __file__, "--labels", "yes", "Unknown", "--unknown"],
            '--unknown adds the label "unknown", which the question has already: leave --unknown out',
        ),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_written(
    more: list[str], message: str, model: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=message) as error:
        main(["--model", str(model), "--out", str(tmp_path / "out"), *more])
    assert "\n" not in str(error.value) and not (tmp_path / "out").exists()


def test_a_folder_without_a_model_is_refused(texts: Path, tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"nowhere: no such folder; give the folder of a model, or its name on the hub"
    ):
        attribute(tmp_path / "nowhere", texts, tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"cannot load the model .*empty"):
        attribute(tmp_path / "empty", texts, tmp_path / "out")


def test_numbers_that_are_not_finite_name_the_text(texts: Path, tmp_path: Path) -> None:
    import torch

    fast = tiny.tokenizer()
    broken = tiny.random_model("llama", len(fast))
    # One token makes everything not a number: only texts that hold it fail.
    broken.get_input_embeddings().weight.data[fast(" coffee", add_special_tokens=False)["input_ids"][-1]] = torch.nan
    folder = tiny.save(tmp_path / "model", broken, fast)
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "a lovely day"}\n{"text": "coffee"}\n')
    with pytest.raises(UsageError, match=r"text [0-9a-f]{16}: the model's numbers are not finite in torch.float32"):
        attribute(folder, path, tmp_path / "out", "--shard-size", "1")


def test_texts_in_other_formats_are_the_same_texts(tmp_path: Path) -> None:
    question = question_of(["good", "bad"])
    lines = '{"text": "one sea"}\n{"text": "None, so"}\n'
    contents = {
        "rows.jsonl": lines,
        "array.json": '[{"text": "one sea"}, {"text": "None, so"}]',
        "utf16.jsonl": lines.encode("utf-16"),
        "packed.jsonl.gz": gzip.compress(lines.encode()),
        "rows.csv": 'text,more\none sea,1\n"None, so",2\n',
        "rows.tsv": "text\tmore\none sea\t1\nNone, so\t2\n",
    }
    for name, content in contents.items():
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        source = from_file(path, question, Options())
        assert [document.fields["text"] for document in source.documents] == ["one sea", "None, so"], name
        assert source.complete
        assert not from_file(path, question, Options(), limit=1).complete


def test_a_language_of_the_prompts() -> None:
    question = question_of(("gut", "schlecht"), ("text",), "", "texte", "de")
    assert question.classify({"text": "Alles gut."}, "[REDACTED]", unknown=False) == (
        'Welche Einordnung passt zu dem Text? Wörter des Textes können durch "[REDACTED]" ersetzt sein. Antworte nur '
        'mit "gut" oder "schlecht". Begründe die Antwort nicht.\n\nText: Alles gut.'
    )
    assert question_of(("a", "b")).language == "en"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("--file", "rows.jsonl", "--labels", "a", "b", "--language", "tlh"),
            "--language is tlh; the package has de, en",
        ),
        (("--tasks", "snli", "--language", "de"), "--language is for --file with --labels: leave it out"),
        (
            ("--tasks", "arc_easy", "--answer-with", "text"),
            "--answer-with: attributions rank the letters of the choices",
        ),
    ],
)
def test_what_prompts_cannot_be(words: tuple[str, ...], message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message):
        main(["--model", "MODEL", "--out", str(tmp_path / "out"), *words])
