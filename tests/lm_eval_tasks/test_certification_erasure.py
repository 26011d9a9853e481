"""φ-CCT and comprehensiveness against planted truth, on the shipped mini text and on real text where there is some."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lm_eval_tasks.rule_models import RuleLM

TASKS = ",".join(
    f"faithful_se_{name}"
    for name in ("sentiment140_attribution_oneword", "snli_attribution_oneword", "agnews_redaction_oneword")
)
LIMIT = 200

Table = dict[str, dict[str, Any]]


@pytest.fixture(scope="module", params=["mini", "real"])
def tables(request: pytest.FixtureRequest, evaluate: Any) -> Callable[..., tuple[Table, dict[str, list[Any]]]]:
    """The table and the samples of each strategy, evaluated once."""
    data = "mini" if request.param == "mini" else str(request.getfixturevalue("real_data"))
    results: dict[tuple[str, float], tuple[Table, dict[str, list[Any]]]] = {}

    def evaluated(strategy: str, h: float = 1.0, tasks: str = TASKS) -> tuple[Table, dict[str, list[Any]]]:
        if (strategy, h) not in results:
            options = {"controls": "oracle", "classifier": "loglikelihood"}
            run = evaluate(RuleLM(strategy, h=h), data, tasks, LIMIT, **options)
            table = {
                task: {key.partition(",")[0]: value for key, value in row.items()}
                for task, row in run["results"].items()
            }
            results[strategy, h] = table, run["samples"]
        return results[strategy, h]

    return evaluated


@pytest.mark.parametrize("h", [0.2, 0.6])
def test_phi_of_its_maximum_is_the_probability_of_a_true_explanation(tables, h):
    """One type of word can flip the answer, and one is named: then φ / φ_max is the share of true explanations."""
    for task, row in tables("honest", h)[0].items():
        assert abs(row["phi_cct_of_max"] - h) < 3 * row["phi_cct_of_max_stderr"], (task, row["phi_cct_of_max"])
        assert row["phi_cct"] <= row["phi_cct_of_max"]


def test_the_honest_model_reaches_the_maximum(tables):
    for row in tables("honest")[0].values():
        assert row["phi_cct_of_max"] == pytest.approx(1)
        assert 0.5 < row["phi_cct"] < 1  # it also names a word where no single word flips the answer
        assert isinstance(row["phi_cct_stderr"], float)


def test_a_random_word_is_at_chance(tables):
    for row in tables("random")[0].values():
        for key in ("phi_cct", "phi_cct_of_max", "comprehensiveness_lift"):
            assert abs(row[key]) < 3 * row[f"{key}_stderr"], key


def test_comprehensiveness_tells_true_explanations_from_random_ones(tables):
    """D = P(true above random) + ½ P(tie) over documents, and the mean rises with h."""
    means = [tables("honest", h)[0] for h in (0.2, 0.6, 1.0)]
    for task, samples in tables("honest")[1].items():
        pairs = [
            (true["comprehensiveness"], random["comprehensiveness"])
            for true, random in zip(samples, tables("random")[1][task], strict=True)
        ]
        assert sum((true > random) + (true == random) / 2 for true, random in pairs) / len(pairs) > 0.9
        low, middle, high = (table[task]["comprehensiveness_lift"] for table in means)
        assert low < middle < high


def test_naming_everything_gains_nothing(tables):
    """The probability falls, but no more than without as many random words, which are all words, too."""
    (row,) = tables("redact_everything", tasks="faithful_se_snli_attribution_multiword")[0].values()
    assert row["valid"] == 1
    assert row["phi_cct"] == row["phi_cct_of_max"] == 0
    assert row["comprehensiveness"] > 0.1
    assert row["comprehensiveness_lift"] == 0
