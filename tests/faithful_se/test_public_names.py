"""`import faithful_se`: light, complete, documented."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import faithful_se
import faithfulness_metrics
from faithful_se.errors import UsageError

HEAVY = {"torch", "transformers", "lm_eval", "datasets", "numpy", "polars", "altair"}


def in_new_process(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_the_import_is_light():
    loaded = in_new_process("import faithful_se, sys; print(*sys.modules)").split()
    assert not HEAVY & set(loaded)
    seconds = min(
        float(
            in_new_process("import time; t = time.perf_counter(); import faithful_se; print(time.perf_counter() - t)")
        )
        for _ in range(3)
    )
    assert seconds < 0.1


def test_a_metric_needs_no_model():
    loaded = in_new_process("from faithful_se import ccf; import sys; print(*sys.modules)").split()
    assert not {"torch", "transformers", "lm_eval", "datasets"} & set(loaded)


@pytest.mark.parametrize("name", sorted({*faithful_se.__all__} - {"__version__"}))
def test_every_name_is_there_and_documented(name):
    value = getattr(faithful_se, name)
    if callable(value):
        assert inspect.getdoc(value), f"{name} has no docstring"
    assert name in dir(faithful_se)


def test_a_name_stays_itself_after_its_module_was_imported():
    """`faithful_se.evaluate` is a function whatever else was imported before."""
    code = "import faithful_se.evaluation, faithful_se.attribution as m, faithful_se as f; print(callable(f.evaluate))"
    assert in_new_process(code) == "True"
    modules = {
        module.rpartition(".")[2] for module in faithful_se._MODULES.values() if module.startswith("faithful_se")
    }
    assert not modules & set(faithful_se.__all__)


def test_all_metrics_are_offered():
    assert set(faithfulness_metrics.__all__) <= set(faithful_se.__all__)
    assert all(
        getattr(faithful_se, name) is getattr(faithfulness_metrics, name) for name in faithfulness_metrics.__all__
    )


def test_the_version_is_that_of_the_package():
    from importlib.metadata import version

    assert faithful_se.__version__ == version("faithful-se")


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'evalaute'"):
        faithful_se.evalaute  # noqa: B018


def test_there_is_one_exception():
    assert faithful_se.UsageError is UsageError
    assert issubclass(UsageError, ValueError)


def test_the_catalogue():
    assert {"sentiment140", "snli", "agnews"} <= set(faithful_se.DATASETS)
    assert faithful_se.STYLES == ("attribution", "redaction", "counterfactual", "simulation")
    assert faithful_se.BUDGETS == ("oneword", "multiword")
    assert {"faithful", "lift", "ccf"} <= set(faithful_se.METRICS)


def test_type_checkers_see_the_names(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import faithful_se\nreveal_type(faithful_se.ccf([1], [0], [1]))\nfaithful_se.evaluate(1)\n")
    run = subprocess.run([sys.executable, "-m", "mypy", str(script)], capture_output=True, text=True, check=False)
    assert 'Revealed type is "float"' in run.stdout or 'Revealed type is "builtins.float"' in run.stdout
    assert 'Missing positional arguments "tokenizer", "texts"' in run.stdout
