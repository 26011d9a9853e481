"""The snippets of docs/own_results.md run, on results that lm-eval wrote."""

from __future__ import annotations

import re

from lm_eval.loggers import EvaluationTracker

from lm_eval_tasks.rule_models import RuleLM
from tests.test_house import ROOT


def test_the_snippets_run_on_results_of_lm_eval(evaluate, tmp_path, monkeypatch, capsys):
    results = evaluate(
        RuleLM("honest", h=0.6), "mini", "faithful_se_snli_attribution_oneword", 30, controls="random+oracle"
    )
    samples = results.pop("samples")
    tracker = EvaluationTracker(output_path=str(tmp_path / "results"))
    tracker.general_config_tracker.model_name_sanitized = "rules"
    tracker.save_results_aggregated(results, samples)
    tracker.save_results_samples(
        "faithful_se_snli_attribution_oneword", samples["faithful_se_snli_attribution_oneword"]
    )
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "own_results.md").read_text("utf-8")
    exec("\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL)), {})
    assert "Interval(low=" in capsys.readouterr().out
