"""Reading data: which rows are read, which are left out with a message, and one clear line for a mistake."""

from __future__ import annotations

import json
import logging
from dataclasses import replace

import datasets
import pytest

from faithful_se.errors import UsageError
from lm_eval_tasks.data import dataset_spec, hub_commit, load
from lm_eval_tasks.rule_models import RuleLM

GOOD = {"premise": "A man sleeps.", "hypothesis": "A man is awake.", "label": 2}


@pytest.fixture
def folder(tmp_path):
    """`folder(rows)` writes snli/test.jsonl and returns the folder; rows are objects or raw lines."""

    def write(*rows, name="snli"):
        (tmp_path / name).mkdir(exist_ok=True)
        lines = [row if isinstance(row, (str, bytes)) else json.dumps(row) for row in rows]
        raw = b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines)
        (tmp_path / name / "test.jsonl").write_bytes(raw)
        return str(tmp_path)

    return write


@pytest.mark.parametrize(
    ("dataset", "rows", "fields"),
    [
        ("sentiment140", 1000, 1), ("snli", 1000, 2), ("agnews", 1000, 1), ("trec", 500, 1), ("sms_spam", 300, 1),
        ("sst2", 1000, 1), ("rte", 277, 2), ("tweet_irony", 784, 1), ("tweet_emotion", 1000, 1), ("subj", 1000, 1),
        ("rotten_tomatoes", 1000, 1), ("esnli", 1000, 2), ("tweet_extraction", 1000, 1), ("cos_e", 500, 1),
    ],
)  # fmt: skip
def test_real_data_is_read_completely(real_data, dataset, rows, fields):
    spec = dataset_spec(dataset)
    table = load(spec, str(real_data))
    documents = [spec.document(row) for row in table]
    assert len(documents) == rows
    assert all(len(document.fields) == fields and document.words for document in documents)
    if spec.choices:
        assert all(document.gold in document.labels and len(document.labels) == 3 for document in documents)
    else:
        assert {document.gold for document in documents} == set(spec.question.labels)


def test_labels_and_fields_of_a_row(folder):
    spec = dataset_spec("snli")
    document = spec.document(load(spec, folder({**GOOD, "more": 1}))[0])
    assert document.fields == {"premise": "A man sleeps.", "hypothesis": "A man is awake."}
    assert document.gold == "contradiction"


def test_pairs_without_gold_label_are_dropped_and_counted(folder, caplog):
    caplog.set_level(logging.INFO)
    assert len(load(dataset_spec("snli"), folder(GOOD, {**GOOD, "label": -1}, GOOD))) == 2
    assert "1 of 3 rows left out: label in [-1]" in caplog.text


def test_neutral_tweets_are_dropped(folder):
    rows = [{"text": f"t{code}", "sentiment": code} for code in (0, 2, 4)]
    table = load(dataset_spec("sentiment140"), folder(*rows, name="sentiment140"))
    assert table["text"] == ["t0", "t4"]


def test_an_empty_text_stays_a_document(folder):
    table = load(dataset_spec("snli"), folder({**GOOD, "premise": None}, {**GOOD, "premise": ""}))
    assert [dataset_spec("snli").document(row).fields["premise"] for row in table] == ["", ""]


def test_broken_characters_do_not_lose_a_run(folder, caplog):
    """A lone surrogate is legal in JSON and in no file; a byte that is not UTF-8 is legal in neither."""
    table = load(
        dataset_spec("snli"), folder('{"premise": "a \\ud800 b", "hypothesis": "c", "label": 0}', json.dumps(GOOD))
    )
    assert table["premise"][0] == "a ? b"
    assert "1 rows hold broken characters" in caplog.text
    table = load(dataset_spec("agnews"), folder(b'{"text": "a \xff b", "label": 0}', name="ag_news"))
    assert table["text"][0] == "a \ufffd b"


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        (["\n\n"], "snli/test.jsonl: the file is empty"),
        ([GOOD, '{"premise": '], "snli/test.jsonl: line 2 is not JSON: Expecting value at column 13"),
        (["[1, 2]"], "snli/test.jsonl: line 1 is not a JSON object"),
        ([{"premise": "a", "label": 1}], "snli/test.jsonl: no column hypothesis (columns: premise, label)"),
        ([GOOD, {"premise": "a", "label": 1}], "snli/test.jsonl: row 2 has no column hypothesis, other rows have"),
        (
            [GOOD, {**GOOD, "label": 7}],
            "snli/test.jsonl: row 2: label is 7, not one of 0 (entailment), 1 (neutral), 2 (contradiction)",
        ),
        (
            [{**GOOD, "label": "2"}],
            "snli/test.jsonl: row 1: label is '2', not one of 0 (entailment), 1 (neutral), 2 (contradiction)",
        ),
        ([{**GOOD, "label": [2]}], "snli/test.jsonl: row 1: label is [2], not one of"),
        ([{**GOOD, "label": -1}], "snli/test.jsonl: no rows with a label that snli asks about"),
    ],
)
def test_wrong_data_is_one_clear_line(folder, rows, line):
    with pytest.raises(UsageError) as error:
        load(dataset_spec("snli"), folder(*rows))
    assert line in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_folder(tmp_path):
    with pytest.raises(
        UsageError, match=r"data=.*nowhere: no file .*nowhere/snli/test.jsonl: data is hub, mini, or a folder"
    ):
        load(dataset_spec("snli"), str(tmp_path / "nowhere"))


def test_a_dataset_without_mini_data():
    with pytest.raises(UsageError, match=r"data=mini: there is no mini data of sst2. --tasks faithful-se-mini takes"):
        load(dataset_spec("sst2"), "mini")


QUESTION = {"question": "Where is the table?", "choices": ["kitchen", "dining room"], "answer": "kitchen"}


def test_a_row_with_labels_of_its_own(folder):
    rows = [QUESTION, {**QUESTION, "choices": ["a park", "Kitchen", "kitchens", "bed"], "answer": "bed"}]
    spec = dataset_spec("cos_e")
    first, second = map(spec.document, load(spec, folder(*rows, name="cos_e")))
    assert (first.labels, first.gold, first.context) == (("A", "B"), "A", {"A": "kitchen", "B": "dining room"})
    assert (second.labels, second.gold) == (("A", "B", "C", "D"), "D")


@pytest.mark.parametrize(
    ("row", "line"),
    [
        ({"answer": "garden"}, "cos_e/test.jsonl: row 1: answer is 'garden', not one of kitchen, dining room"),
        ({"choices": ["kitchen"]}, "row 1: choices is ['kitchen']: kitchen: give two or more to choose from"),
        (
            {"choices": ["tea pot", "tea-pot", "kitchen"]},
            "the label tea pot is given twice: 'tea-pot' differs from it by case, blanks, hyphens or Unicode form only",
        ),
        ({"choices": ["kitchen", "Kitchen", "bed"]}, "row 1: choices is ['kitchen', 'Kitchen', 'bed']: the label"),
        ({"choices": None}, "row 1: choices is []: none: give two or more"),
    ],
)
def test_wrong_choices_are_one_clear_line(folder, row, line):
    with pytest.raises(UsageError) as error:
        load(dataset_spec("cos_e"), folder({**QUESTION, **row}, name="cos_e"))
    assert line in str(error.value)


def test_choices_are_wanted(folder):
    with pytest.raises(UsageError, match=r"no column choices \(columns: question, answer\)"):
        load(dataset_spec("cos_e"), folder({"question": "a b", "answer": "c"}, name="cos_e"))


def test_rows_without_the_words_people_marked_are_read_and_said(folder, caplog):
    spec = dataset_spec("esnli")
    (row,) = load(spec, folder({**GOOD, "label": 1}, name="esnli"))
    assert spec.document(row).rationale is None
    assert "no row says which words people marked: plausibility is not measured" in caplog.text


def test_one_row_with_marked_words_is_enough(folder, caplog):
    marked = {**GOOD, "premise_rationale": [], "hypothesis_rationale": [3]}
    spec = dataset_spec("esnli")
    rows = load(spec, folder({**marked, "hypothesis_rationale": []}, marked, name="esnli"))
    assert [spec.document(row).rationale for row in rows] == [None, (6,)]
    assert "plausibility" not in caplog.text


def test_an_unreachable_hub():
    with pytest.raises(UsageError) as error:
        load(dataset_spec("sentiment140"), "hub")
    assert "cannot read stanfordnlp/sentiment140 (sentiment140, revision refs/convert/parquet) on the hub" in str(
        error.value
    )
    assert "--metadata sentiment140_revision=…" in str(error.value)
    assert "data=DIR" in str(error.value)


def test_a_local_dataset_of_the_hubs_layout(tmp_path, monkeypatch, caplog):
    """The hub's own code path, on parquet files of the same layout."""
    columns = {"premise": ["A man sleeps."] * 2, "hypothesis": ["He is awake."] * 2, "label": [2, -1]}
    (tmp_path / "plain_text").mkdir()
    datasets.Dataset.from_dict(columns).to_parquet(str(tmp_path / "plain_text" / "test-00000-of-00001.parquet"))
    card = (
        "---\nconfigs:\n- config_name: plain_text\n  data_files:\n  - split: test\n    path: plain_text/test-*\n---\n"
    )
    (tmp_path / "README.md").write_text(card)
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    spec = replace(dataset_spec("snli"), hub=(str(tmp_path), "plain_text", None))
    assert load(spec, "hub")["label"] == [2]
    assert "is not pinned: the default branch can change. Pin a commit with --metadata snli_revision=…" in caplog.text


COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """The hub, played by two questions of trec that `datasets` keeps as it keeps those of the hub."""
    columns = {"text": ["Who is there ?", "Where is it ?"], "coarse_label": [3, 4]}
    folder = tmp_path / "trec" / "default" / "0.0.0" / COMMIT
    datasets.Dataset.from_dict(columns).save_to_disk(str(folder))
    monkeypatch.setattr(datasets, "load_dataset", lambda *args, **kwargs: datasets.load_from_disk(str(folder)))
    load.cache_clear()
    yield
    load.cache_clear()


@pytest.mark.parametrize("revision", [None, COMMIT])
def test_a_run_on_the_hub_records_its_commit_and_says_what_is_not_pinned(hub, evaluate, caplog, revision):
    task = "faithful_se_trec_attribution_oneword"
    options = {"trec_revision": revision} if revision else {}
    results = evaluate(RuleLM(), "hub", task, **options)
    assert results["configs"][task]["metadata"]["dataset_commit"] == COMMIT
    message = (
        "CogComp/trec (default, revision refs/convert/parquet) on the hub is not pinned: refs/convert/parquet can "
        "change. Pin a commit with --metadata trec_revision=…"
    )
    assert caplog.messages.count(message) == (revision is None)


def test_rows_of_a_file_have_no_commit(folder):
    assert hub_commit(load(dataset_spec("snli"), folder(GOOD))) is None


def test_an_unknown_dataset_names_the_known_ones():
    with pytest.raises(UsageError, match=r"no dataset 'sst'; there are agnews, .*snli"):
        dataset_spec("sst")


def test_a_dataset_that_is_on_no_hub_says_where_its_rows_belong():
    path = ("none", None, None)
    with pytest.raises(UsageError, match="sst2 is on no hub, and there is no test"):
        load(replace(dataset_spec("sst2"), hub=path), "hub")
