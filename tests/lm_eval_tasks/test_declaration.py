"""Mistakes in the YAML of a dataset: each is one line at the start that names the task, the key and the remedy."""

from __future__ import annotations

import copy

import pytest
import yaml

from faithful_se.errors import UsageError
from faithful_se.task_settings import task_of
from lm_eval_tasks.data import DatasetSpec, read_declaration
from lm_eval_tasks.declaration import label_problem
from lm_eval_tasks.write_tasks import task_files
from training.attribution.inputs import question_of

GOOD = yaml.safe_load("""
dataset_path: none
test_split: test
metadata:
  version: 1.0
  faithful_se:
    dataset: my_reviews
    folder: my_reviews
    noun: review
    question: Is the following review bad or good?
    fields: [review]
    titles: [Review]
    label_column: stars
    label_values: [1, 5]
    labels: [bad, good]
    drop_label_values: [3]
""")
GONE = "(the key is missing)"

# What stands in the YAML -> what the line says after "t: metadata.faithful_se.".
BROKEN = [
    (
        "labels: [good, Good]",
        "labels: the label good is given twice: 'Good' differs from it by case, blanks",
    ),
    ("labels: [bad, bad]", "labels: the label bad is given twice: give each once"),
    ('labels: ["sehr gut", "sehr  gut"]', "labels: the label sehr gut is given twice: 'sehr  gut' differs"),
    ('labels: ["Qualität", "Qualita\\u0308t"]', "labels: the label Qualität is given twice"),
    ("labels: [STRASSE, straße]", "labels: the label STRASSE is given twice"),
    ("labels: [not spam, not_spam]", "labels: the label not spam is given twice: 'not_spam' differs"),
    ('labels: ["+", "-"]', "labels: '+' has no letter and no digit, so that no answer can be read as it: give a word"),
    ("labels: [bad]", "labels: bad: give two or more to choose from"),
    ("labels: []", "labels: none: give two or more"),
    ("labels: delivery", "labels: is 'delivery', no list: write [delivery, …], or [] for none"),
    ("labels: {bad: 1, good: 5}", "labels: is {'bad': 1, 'good': 5}, no list: write […, …]"),
    ("labels: [yes, no]", "labels: True is no text: YAML reads yes, no, on and off as true or false, so put labels"),
    ("labels: [1, 5]", "labels: 1 is no text: put labels in quotes"),
    ('labels: [bad, ""]', "labels: '' is empty, or has blanks around it or a line break: give plain text"),
    ('labels: [bad, "good "]', "labels: 'good ' is empty, or has blanks around it"),
    ('labels: [bad, "go\\nod"]', "labels: 'go\\nod' is empty, or has blanks around it or a line break"),
    ("lables: [bad, good]", "lables: no such key; did you mean labels?"),
    ("label: [bad, good]", "label: no such key; did you mean labels?"),
    ("prompt: Is it?", "prompt: no such key; did you mean prompts?"),
    *((f"{key}: {GONE}", f"{key}: is missing") for key in GOOD["metadata"]["faithful_se"]),
    ("label_values: [1]", "label_values: 1 values for the 2 labels bad, good: give one a label, in that order"),
    ("label_values: [1, 2, 5]", "label_values: 3 values for the 2 labels"),
    ("label_values: [1, 1]", "label_values: 1 is given twice: give each once"),
    ("label_values: 15", "label_values: is 15, no list: write [15, …]"),
    ("label_values: [[1], [5]]", "label_values: [1] is no code of a label: give numbers or texts"),
    ("drop_label_values: 3", "drop_label_values: is 3, no list: write [3, …], or [] for none"),
    ("drop_label_values: [5]", "drop_label_values: 5 is the value of a label, too: leave it out of one of the two"),
    ("fields: review", "fields: is 'review', no list: write [review, …]"),
    ("fields: []", "fields: is empty: give at least one"),
    ("fields: [review, review]", "fields: ['review', 'review']: give each once"),
    ("fields: [review, title]", "titles: 1 titles for the fields review, title: give one a field"),
    ("fields: [stars]", "fields: 'stars' is the column of the label, too: a prompt would show the answer"),
    ("titles: Review", "titles: is 'Review', no list"),
    ("titles: [7]", "titles: one is 7: give a text, in quotes where YAML reads something else"),
    ('noun: ""', "noun: is empty: give a text"),
    ('question: "  "', "question: is empty: give a text"),
    ("question: [Is it]", "question: is ['Is it']: give a text, in quotes"),
    ("dataset: 2024", "dataset: is 2024: give a text, in quotes"),
    ("label_column:", "label_column: is None: give a text"),
    ("choices: options", "labels: choices are labels of each row, so that these have no effect: give []"),
    ("choices: 3", "choices: is 3: give the column that holds the list of choices, or a list with one column for each"),
    ("choices: [a]", "choices: is one column: give its name, without a list"),
    ("choice_names: [1, 2]", "choice_names: is for multiple choice: declare choices, or leave it out"),
    ("labels_column: choices", "labels_column: is called choices now"),
    (
        "hub_splits: validation",
        "hub_splits: is 'validation': give the hub's names of splits, such as",
    ),
    ("hub_splits: {tset: validation}", "hub_splits: tset is no split: there are train, validation, test"),
    ("rationale: marked", "rationale: is 'marked': give one of token_indices, selected_text"),
    ("synonyms: [poor]", "synonyms: ['poor']: give a list of phrases for each label"),
    ("synonyms: {bad: poor}", "synonyms: bad: 'poor': give a list of phrases"),
    ("synonyms: {goood: [fine]}", "synonyms: 'goood' is not a label; the labels are bad, good"),
    ("synonyms: {neutral: [so so]}", "synonyms: 'neutral' is not a label; the labels are bad, good"),
    ("synonyms: {bad: [poor, 3]}", "synonyms: bad: ['poor', 3]: give a list of phrases"),
    ("synonyms: {bad: [Good]}", "synonyms: 'Good' names 'good' already: leave it out"),
    ("synonyms: {bad: [meh], good: [MEH]}", "synonyms: 'MEH' names 'bad' already: leave it out"),
]


def read(**changes):
    config = copy.deepcopy(GOOD)
    for key, value in changes.items():
        if value == GONE:
            del config["metadata"]["faithful_se"][key]
        else:
            config["metadata"]["faithful_se"][key] = value
    return DatasetSpec.from_config(config, "t")


def test_a_mistake_is_one_line_with_task_key_and_remedy():
    for text, line in BROKEN:
        with pytest.raises(UsageError) as error:
            read(**yaml.safe_load(text))
        assert str(error.value).startswith(f"t: metadata.faithful_se.{line}"), (text, str(error.value))
        assert "\n" not in str(error.value)


def test_what_may_be_declared_is_read():
    assert read().question.labels == ("bad", "good")
    for changes in (
        {"synonyms": {"bad": ["poor", "not good"], "good": []}},
        {"hub_splits": {"test": "validation"}, "rationale": "selected_text"},
        {"label_values": ["1", None], "drop_label_values": []},
        {"label_values": [True, False]},
        {"style": "attribution", "budget": "oneword", "classifier": "loglikelihood"},
        {"labels": ["entailment", "not entailment"]},
        {"choices": "choices", "labels": [], "label_values": []},
        {"choices": "options.text", "choice_names": "options.key", "labels": GONE, "label_values": GONE},
        {"choices": ["one", "two"], "choice_names": ["1", "2"], "labels": [], "label_values": []},
    ):
        assert read(**changes).question.dataset == "my_reviews"


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("dataset_path", None, "t: dataset_path: give the dataset's name on the hub, or none for texts from data=DIR"),
        ("test_split", None, "t: test_split: is None: give test; where the hub calls it otherwise"),
        ("test_split", "validation", "metadata.faithful_se.hub_splits: {test: validation}"),
        ("metadata", {"version": 1.0}, "t: metadata.faithful_se: is missing: it declares noun, question, fields"),
        ("metadata", None, "t: metadata.faithful_se: is missing"),
        ("metadata", {"faithful_se": ["noun"]}, "t: metadata.faithful_se: is missing"),
    ],
)
def test_mistakes_around_the_declaration(key, value, line):
    with pytest.raises(UsageError) as error:
        DatasetSpec.from_config({**GOOD, key: value}, "t")
    assert line in str(error.value)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("metadata: [", "_dataset_yaml: cannot be read as YAML: while parsing"),
        ("", "_dataset_yaml: is empty, or no mapping"),
        ("- a", "_dataset_yaml: is empty, or no mapping"),
        (b"noun: caf\xe9", "_dataset_yaml: cannot be read as YAML"),
    ],
)
def test_a_file_that_is_no_declaration(tmp_path, content, line):
    path = tmp_path / "_dataset_yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UsageError) as error:
        read_declaration(path)
    assert line in str(error.value) and "\n" not in str(error.value)


def test_the_writer_of_task_files_checks_first(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "_dataset_yaml").write_text(yaml.safe_dump(GOOD).replace("- good", "- Bad"))
    with pytest.raises(UsageError, match=r"mine/_dataset_yaml: metadata\.faithful_se\.labels: the label bad is given"):
        task_files(tmp_path)


LABELS = [
    (["good", "Good"], "the label good is given twice"),
    (["good", "good"], "the label good is given twice"),
    (["good"], "good: give two or more to choose from"),
    (["good", " bad"], "' bad' is empty, or has blanks around it"),
    (["é", "e\u0301"], "the label é is given twice"),
    (["good", ""], "'' is empty"),
]


@pytest.mark.parametrize(("labels", "problem"), LABELS)
def test_labels_are_checked_alike_everywhere(labels, problem):
    assert label_problem(labels).startswith(problem)
    with pytest.raises(UsageError, match=f"--labels {problem}"):
        question_of(labels)
    with pytest.raises(UsageError, match=f"evaluate: labels=.*: {problem}"):
        task_of("evaluate", ("text",), {"labels": labels})


def test_unknown_is_offered_once():
    labels = ["known", "Unknown"]
    assert label_problem(labels) == ""
    assert label_problem(labels, unknown=True).startswith('"unknown" is among them already')
    with pytest.raises(UsageError, match="is among them already"):
        task_of("evaluate", ("text",), {"labels": labels, "unknown": True})
