"""The metrics' own score: true and untrue explanations told apart, degenerate strategies exposed."""

from __future__ import annotations

import math

import pytest

from lm_eval_tasks import certify_cues, certify_samples, certify_simulation
from lm_eval_tasks.certify import exposed, tables
from lm_eval_tasks.certify_areas import GOOD, REASONS, areas, auroc, of_one_text, shuffled
from lm_eval_tasks.metrics import METRICS
from lm_eval_tasks.rule_models.strategies import STRATEGIES
from lm_eval_tasks.styles import STYLES
from tests.test_house import ROOT

REMOVES = next(name for name, style in STYLES.items() if style.REMOVES_WORDS)
EDITS = next(name for name, style in STYLES.items() if not style.REMOVES_WORDS)


def test_auroc_is_the_share_of_pairs_in_the_right_order():
    assert auroc([1, 2], [0, 2]) == 0.625  # 1 > 0, 1 < 2, 2 > 0, 2 = 2: (1 + 0 + 1 + ½) / 4
    assert auroc([1, 1], [1, 1]) == 0.5 and auroc([2], [1]) == 1.0 and auroc([1], [2]) == 0.0
    assert math.isnan(auroc([], [1.0]))


def test_a_shuffled_truth_tells_nothing():
    low, high = shuffled(list(range(50)), list(range(100, 150)))
    assert auroc(range(100, 150), range(50)) == 1.0 and low < 0.5 < high and high - low < 0.25


def test_lower_is_better_is_turned_and_a_ratio_of_one_text_is_the_ratio():
    assert of_one_text("masked_fraction", 0.25) == -0.25 and of_one_text("faithful", 1.0) == 1.0
    assert of_one_text("ccf", [1.0, 0.2, 1.0]) == 1.0 and math.isnan(of_one_text("ccf", [0.0, 0.0, 0.0]))
    assert math.isnan(of_one_text("lift_given_valid", None))


def test_the_headline_metrics_tell_true_from_untrue_words():
    results = areas(REMOVES, 25)
    for key in ("faithful", "lift", "ccf", "loo_percentile", "comprehensiveness_lift"):
        area, _, (low, high) = results[key]
        assert area >= GOOD and low <= 0.5 <= high, key
    for key in ("valid", "acc", "faithful_oracle", "stability_q"):  # of the text or the classifier, not of the words
        assert results[key][0] == 0.5, key


@pytest.mark.slow
def test_the_tables_of_the_documents_are_those_of_the_command() -> None:
    """1 minute. Every strategy is worse than the honest one somewhere; every metric below .99 has its reason."""
    assert "\n".join(tables()).strip() in (ROOT / "docs" / "metrics.md").read_text("utf-8")
    marks = dict.fromkeys(STRATEGIES, 0)
    for style in (REMOVES, EDITS):
        for name, row in exposed(style, 100).items():
            marks[name] += sum(worse for _, worse in row.values())
        for key, (area, _, (low, high)) in areas(style, 100).items():
            assert key in METRICS and (area >= GOOD or key in REASONS) and low <= 0.5 <= high, key
    assert marks.pop("honest") == 0 and all(marks.values()), marks


@pytest.mark.slow
def test_the_tables_of_simulation_are_those_of_the_document() -> None:
    """20 seconds. Each model that does not know its rule is worse than the one that does."""
    text = "\n".join(certify_simulation.tables()).strip()
    assert text in (ROOT / "docs" / "metrics.md").read_text("utf-8")
    rows = {line.split("`")[1]: line for line in text.splitlines() if line.startswith(("| `knows", "| `strategy"))}
    assert [name for name, line in rows.items() if "▼" not in line] == ["knows=1"]


@pytest.mark.slow
def test_the_table_of_cues_is_that_of_the_document() -> None:
    assert "\n".join(certify_cues.tables()).strip() in (ROOT / "docs" / "metrics.md").read_text("utf-8")


@pytest.mark.slow
def test_the_tables_of_sampled_answers_are_those_of_the_document() -> None:
    """15 seconds. A random answerer has a headroom by the answers that choose, and none by others."""
    assert "\n".join(certify_samples.tables()).strip() in (ROOT / "docs" / "metrics.md").read_text("utf-8")
