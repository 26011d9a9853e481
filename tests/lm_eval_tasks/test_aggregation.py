"""Standard errors of metrics that are no plain mean: beside their metric in the results, and nowhere else."""

from __future__ import annotations

import math

import pytest
from lm_eval.api.metrics import mean

from lm_eval_tasks.aggregation import Aggregation, stderr_for_metric
from lm_eval_tasks.rule_models import RuleLM

TASK = "faithful_se_agnews_attribution_oneword"
OWN_STDERR = ("ccf", "loo_percentile", "hit1", "redundant", "masked_fraction")
OPTIONS = {"controls": "oracle", "classifier": "loglikelihood"}


@pytest.mark.parametrize("bootstrap_iters", [0, 100_000])
def test_results_hold_no_standard_error_of_a_standard_error(evaluate, bootstrap_iters):
    """`bootstrap_iters=0` turns standard errors off, ours as well as lm-eval's."""
    settings = {"bootstrap_iters": bootstrap_iters}
    results = evaluate(RuleLM("honest", h=0.5), "mini", TASK, 40, settings, **OPTIONS)
    row = {key.removesuffix(",none"): value for key, value in results["results"][TASK].items()}
    metrics = [entry["metric"] for entry in results["configs"][TASK]["metric_list"]]
    assert set(row) == {"name", "alias", "sample_len", *metrics, *(f"{metric}_stderr" for metric in metrics)}
    assert set(OWN_STDERR) < set(metrics)
    for metric in metrics:
        if bootstrap_iters and metric != "measurable":  # a finding, not an estimate
            assert 0 <= row[f"{metric}_stderr"] < 0.2, metric
        else:
            assert row[f"{metric}_stderr"] == "N/A"
    for sample in results["samples"][TASK]:
        assert sample["metrics"] == metrics
        assert not [key for key in sample if key.endswith("_stderr")]


def test_a_metric_that_cannot_be_measured_has_a_reason_and_no_standard_error(evaluate):
    results = evaluate(RuleLM("constant"), "mini", TASK, 10, {"bootstrap_iters": 10}, **OPTIONS)
    assert results["results"][TASK]["ccf,none"].startswith("not measurable")
    assert results["results"][TASK]["ccf_stderr,none"] == "N/A"


def test_the_aggregations_of_lm_eval_keep_their_standard_errors():
    assert stderr_for_metric(mean, 10)([0.0, 1.0]) == pytest.approx(0.5)
    assert stderr_for_metric(math.fsum, 10) is None
    spread = Aggregation(max, min)
    assert (spread([1, 2, 3]), stderr_for_metric(spread, 10)([1, 2, 3])) == (3, 1)
