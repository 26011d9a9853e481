"""Labels as they come: each answer is read as its label, or one line says which is not."""

from __future__ import annotations

import json

import pytest
from lm_eval.tasks import TaskManager

from faithful_se.errors import UsageError
from lm_eval_tasks.calls import Classify
from lm_eval_tasks.classification import Question
from lm_eval_tasks.label_checks import ranking_problem, reading_problem
from lm_eval_tasks.label_reading import parse_label
from lm_eval_tasks.lm_eval_backend import CLASSIFY_TOKENS, Backend
from lm_eval_tasks.new_tasks.report import reading_table
from lm_eval_tasks.rule_models import RuleLM
from tests.lm_eval_tasks.new_tasks.conftest import run_new

COMPANY = "Credit reporting, credit repair services, or other personal consumer reports"
READABLE = {
    "several words": [COMPANY, "Debt collection", "Money transfer, virtual currency, or money service", "Student loan"],
    "prefixes": ["card", "card fraud", "card not working", "cards"],
    "25": [f"label {number}" for number in range(25)],
    "letters": list("ABCD"),
    "numbers": [str(number) for number in range(11)],
    "signed": ["-1", "0", "1"],
    "shares": ["10%", "20%"],
    "yes and no": ["yes", "no", "maybe"],
    "truth": ["true", "false"],
    "denied": ["helpful", "not helpful"],
    "denied twice": ["very helpful", "helpful", "not helpful", "not very helpful"],
    "no": ["issue", "no issue"],
    "non": ["toxic", "non-toxic"],
    "un": ["happy", "unhappy", "not happy"],
    "programs": ["C", "C++", "C#"],
    "brackets": ["bug (UI)", "bug (API)", "feature"],
    "Roman": ["I", "II", "III", "IV"],
    "Chinese": ["好", "坏"],
    "emoji": ["yes 😀", "no 😡"],
}


def question(labels, noun="text", language="en"):
    return Question("", noun, "", ("text",), ("Text",), tuple(labels), language=language)


@pytest.mark.parametrize("labels", READABLE.values(), ids=READABLE)
def test_every_label_is_read_as_itself(labels):
    assert reading_problem(labels) == ""
    heading, *rows = reading_table(question(labels))
    assert heading.endswith("is read as (= X, - none)")
    for label, row in zip(labels, rows, strict=True):
        assert row.removeprefix(label).split()[:4] == ["="] * 4


def test_the_table_shows_what_a_denial_is_read_as():
    _, helpful, unhelpful = reading_table(question(["helpful", "not helpful"], "review"))
    assert helpful.endswith("not helpful")
    assert unhelpful.endswith("-")


def test_the_table_is_in_the_language_of_the_dataset():
    heading, good, bad = reading_table(question(["gut", "schlecht"], language="de"))
    forms = ["X", '"X"', "**X**", "Antwort: X", "Der Text ist X.", "Er ist nicht X.", "is read as (= X, - none)"]
    assert heading == "  ".join(["an answer that names", *forms])
    assert (good.split(), bad.split()) == (["gut", *"=====-"], ["schlecht", *"=====-"])
    _, good, bad = reading_table(question(["好", "坏"], language="zh"))
    assert (good.split(), bad.split()) == (["好", *"=====-"], ["坏", *"=====-"])


def test_labels_that_cannot_be_read():
    problem = "the answer '<think>late' is read as no label: call the label something else"
    assert reading_problem(["<think>late", "on time"]) == problem


@pytest.mark.parametrize(
    "labels", [("is it late?", "on time"), ("St. Louis", "New York"), ("yes; but", "yes"), ("No. Never.", "No.")]
)
def test_a_label_with_stops_is_read_where_it_is_all_of_a_line(labels):
    for label in labels:
        for answer in (label, f"Answer: {label}", f'"{label}"', f"**{label}**", f"{label}\n\nThe text says so."):
            assert parse_label(answer, labels) == label


def test_ranked_labels_that_begin_others():
    assert ranking_problem(["positive", "negative"]) == ranking_problem(["card", "cards"]) == ""
    assert ranking_problem(["helpful", "not helpful"]) == ""
    assert ranking_problem(["1", "10"]) == "'1' begins '10', which can never be likelier"
    assert ranking_problem(["好", "好吃"]) == "'好' begins '好吃', which can never be likelier"


def test_a_task_with_such_labels_is_not_ranked(write, tmp_path):
    labels = ("card", "card fraud")
    path = write("cards.csv", "text,label", *(f"a text {n},{labels[n % 2]}" for n in range(10)))
    assert run_new(path, "--text", "text", "--label", "label", "--out", tmp_path / "tasks").status == 0
    task = "faithful_se_cards_attribution_oneword"
    manager = TaskManager(include_defaults=False, include_path=str(tmp_path / "tasks"))
    assert manager.load(task)["tasks"][task].spec.question.labels == labels
    manager = TaskManager(
        include_defaults=False, include_path=str(tmp_path / "tasks"), metadata={"classifier": "loglikelihood"}
    )
    with pytest.raises(UsageError) as error:
        manager.load(task)
    assert str(error.value) == (
        f"{task}: classifier=loglikelihood: 'card' begins 'card fraud', which can never be likelier: give "
        "classifier=generate, or calibrated"
    )


class CountingLM(RuleLM):
    """Keeps the room of generations; without a tokenizer."""

    def __init__(self):
        super().__init__()
        self.rooms = []

    def generate_until(self, requests, disable_tqdm=False):
        self.rooms += [request.args[1]["max_gen_toks"] for request in requests]
        return ["" for _ in requests]


@pytest.mark.parametrize(("labels", "room"), [(("no", "yes"), CLASSIFY_TOKENS), (("no", COMPANY), 32)])
def test_a_long_label_has_room(labels, room):
    lm = CountingLM()
    Backend(lm, lambda messages: json.dumps(messages)).respond([Classify((("user", "?"),), labels, False)])
    assert lm.rooms == [room]
