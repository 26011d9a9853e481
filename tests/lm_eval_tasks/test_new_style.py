"""The contract of a style: one file, registered once, works in task files, evaluations, scores and boards."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from lm_eval import simple_evaluate
from lm_eval.loggers import EvaluationTracker
from lm_eval.tasks import TaskManager
from lm_eval.tasks._yaml_loader import load_yaml

from faithfulness_metrics.words import mask_out, words_of
from leaderboards.build import make_board
from lm_eval_tasks import DATASETS
from lm_eval_tasks.options import CHOICES, CONTROLS
from lm_eval_tasks.rule_models import RuleLM, requests
from lm_eval_tasks.styles import BUDGETS, STYLES
from lm_eval_tasks.write_tasks import task_files
from tests.lm_eval_tasks import highlight_style

TASKS = [f"faithful_se_sentiment140_highlight_{budget}" for budget in BUDGETS]
LIMIT = 12


@pytest.fixture(autouse=True)
def highlight(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The dummy style, listed beside the shipped ones."""
    monkeypatch.setitem(STYLES, "highlight", highlight_style)
    requests.requests_by_text.cache_clear()
    yield
    requests.requests_by_text.cache_clear()


@pytest.fixture
def task_folder(tmp_path: Path) -> Path:
    """The shipped tasks and those of the dummy style, written by the task writer."""
    datasets = shutil.copytree(DATASETS, tmp_path / "datasets")
    for path, text in task_files(datasets).items():
        path.write_text(text, encoding="utf-8")
    return datasets


def evaluate(lm: RuleLM, task_folder: Path, out: Path, **options: Any) -> dict[str, Any]:
    """The real evaluation, with the files that `--output_path --log_samples` writes."""
    metadata = {"data": "mini", "controls": "all", "unknown": True, **options}
    manager = TaskManager(include_defaults=False, include_path=str(task_folder), metadata=metadata)
    tracker = EvaluationTracker(output_path=str(out))
    results = simple_evaluate(
        lm,
        tasks=TASKS,
        task_manager=manager,
        limit=LIMIT,
        apply_chat_template=True,
        bootstrap_iters=1,
        log_samples=True,
        evaluation_tracker=tracker,
    )
    samples = results.pop("samples")
    tracker.save_results_aggregated(results=results, samples=samples)
    for task, rows in samples.items():
        tracker.save_results_samples(task_name=task, samples=rows)
    return {**results, "samples": samples}


def test_the_writer_writes_its_tasks(task_folder):
    for budget in highlight_style.MAX_TOKENS:
        path = task_folder / "sentiment140" / f"faithful_se_sentiment140_highlight_{budget}.yaml"
        config = load_yaml(path, resolve_func=False)
        assert "max_gen_toks" not in config["generation_kwargs"]  # its answers hold the text
        assert (config["style"], config["budget"]) == ("highlight", budget)
        assert config["tag"] == ["faithful-se-sentiment140"]  # other tags would hide those of the package


@pytest.mark.parametrize(
    ("classifier", "context", "operator"),
    product(CHOICES["classifier"], CHOICES["context"], ("mask", "delete", "substitute+infill")),
)
def test_it_is_evaluated_scored_and_shown_with_every_option(task_folder, tmp_path, classifier, context, operator):
    options = {"classifier": classifier, "context": context, "operator": operator}
    results = evaluate(RuleLM("honest"), task_folder, tmp_path / "results", **options)
    for task in TASKS:
        table = {key.partition(",")[0]: value for key, value in results["results"][task].items()}
        assert table["valid"] == 1.0
        assert {"faithful_random", "faithful_oracle", "ccf", "stability_q", "masked_fraction", "madsen"} <= table.keys()
        assert ("loo_percentile" in table) == (classifier != "generate")
        assert "one_edit" not in table
        for sample in results["samples"][task]:
            transcript = json.loads(sample["resps"][0][0])
            check_transcript(transcript)
            if operator == "mask":
                fields, positions = transcript["fields"], transcript["explanation"]["positions"]
                expected = mask_out(fields, words_of(fields), positions, "[REDACTED]")
                assert transcript["perturbed"]["fields"] == expected

    board, _ = make_board([tmp_path / "results"])
    assert not board.skipped
    assert {task.style for task in board.tasks} == {"highlight"}
    for cell in board.cells:
        assert cell.metrics["valid"].estimate == 1.0
        assert 0 < cell.rules["madsen"].n < LIMIT  # documents that are classified wrong are left out
    assert len(board.documents) == LIMIT * len(TASKS)
    assert all(entry.target for document in board.documents for entry in document.entries)


def check_transcript(transcript: dict[str, Any]) -> None:
    """Every control is there, and "faithful" means that the target was reached."""
    prediction, explanation = transcript["prediction"]["label"], transcript["explanation"]
    assert transcript["style"] == "highlight" and transcript["problem"] == ""
    assert explanation["target"] not in ("", prediction)
    assert "<<" in explanation["answer"] and explanation["words"]
    assert len(transcript["random"]) == transcript["options"]["draws"]
    assert len(transcript["oracle"]["singles"]) == len({word.key for word in words_of(transcript["fields"])})
    assert transcript["stability"]
    assert transcript["options"]["controls"] == list(CONTROLS)


def test_an_honest_explainer_reaches_the_target(task_folder, tmp_path):
    """Of two labels the target is the other one: the honest model is as faithful as the best word allows."""
    results = evaluate(RuleLM("honest"), task_folder, tmp_path / "results")["results"]
    random = evaluate(RuleLM("random"), task_folder, tmp_path / "random")["results"]
    for task in TASKS:
        assert results[task]["faithful,none"] == results[task]["faithful_oracle,none"] > 0.3
        assert random[task]["faithful,none"] < results[task]["faithful,none"]
