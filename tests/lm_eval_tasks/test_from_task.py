"""`faithful-se new --from-task`: text, question and choices of lm-eval's tasks, on rows in their columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import datasets
import lm_eval.tasks
import pytest
import yaml
from lm_eval.tasks import TaskManager

from faithful_se.errors import UsageError
from lm_eval_tasks.data import dataset_spec, load
from lm_eval_tasks.new_tasks import from_task as module
from lm_eval_tasks.new_tasks.cli import main
from lm_eval_tasks.new_tasks.from_task import dataset_name, from_task
from lm_eval_tasks.new_tasks.host_text import read_host_text

HOST = Path(lm_eval.tasks.__file__).parent

TWO = {"text": ["tea", "milk"], "label": ["A", "B"]}
# task, its folder or file, a row in its columns, (title: text) pairs, the question, the choices, the right one
HOST_TASKS: list[tuple[str, str, dict[str, Any], list[str], str, list[str], int]] = [
    ("boolq", "super_glue/boolq", {"passage": "Ice is cold.", "question": "is ice cold", "label": 1},
     ["Passage: Ice is cold.", "Question: is ice cold"], "Which of the answers", ["no", "yes"], 1),
    ("arc_easy", "arc", {"question": "What is hot?", "choices": TWO, "answerKey": "A"},
     ["Question: What is hot?"], "Which of the choices", ["tea", "milk"], 0),
    ("arc_challenge", "arc", {"question": "What is hot?", "choices": TWO, "answerKey": "B"},
     ["Question: What is hot?"], "Which of the choices", ["tea", "milk"], 1),
    ("openbookqa", "openbookqa", {"question_stem": "It is hot, so", "choices": TWO, "answerKey": "B"},
     ["Question stem: It is hot, so"], "Which of the choices", ["tea", "milk"], 1),
    ("piqa", "piqa", {"goal": "Make tea.", "sol1": "Boil it.", "sol2": "Freeze it.", "label": 0},
     ["Question: Make tea."], "Which of the choices", ["Boil it.", "Freeze it."], 0),
    ("hellaswag", "hellaswag",
     {"ctx_a": "A man sits.", "ctx_b": "he", "activity_label": "Tea", "endings": ["drinks.", "flies."], "label": "0"},
     ["Query: Tea: A man sits. He"], "Which of the choices", ["drinks.", "flies."], 0),
    ("sciq", "sciq", {"support": " It boils.", "question": "What boils?", "distractor1": "ice", "distractor2": "sand",
                      "distractor3": "wood", "correct_answer": "water"},
     ["Support: It boils.", "Question: What boils?"], "Which of the choices", ["ice", "sand", "wood", "water"], 3),
    ("sst2", "glue/sst2", {"sentence": "a fine film", "label": 1},
     ["Sentence: a fine film"], "Is this sentence positive or negative?", ["negative", "positive"], 1),
    ("rte", "glue/rte", {"sentence1": "It rains.", "sentence2": "It is wet.", "label": 0},
     ["Sentence1: It rains.", "Question: It is wet."], "True or False?", ["True", "False"], 0),
    ("cola", "glue/cola", {"sentence": "He go.", "label": 0},
     ["Sentence: He go."], "Does this sentence make sense?", ["no", "yes"], 0),
    ("mrpc", "glue/mrpc", {"sentence1": "He left.", "sentence2": "He went.", "label": 1},
     ["Sentence 1: He left.", "Sentence 2: He went."], "Do both sentences mean the same thing?", ["no", "yes"], 1),
    ("qnli", "glue/qnli", {"question": "Who left?", "sentence": "He left.", "label": 0},
     ["Question: Who left?", "Sentence: He left."], "Does this response answer the question?", ["yes", "no"], 0),
    ("wnli", "glue/wnli", {"sentence1": "It rains.", "sentence2": "It is wet.", "label": 1},
     ["Sentence1: It rains.", "Question: It is wet."], "True or False?", ["False", "True"], 1),
    ("cb", "super_glue/cb", {"premise": "It rains.", "hypothesis": "It is wet", "label": 2},
     ["Premise: It rains.", "Question: It is wet"], "True, False, or Neither?", ["True", "False", "Neither"], 2),
    ("wic", "super_glue/wic", {"sentence1": "A bat flies.", "sentence2": "A bat hits.", "start1": 2, "end1": 5,
                               "label": 0},
     ["Sentence 1: A bat flies.", "Sentence 2: A bat hits.",
      "Question: Is the word 'bat' used in the same way in the two sentences above?"],
     "Which of the answers", ["no", "yes"], 0),
    ("commonsense_qa", "commonsense_qa",
     {"question": "What is hot?", "choices": {"text": ["tea", "ice", "air", "sea", "moon"]}, "answerKey": "A"},
     ["Question: What is hot?"], "Which of the choices", ["tea", "ice", "air", "sea", "moon"], 0),
    ("social_iqa", "siqa", {"context": "Kim left.", "question": "Why?", "answerA": "late", "answerB": "sad",
                            "answerC": "ill", "label": "2"},
     ["Context: Kim left.", "Question: Why?"], "Which of the choices", ["late", "sad", "ill"], 1),
    ("anli_r1", "anli", {"premise": "It rains.", "hypothesis": "It is wet.", "label": 1},
     ["Premise: It rains.", "Question: It is wet."], "True, False, or Neither?", ["True", "Neither", "False"], 1),
    ("mmlu_anatomy", "mmlu/default", {"question": "Which is a bone? ", "choices": ["rib", "skin", "eye", "ear"],
                                      "answer": 0},
     ["Question: Which is a bone?"], "Which of the choices", ["rib", "skin", "eye", "ear"], 0),
    ("swag", "swag", {"startphrase": "He sits and", "ending0": "eats", "ending1": "flies", "ending2": "sings",
                      "ending3": "melts", "label": 2},
     ["Startphrase: He sits and"], "Which of the choices", ["eats", "flies", "sings", "melts"], 2),
    ("headqa_en", "headqa", {"qtext": "Which is a bone?", "ra": 2, "answers": [{"atext": "skin"}, {"atext": "rib"}]},
     ["Question: Which is a bone?"], "Which of the choices", ["skin", "rib"], 1),
    ("toxigen", "toxigen", {"text": "Hello there.", "toxicity_ai": 1.0, "toxicity_human": 1.0},
     ["Statement: Hello there."], "Is the following statement hateful? Respond with either Yes or No.",
     ["No", "Yes"], 0),
    ("ethics_cm", "hendrycks_ethics", {"input": "I stole it.", "label": 1},
     ["Input: I stole it."], "Is this wrong?", ["no", "yes"], 1),
    ("belebele_eng_Latn", "belebele",
     {"flores_passage": "Tea is hot.", "question": "What is hot?", "mc_answer1": "tea", "mc_answer2": "ice",
      "mc_answer3": "air", "mc_answer4": "sea", "correct_answer_num": "1"},
     ["Flores passage: Tea is hot.", "Question: What is hot?"], "Which of the choices",
     ["tea", "ice", "air", "sea"], 0),
]  # fmt: skip


@pytest.fixture(scope="module")
def manager() -> TaskManager:
    folders = sorted({str(HOST / folder) for _, folder, *_ in HOST_TASKS} | {str(HOST / "race"), str(HOST / "gsm8k")})
    return TaskManager(include_defaults=False, include_path=folders)


@pytest.fixture
def rows_of(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Replaces the hub: every split of every dataset holds these rows."""

    def replace(*rows: dict[str, Any]) -> None:
        names = ("train", "validation", "test", "train_r1", "dev_r1", "test_r1", "dev")
        splits = datasets.DatasetDict({name: datasets.Dataset.from_list(list(rows)) for name in names})
        monkeypatch.setattr(datasets, "load_dataset", lambda *names, **settings: splits)

    return replace


@pytest.mark.parametrize(("task", "folder", "row", "texts", "question", "choices", "right"), HOST_TASKS,
                         ids=[task for task, *_ in HOST_TASKS])  # fmt: skip
def test_text_question_and_choices_of_a_task(manager, rows_of, task, folder, row, texts, question, choices, right):
    rows_of(row)
    dataset = from_task(manager, task, "mine")
    spec = dataset.declaration.spec()
    document = spec.document(dataset.splits["test"][0])
    asked = spec.question.about(document)
    lines = asked.show(document.prompt_fields).split("\n")
    per_row = (
        [f"{letter}) {choice}" for letter, choice in zip("ABCDE", choices, strict=False)] if document.labels else []
    )
    assert lines == [*texts, *per_row]
    assert spec.question.question.startswith(question)
    assert list(asked.labels) == (list("ABCDE"[: len(choices)]) if per_row else choices)
    assert asked.labels.index(document.gold) == right


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        ("race", "race: doc_to_text is a function: no text column can be told from the question"),
        ("gsm8k", "gsm8k: output_type is generate_until: it has no choices to answer with"),
    ],
)
def test_a_task_whose_text_cannot_be_told_is_one_line(manager, task, reason):
    with pytest.raises(UsageError) as error:
        from_task(manager, task, "mine")
    assert str(error.value) == reason


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{% if a %}{{b}}{% endif %}", "has statements of Jinja"),
        ("Which one?", "shows no column: there is no text"),
        ("A. {{a}}\nB. {{b}}", "shows no column besides the choices"),
    ],
)
def test_templates_without_a_text(template, reason):
    with pytest.raises(UsageError, match=reason):
        read_host_text(template)


def test_the_command_writes_what_it_can_and_says_what_it_cannot(manager, rows_of, tmp_path, monkeypatch, capsys):
    """The folder is read by every command; rows without a right choice are left out and counted."""
    monkeypatch.setattr(module, "_task_manager", lambda: manager)
    row = {"question": "What is hot?", "choices": TWO, "answerKey": "A"}
    rows_of(row, {**row, "answerKey": "Z"}, {**row, "choices": {"text": ["x", "x"], "label": ["A", "B"]}})
    assert main(["--from-task", "arc_*", "race", "--out", str(tmp_path)]) == 0
    output, progress = capsys.readouterr()
    assert progress.splitlines()[0] == "looking through the tasks of lm-eval, which takes up to a minute …"
    assert {"reading arc_easy …", "reading race …"} < set(progress.splitlines())
    assert "race: left out: doc_to_text is a function" in output and "2 of 4 tasks written into" in output
    assert "rows left out: ValueError" in output and "the label x is given twice" in output
    config = yaml.safe_load((tmp_path / "host_arc_easy" / "_dataset_yaml").read_text())
    assert config["metadata"]["faithful_se"]["choices"] == "choices"
    spec = dataset_spec("host_arc_easy", tmp_path)
    document = spec.document(load(spec, spec.data("hub"))[0])
    assert (document.labels, document.gold, document.context) == (("A", "B"), "A", {"A": "tea", "B": "milk"})
    with pytest.raises(UsageError, match="--from-task: race: left out: doc_to_text is a function"):
        main(["--from-task", "race", "--out", str(tmp_path)])
    with pytest.raises(UsageError, match="--from-task nothing: lm-eval has no such task"):
        main(["--from-task", "nothing", "--out", str(tmp_path)])


def test_names_of_datasets():
    assert [dataset_name(name) for name in ("boolq", "rte", "ceval-valid_law", "1x")] == [
        "boolq",
        "host_rte",
        "ceval_valid_law",
        "host_1x",
    ]
