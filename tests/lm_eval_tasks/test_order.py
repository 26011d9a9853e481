"""`order=balanced`: with a limit, every gold label equally often."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from faithful_se.errors import UsageError
from lm_eval_tasks.data import dataset_spec, load
from lm_eval_tasks.order import balanced_order, ordered
from lm_eval_tasks.read_options import read_options
from lm_eval_tasks.rule_models import RuleLM
from tests.lm_eval_tasks.evaluations import TASK
from tests.tiny_data import write_data
from training.attribution.cli import TextOptions
from training.attribution.inputs import from_dataset

CLASSES = [list("aab"), list("aaaaaaaabbbc"), list("cba" * 7), ["x"], ["x"] * 5, list("abcdefgh"), [0, 4, 4, 4], []]


def test_it_is_a_permutation_that_takes_classes_in_turn():
    for classes in CLASSES:
        for seed in range(5):
            order = balanced_order(classes, seed)
            assert sorted(order) == list(range(len(classes)))
            sizes = Counter(classes)
            for count in range(len(classes) + 1):
                drawn = Counter(classes[index] for index in order[:count])
                # No class is more than one ahead of another that still has members.
                waiting = [drawn[name] for name, size in sizes.items() if drawn[name] < size]
                assert not waiting or max(drawn.values(), default=0) - min(waiting) <= 1


def test_a_seed_is_an_order_and_another_seed_another_one():
    classes = [index % 3 for index in range(60)]
    orders = [balanced_order(classes, seed) for seed in (0, 0, 1, 2, 3)]
    assert orders[0] == orders[1]
    assert len(set(map(tuple, orders))) == 4
    assert balanced_order([0, 0, 0, 1, 1, 2], 7) == [3, 2, 5, 4, 0, 1]


def test_a_constant_model_scores_one_of_k_for_every_limit_that_is_a_multiple(tmp_path, evaluate):
    """The file begins with nine tweets of one label, as the issue's texts do."""
    rows = [{"text": f"tweet {number} today", "sentiment": 0 if number < 9 else 4} for number in range(14)]
    (tmp_path / "sentiment140").mkdir()
    (tmp_path / "sentiment140" / "test.jsonl").write_text("\n".join(map(json.dumps, rows)))
    balanced = {"order": "balanced", "order_seed": 10}
    for limit, options, expected in ((8, {}, 1), (4, balanced, 0.5), (10, balanced, 0.5)):
        results = evaluate(RuleLM("constant"), tmp_path, TASK, limit, **options)
        accuracy = results["results"][TASK]["acc,none"]
        assert {accuracy, 1 - accuracy} == {expected, 1 - expected}
    recorded = results["configs"][TASK]["metadata"]["faithful_se"]
    assert (recorded["order"], recorded["order_seed"]) == ("balanced", 10)
    assert [row["doc_id"] for row in results["samples"][TASK]] == list(range(10))


def test_attribute_takes_the_texts_of_the_evaluation(tmp_path):
    folder = write_data(tmp_path, 30, splits=("test", "train"))
    spec = dataset_spec("snli")
    options = read_options("t", {}, {"data": str(folder), "order": "balanced", "order_seed": "3"})
    rows = ordered(load(spec, str(folder)), spec, "balanced", 3)
    source = from_dataset(dataset_spec("snli"), options, "test", 12)
    assert [document.fields for document in source.documents] == [spec.document(row).fields for row in rows][:12]
    assert Counter(document.gold for document in source.documents) == dict.fromkeys(spec.question.labels, 4)


def test_the_place_of_the_right_choice_is_balanced(tmp_path):
    (tmp_path / "cos_e").mkdir()
    rows = [
        {"question": f"where is {number} then", "choices": [f"a{number}", f"b{number}"], "answer": f"a{number}"}
        for number in range(6)
    ] + [{"question": "where is it", "choices": ["a", "b"], "answer": "b"}] * 3
    (tmp_path / "cos_e" / "test.jsonl").write_text("\n".join(map(json.dumps, rows)))
    spec = dataset_spec("cos_e")
    documents = map(spec.document, ordered(load(spec, str(tmp_path)), spec, "balanced", 0))
    assert Counter(document.labels.index(document.gold) for document in list(documents)[:6]) == {0: 3, 1: 3}


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"order": "random"}, "order='random': give one of file, balanced"),
        ({"order": "balanced", "order_seed": -1}, "order_seed=-1: give a whole number from 0"),
        ({"order": "balanced", "order_seed": "x"}, "order_seed='x': give a whole number from 0"),
        ({"order": "balanced", "order_seed": 1.5}, "order_seed=1.5: give a whole number from 0"),
        ({"order": "balanced", "order_seed": True}, "order_seed=True: give a whole number from 0"),
        ({"order_seed": 3}, "order_seed=3 is for order=balanced: leave it out"),
        ({"order_sed": 3}, "no such option; did you mean order_seed"),
    ],
)
def test_options_that_make_no_order(options, line):
    with pytest.raises(UsageError) as error:
        read_options("t", {}, options)
    assert line in str(error.value)


def test_samples_count_in_the_order_of_the_file(data, evaluate):
    with pytest.raises(UsageError, match="--samples counts documents in the order of the file: leave order=balanced"):
        evaluate(RuleLM(), data, TASK, None, {"samples": {TASK: [1, 2]}}, order="balanced")


def test_the_order_of_a_file_without_labels(tmp_path):
    with pytest.raises(UsageError, match="--order is for --tasks without --file: leave it out"):
        TextOptions("m", tmp_path, file=tmp_path / "rows.jsonl", labels=("a", "b"), order="balanced")
