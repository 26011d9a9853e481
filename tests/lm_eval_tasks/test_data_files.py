"""Files of every format give the same rows, or one line that says what they are."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import logging
import lzma

import datasets
import pyarrow
import pyarrow.parquet
import pytest

from faithful_se.errors import UsageError
from lm_eval_tasks.data import dataset_spec, load
from lm_eval_tasks.data_files import read_rows

# Texts that readers which guess types, or which split at the wrong place, change.
TEXTS = [
    "a day", "None", "NA", "007", "null", "", "it's \"fine\", he said", "two\nlines", "café\u2028naïve 🙂", "1.50",
    "a\tb", "nan", "true", "  blanks  ", "semi;colon",
]  # fmt: skip
ROWS = [{"text": text, "label": number % 4} for number, text in enumerate(TEXTS)]
LINES = "\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS)
ARRAY = json.dumps(ROWS, indent=1, ensure_ascii=False)


def table(delimiter=",", rows=ROWS, **style):
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter, **style)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def parquet(columns):
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), buffer)
    return buffer.getvalue()


COLUMNS = {"text": TEXTS, "label": [row["label"] for row in ROWS]}

FILES = {
    "test.jsonl": LINES,
    "test.json": ARRAY,
    "test.csv": table(),
    "test.tsv": table("\t"),
    "test.parquet": parquet(COLUMNS),
    "test.jsonl.gz": gzip.compress(LINES.encode()),
    "test.csv.gz": gzip.compress(table().encode()),
}

# (name, content) of more files with the rows above.
MORE = [
    ("test.jsonl", ARRAY),  # an array, whatever it is called
    ("test.json", LINES),
    ("test.jsonl", gzip.compress(LINES.encode())),  # packed, whatever it is called
    ("test.jsonl", bz2.compress(LINES.encode())),
    ("test.json", lzma.compress(ARRAY.encode())),
    ("test.jsonl", LINES.encode("utf-8-sig")),
    ("test.jsonl", LINES.encode("utf-16")),
    ("test.jsonl", LINES.encode("utf-16-le")),
    ("test.json", ARRAY.encode("utf-16-be")),
    ("test.jsonl", LINES.encode("utf-32")),
    ("test.csv", table().encode("utf-8-sig")),
    ("test.csv", table().encode("utf-16")),
    ("test.csv", table(";")),  # spreadsheets in half of Europe
    ("test.csv", table("\t")),
    ("test.csv", table(quoting=csv.QUOTE_ALL)),
    ("test.csv", table(lineterminator="\n") + "\n\n"),
    ("test.csv", table(rows=[{**row, "label": float(row["label"])} for row in ROWS])),  # pandas after a missing value
    ("test.csv", table(rows=[{**row, "label": f" {row['label']}"} for row in ROWS])),
    ("test.csv", table(rows=[{"": number, **row} for number, row in enumerate(ROWS)])),  # with the index of pandas
    ("test.parquet", parquet({**COLUMNS, "text": pyarrow.array(TEXTS).dictionary_encode()})),
    ("test.parquet", parquet({**COLUMNS, "text": pyarrow.array(TEXTS, pyarrow.large_string())})),
    ("test.jsonl", parquet(COLUMNS)),  # whatever it is called
    ("test-00000-of-00001.parquet", parquet(COLUMNS)),
]


def write(folder, name, content, dataset="ag_news"):
    path = folder / dataset / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(folder, dataset="agnews", split="test"):
    load.cache_clear()
    spec = dataset_spec(dataset)
    return [(document.fields, document.gold) for document in map(spec.document, load(spec, str(folder), split))]


def test_every_format_gives_the_same_documents(tmp_path):
    labels = dataset_spec("agnews").question.labels
    expected = [({"text": row["text"]}, labels[row["label"]]) for row in ROWS]
    for name, content in [*FILES.items(), *MORE]:
        path = write(tmp_path, name, content)
        assert read(tmp_path) == expected, (name, content[:40])
        assert [row["text"] for row in read_rows(path)] == TEXTS
        path.unlink()


def test_the_same_content_is_the_same_data(tmp_path):
    """The fingerprint tells boards which results are on the same documents."""
    fingerprints = set()
    for name in ("test.csv", "test.parquet"):
        for folder in ("a", "b"):
            (tmp_path / folder).mkdir(exist_ok=True)
            write(tmp_path / folder, name, FILES[name]).touch()
            load.cache_clear()
            fingerprints.add((name, load(dataset_spec("agnews"), str(tmp_path / folder))._fingerprint))
            (tmp_path / folder / "ag_news" / name).unlink()
    assert len(fingerprints) == 2


def test_parts_of_the_hub_are_one_split(tmp_path):
    for number, part in enumerate((TEXTS[:2], TEXTS[2:5])):
        content = parquet({"text": part, "label": [0] * len(part)})
        write(tmp_path, f"test-{number:05}-of-00002.parquet", content)
    assert [fields["text"] for fields, _ in read(tmp_path)] == TEXTS[:5]


def test_of_two_files_json_lines_are_read_and_it_is_said(tmp_path, caplog):
    write(tmp_path, "test.csv", "text,label\nfrom csv,0\n")
    write(tmp_path, "test.jsonl", '{"text": "from lines", "label": 0}')
    assert read(tmp_path)[0][0]["text"] == "from lines"
    assert "test.jsonl is read, and not test.csv" in caplog.text


def test_codes_of_labels_in_csv(tmp_path):
    write(tmp_path, "test.csv", "text,sentiment\na,0\nb,4\nc,2\nd,4.0\n", "sentiment140")
    assert [gold for _, gold in read(tmp_path, "sentiment140")] == ["negative", "positive", "positive"]


def test_quotes_that_are_no_quotes_are_text_in_tsv(tmp_path):
    write(tmp_path, "test.tsv", 'text\tlabel\n"Hello" he said\t1\nthe "end\t0\n')
    assert [fields["text"] for fields, _ in read(tmp_path)] == ['"Hello" he said', 'the "end']


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("test.csv", "text,label\na,0\nb,7\n", "row 2: label is '7', not one of 0 (world), 1 (sports), 2 (business)"),
        ("test.csv", "text,label\na,world\n", "row 1: label is 'world', not one of 0 (world)"),
        ("test.csv", "text,label\na,\n", "row 1: label is '', not one of 0 (world)"),
        ("test.csv", "text,label\na,0.5\n", "row 1: label is '0.5', not one of"),
        ("test.csv", "text,label\na, b,0\n", "row 1 has 3 cells, the first line names 2 columns: put texts with"),
        ("test.csv", "text,label\na\n", "row 1 has 1 cells, the first line names 2 columns"),
        ("test.csv", "text,text,label\na,b,0\n", "the column 'text' is there twice"),
        ("test.csv", "txt,label\na,0\n", "no column text (columns: txt, label)"),
        ("test.csv", 'text,label\n"a"b,0\n', "put texts with quotes in quotes, and double those inside"),
        ("test.csv", "text,label\n", "the file is empty"),
        ("test.csv", "", "the file is empty"),
        ("test.json", '{"data": []}', "no column text, label (columns: data)"),
        ("test.json", "[]", "the file is empty"),
        ("test.json", '[{"text": "a", "label": 0}, 3]', "row 2 is not a JSON object"),
        ("test.json", '[{"text": "a", "label": 9}]', "row 1: label is 9, not one of"),
        ("test.json", '[{"text": "a" "label": 9}]', "line 1 is not JSON: Expecting ',' delimiter"),
        ("test.json", "[" * 100_000, "is nested too deeply"),
        ("test.jsonl", b"PK\x03\x04...", "is a ZIP archive or an Excel sheet: give JSON lines, a JSON array, CSV"),
        ("test.csv", b"\xd0\xcf\x11\xe0...", "is an old Excel sheet"),
        ("test.jsonl", b"\x28\xb5\x2f\xfd...", "is compressed with zstd"),
        ("test.jsonl", b"ARROW1\x00\x00", "is an Arrow file"),
        ("test.jsonl", gzip.compress(LINES.encode())[:-9], "is compressed and damaged"),
        ("test.parquet", b"PAR1 and no more", "cannot be read as Parquet"),
        ("test.parquet", "no parquet at all", "line 1 is not JSON"),
        ("test.parquet", parquet({"text": [], "label": []}), "the file is empty"),
        ("test.parquet", parquet({"text": ["a"], "label": ["0"]}), "row 1: label is '0', not one of 0 (world)"),
        ("test.parquet", parquet({"text": [1], "label": [0]}), "column text holds no text (int64): give strings"),
    ],
)
def test_other_files_are_one_line(tmp_path, name, content, line):
    write(tmp_path, name, content)
    with pytest.raises(UsageError) as error:
        read(tmp_path)
    assert f"ag_news/{name}: " in str(error.value) and line in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_read_is_named(tmp_path):
    write(tmp_path, "test.xlsx", b"PK\x03\x04")
    with pytest.raises(UsageError, match=r"no file .*ag_news/test.jsonl \(test.xlsx is there, and not read\): data is"):
        read(tmp_path)


def test_lists_have_no_place_in_cells(tmp_path):
    write(tmp_path, "test.csv", "question,choices,answer\nwhere,\"['a', 'b']\",a\n", "cos_e")
    with pytest.raises(UsageError, match="column choices holds lists, which CSV and TSV cannot: give JSON"):
        read(tmp_path, "cos_e")


def test_choices_in_parquet(tmp_path):
    write(tmp_path, "test.parquet", parquet({"question": ["a b"], "choices": [["a", "b"]], "answer": ["b"]}), "cos_e")
    assert read(tmp_path, "cos_e") == [({"question": "a b"}, "B")]


def test_broken_characters_are_said_in_every_text_format(tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    write(tmp_path, "test.csv", "text,label\ncafé,0\n".encode("latin-1"))
    assert read(tmp_path)[0][0]["text"] == "caf\ufffd"
    assert "1 rows hold broken characters" in caplog.text


def test_datasets_writes_what_is_read(tmp_path):
    """`datasets` itself: its to_csv, to_json and to_parquet."""
    rows = datasets.Dataset.from_list(ROWS)
    (tmp_path / "ag_news").mkdir()
    for name, export in (("csv", rows.to_csv), ("json", rows.to_json), ("parquet", rows.to_parquet)):
        path = tmp_path / "ag_news" / f"test.{name}"
        export(str(path))
        assert [fields["text"] for fields, _ in read(tmp_path)] == TEXTS
        path.unlink()
