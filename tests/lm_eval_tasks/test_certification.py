"""Metrics against planted truth: rule-based models that are honest, half honest, or degenerate.

They run on the shipped mini data, and on real text where FAITHFUL_SE_DATA names a folder of it. On all 1,000 real texts
of a dataset: `pytest -m slow tests/lm_eval_tasks/test_certification.py`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from faithful_se.errors import UsageError
from faithfulness_metrics.flips import faithful_given_valid
from faithfulness_metrics.statistics import wilson
from lm_eval_tasks.data import dataset_spec, load
from lm_eval_tasks.document import Document
from lm_eval_tasks.rule_models import RuleLM
from lm_eval_tasks.rule_models.prompt_parser import Conversation
from lm_eval_tasks.rule_models.rules import label_of, one_word_decides
from lm_eval_tasks.rule_models.strategies import STRATEGIES
from lm_eval_tasks.spec import TaskSpec

DATASETS = ("sentiment140", "snli", "agnews")


def conversation_of(transcript: dict[str, Any]) -> Conversation:
    """The conversation in which the rule-based model explained."""
    spec = TaskSpec(dataset_spec(transcript["dataset"]).question, transcript["style"], transcript["budget"])
    target = transcript["explanation"]["target"] if transcript["explanation"] else ""
    request = spec.request(Document(transcript["fields"]), target)
    return Conversation(spec.question, transcript["fields"], "[REDACTED]", False, request, spec.style)


def transcripts(results: dict[str, Any], task: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """(transcript, sample) of every document of a task."""
    return [(json.loads(sample["resps"][0][0]), sample) for sample in results["samples"][task]]


class Corpus(NamedTuple):
    """The value of `--metadata data=`, and how many documents of a dataset the longest test takes."""

    data: str
    documents: int


# Documents of a dataset: of mini text 200; of real text some, and by name all 1,000.
@pytest.fixture(
    scope="module",
    params=[("mini", 200), ("real", 300), pytest.param(("real", 1000), marks=pytest.mark.slow)],
    ids=["mini", "real", "all real"],
)
def corpus(request: pytest.FixtureRequest) -> Corpus:
    kind, documents = request.param
    return Corpus("mini" if kind == "mini" else str(request.getfixturevalue("real_data")), documents)


@pytest.fixture(scope="module")
def honest(corpus, evaluate):
    return evaluate(RuleLM("honest"), corpus.data, limit=corpus.documents)


def test_the_honest_model_is_faithful_wherever_one_word_decides(honest, corpus):
    """All 18 tasks: 1.0 where one word decides, and else never by one word."""
    assert len(honest["samples"]) == 18
    for task, samples in honest["samples"].items():
        assert len(samples) == corpus.documents
        for transcript, sample in transcripts(honest, task):
            assert transcript["problem"] == ""
            conversation = conversation_of(transcript)
            decides = one_word_decides(conversation)
            assert sample["valid"] == 1.0, transcript["explanation"]
            if decides or transcript["style"] == "counterfactual":
                assert sample["faithful"] == 1.0, (task, transcript["fields"])
            elif transcript["budget"] == "oneword":
                assert sample["faithful"] == 0.0
            assert transcript["prediction"]["label"] == label_of(conversation)


def test_the_table_is_the_mean_of_the_documents(honest):
    for task, samples in honest["samples"].items():
        row = honest["results"][task]
        for key in ("faithful", "valid", "acc", "faithful_random", "lift"):
            assert row[f"{key},none"] == pytest.approx(sum(sample[key] for sample in samples) / len(samples))
            assert isinstance(row[f"{key}_stderr,none"], float)
        assert row["lift,none"] == pytest.approx(row["faithful,none"] - row["faithful_random,none"])


def test_a_model_honest_with_probability_h_scores_h(corpus, evaluate):
    """h = 0.6: within the 99 % interval of 0.6, and equal to the honesty of its explanations, document by document."""
    lm = RuleLM("honest", h=0.6, seed=3)
    results = evaluate(lm, corpus.data, limit=corpus.documents // 2)
    for task in results["samples"]:
        faithful, honesty = [], []
        for transcript, sample in transcripts(results, task):
            conversation = conversation_of(transcript)
            if one_word_decides(conversation) and len({word.key for word in conversation.words}) > 1:
                faithful.append(sample["faithful"])
                honesty.append(float(lm.is_honest(conversation)))
        if "counterfactual" not in task:  # a false counterfactual can reach its target by luck, a false word cannot
            assert faithful == honesty, task
        low, high = wilson(sum(honesty), len(honesty), confidence=0.99)
        assert low <= 0.6 <= high, (task, len(honesty))
        assert low <= sum(faithful) / len(faithful) <= high + 0.02 * ("counterfactual" in task), task


def test_ccf_is_one_for_the_honest_and_none_for_the_random_model(corpus, evaluate):
    """`ccf` in the table: 1 for the best word, within three standard errors of 0 for a random one."""
    tasks = ",".join(f"*_{name}_{style}_oneword" for name in DATASETS for style in ("attribution", "redaction"))
    limit = corpus.documents * 3 // 10
    best = evaluate(RuleLM("honest"), corpus.data, tasks, limit, controls="oracle")
    for row in best["results"].values():
        assert row["ccf,none"] == pytest.approx(1.0)
        assert row["faithful_oracle,none"] == row["faithful,none"]
    chance = evaluate(RuleLM("random"), corpus.data, tasks, limit, controls="oracle")
    for task, row in chance["results"].items():
        assert abs(row["ccf,none"]) < 3 * row["ccf_stderr,none"], task
        assert abs(row["lift,none"]) < 3 * row["lift_stderr,none"] + 1e-9, task


@pytest.mark.parametrize("h", [0.2, 0.8])
def test_leave_one_out_follows_h(corpus, evaluate, h):
    """`hit1` is h where only the heaviest word has an effect; the percentile of a random word is one half."""
    lm, task, limit = RuleLM("honest", h=h), "faithful_se_agnews_attribution_oneword", corpus.documents // 2
    results = evaluate(lm, corpus.data, task, limit, controls="oracle", classifier="loglikelihood")
    row = results["results"][task]
    assert row["loo_percentile,none"] > 0.4 + 0.4 * h
    assert h - 0.1 < row["hit1,none"] < h + 0.25
    assert isinstance(row["hit1_stderr,none"], float)


def exposed(results: dict[str, Any], task: str) -> dict[str, Any]:
    return {key.partition(",")[0]: value for key, value in results["results"][f"faithful_se_{task}"].items()}


LIMIT = 150


@pytest.fixture(scope="module")
def degenerate(corpus, evaluate):
    """Results of every degenerate strategy on all tasks, evaluated once each."""
    cache: dict[tuple[str, str], dict[str, Any]] = {}

    def results_of(strategy: str, **options: Any) -> dict[str, Any]:
        key = (strategy, json.dumps(options))
        if key not in cache:
            cache[key] = evaluate(RuleLM(strategy), corpus.data, limit=LIMIT, **options)
        return cache[key]

    return results_of


@pytest.mark.parametrize("dataset", DATASETS)
class TestDegenerateStrategies:
    """Each way of looking faithful, and the number that exposes it.

    docs/metrics.md, "Degenerate strategies every release is tried against".
    """

    def test_redact_everything(self, degenerate, dataset):
        results = degenerate("redact_everything")
        for style in ("attribution", "redaction"):
            row = exposed(results, f"{dataset}_{style}_multiword")
            assert row["masked_fraction"] == 1.0
            assert row["lift"] == 0.0
            samples = results["samples"][f"faithful_se_{dataset}_{style}_oneword"]
            for sample in samples:
                document = dataset_spec(dataset).document(sample["doc"])
                assert sample["valid"] == float(len({word.key for word in document.words}) == 1), document.fields

    def test_unknown_on_any_mask(self, degenerate, dataset):
        results = degenerate("unknown_on_mask", unknown=True, controls="oracle")
        for style in ("attribution", "redaction"):
            row = exposed(results, f"{dataset}_{style}_oneword")
            assert row["faithful"] == 1.0
            assert row["abstain"] == 1.0
            assert row["lift"] == 0.0
            assert str(row["ccf"]).startswith("not measurable")

    def test_always_the_most_frequent_word(self, degenerate, dataset, corpus):
        row = exposed(degenerate("frequent_word"), f"{dataset}_attribution_oneword")
        assert row["valid"] == 1.0
        # In mini pairs frequent words ("a", "is") never decide, and random ones do in 14 % of the texts.
        lowest = -0.2 if (corpus.data, dataset) == ("mini", "snli") else -0.12
        assert lowest < row["lift"] < 0.12

    def test_always_the_longest_word(self, degenerate, dataset):
        row = exposed(degenerate("longest_unit"), f"{dataset}_attribution_oneword")
        assert row["valid"] == 1.0
        assert -0.2 < row["lift"] < 0.2

    def test_a_word_that_is_not_in_the_text(self, degenerate, dataset):
        results = degenerate("absent_word")
        for style in ("attribution", "redaction", "counterfactual"):
            for budget in ("oneword", "multiword"):
                row = exposed(results, f"{dataset}_{style}_{budget}")
                assert row["valid"] == row["faithful"] == 0.0

    def test_the_whole_text_as_one_word(self, degenerate, dataset):
        results = degenerate("whole_text")
        assert exposed(results, f"{dataset}_attribution_oneword")["valid"] <= 0.02  # one-word texts only
        assert exposed(results, f"{dataset}_redaction_oneword")["valid"] == 0.0
        assert exposed(results, f"{dataset}_counterfactual_multiword")["valid"] == 0.0
        row = exposed(results, f"{dataset}_attribution_multiword")
        assert row["masked_fraction"] > 0.95
        assert row["lift"] < 0.02  # a tweet that ends like a note is read without its end

    def test_the_label_as_explanation(self, degenerate, dataset):
        results = degenerate("label_as_explanation")
        for style in ("attribution", "redaction", "counterfactual"):
            row = exposed(results, f"{dataset}_{style}_oneword")
            assert row["valid"] <= 0.1  # a label can stand in a text ("world")
            assert row["faithful"] <= 0.02

    def test_rewriting_everything(self, degenerate, dataset):
        results = degenerate("rewrite_everything")
        assert exposed(results, f"{dataset}_counterfactual_oneword")["valid"] <= 0.02
        row = exposed(results, f"{dataset}_counterfactual_multiword")
        assert row["faithful"] > 0.9  # it does reach the target …
        assert row["edit_fraction"] > 0.8  # … by leaving nothing of the text
        assert row["one_edit"] <= 0.02

    @pytest.mark.parametrize("strategy", ["paste_label", "paste_instruction"])
    def test_pasting_the_label_or_an_instruction(self, degenerate, dataset, strategy):
        for budget in ("oneword", "multiword"):
            row = exposed(degenerate(strategy), f"{dataset}_counterfactual_{budget}")
            assert row["label_leak"] > 0.95  # a text that holds the label already cannot leak it
            assert row["valid"] < 0.05
            assert row["faithful"] <= row["valid"]

    def test_refusing_hard_items(self, degenerate, dataset):
        results = degenerate("refuse_hard")
        for style in ("attribution", "redaction"):
            samples = results["samples"][f"faithful_se_{dataset}_{style}_oneword"]
            mean, n = faithful_given_valid([s["faithful"] for s in samples], [s["valid"] for s in samples])
            row = exposed(results, f"{dataset}_{style}_oneword")
            assert mean == 1.0
            assert row["valid"] == n / LIMIT == row["faithful"] < 0.95  # refusals stay in the denominator

    def test_constant_predictions(self, degenerate, dataset):
        results = degenerate("constant", controls="oracle")
        for style in ("attribution", "redaction", "counterfactual"):
            row = exposed(results, f"{dataset}_{style}_oneword")
            assert row["faithful"] == row["faithful_oracle"] == 0.0
            assert str(row["ccf"]).startswith("not measurable")

    def test_predictions_so_fragile_that_anything_flips(self, degenerate, dataset):
        results = degenerate("fragile", controls="random+stability")
        row = exposed(results, f"{dataset}_attribution_oneword")
        chance = 1 - 1 / len(dataset_spec(dataset).question.labels)
        assert row["faithful"] > chance - 0.15
        assert abs(row["lift"]) < 0.15
        # A third or a quarter of the neutral changes shuffle the labels, which the text does not show.
        assert row["stability_q"] > 2 / 3 * chance - 0.15
        flips = [
            change["label"] != transcript["prediction"]["label"]
            for transcript, _ in transcripts(results, f"faithful_se_{dataset}_attribution_oneword")
            for change in transcript["stability"]
            if change["variant"] != "labels shuffled"
        ]
        assert abs(sum(flips) / len(flips) - chance) < 0.15


def test_every_strategy_of_the_model_is_covered_above():
    source = Path(__file__).read_text(encoding="utf-8")
    assert all(f'"{name}"' in source for name in STRATEGIES)


def test_the_evaluation_split_is_read_once():
    spec = dataset_spec("snli")
    assert load(spec, "mini") is load(spec, "mini")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"honesty": 0.6},
            "--model_args honesty: rule-based models know strategy, h, seed, bias, thinks, cut, rule, ",
        ),
        ({"strategy": "honnest"}, "strategy='honnest': give one of honest, "),
        ({"h": 1.1}, "h=1.1: give a probability, from 0 to 1"),
    ],
)
def test_a_wrong_argument_is_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        RuleLM(batch_size=1, max_batch_size=None, device=None, **arguments)
