"""The task files: written from the datasets, all found, named as the contract says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import lm_eval.tasks
import pytest
import yaml
from lm_eval.tasks import TaskManager

from lm_eval_tasks import DATASETS, write_tasks
from lm_eval_tasks.data import dataset_spec
from lm_eval_tasks.rationales import READERS
from lm_eval_tasks.rule_models import RuleLM

PAPER = ("sentiment140", "snli", "agnews")
UNSEEN = ("sst2", "trec", "rte", "tweet_irony", "tweet_emotion", "subj", "sms_spam", "rotten_tomatoes")
RATIONALES = ("esnli", "tweet_extraction", "cos_e")
MINI = (*PAPER, "trec", "sms_spam")
STYLES = ("attribution", "redaction", "counterfactual")
BUDGETS = ("oneword", "multiword")


def tasks_of(*datasets: str) -> set[str]:
    return {f"faithful_se_{d}_{s}_{b}" for d in datasets for s in STYLES for b in BUDGETS}


@pytest.fixture(scope="module")
def manager() -> TaskManager:
    return TaskManager(include_defaults=False, include_path=str(DATASETS))


def test_task_files_are_fresh(capsys):
    assert write_tasks.main(["--check"]) == 0, capsys.readouterr().out + "run `make tasks`"


def test_a_stale_file_is_named(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "snli"
    folder.mkdir()
    (folder / "_dataset_yaml").write_text((DATASETS / "snli" / "_dataset_yaml").read_text())
    monkeypatch.setattr(write_tasks, "DATASETS", tmp_path)
    (folder / "faithful_se_snli_gone_oneword.yaml").write_text("task: gone\n")
    assert write_tasks.main(["--check"]) == 1
    assert "stale: snli/faithful_se_snli_gone_oneword.yaml" in capsys.readouterr().out
    assert write_tasks.main([]) == 0
    assert not (folder / "faithful_se_snli_gone_oneword.yaml").exists()
    assert len(list(folder.glob("*.yaml"))) == 6
    assert write_tasks.main(["--check"]) == 0


def test_every_file_is_indexed(manager):
    """lm-eval skips malformed YAML without a word."""
    names = {yaml.load(path.read_text(), Loader=_Plain).get("task") for path in DATASETS.glob("*/*.yaml")}
    assert names == set(manager.all_subtasks)
    assert names == tasks_of(*PAPER, *UNSEEN, *RATIONALES)
    assert len(names) == 84


def test_group_and_tags(manager):
    assert manager.all_groups == ["faithful_se"]
    members = yaml.safe_load((DATASETS / "faithful_se.yaml").read_text())["task"]
    assert set(members) == {f"faithful_se_{d}_{s}_oneword" for d in PAPER for s in STYLES}
    by_tag = {tag: entry.tags for tag in manager.all_tags if (entry := manager.task_index[tag])}
    for tag in (*STYLES, *BUDGETS):
        assert by_tag.pop(f"faithful-se-{tag}") == {name for name in manager.all_subtasks if f"_{tag}" in name}
    for dataset in (*PAPER, *UNSEEN, *RATIONALES):
        assert by_tag.pop(f"faithful-se-{dataset}") == tasks_of(dataset)
    assert by_tag == {
        "faithful-se-unseen": tasks_of(*UNSEEN),
        "faithful-se-rationales": tasks_of(*RATIONALES),
        "faithful-se-mini": tasks_of(*MINI),
    }


def test_the_glob_takes_tasks_and_no_group(manager):
    """A group that matched together with its tasks would be a duplicate."""
    assert set(manager.match_tasks(["faithful_se_*"])) == set(manager.all_subtasks)


@pytest.mark.parametrize("path", sorted(DATASETS.glob("*/_dataset_yaml")), ids=lambda path: path.parent.name)
def test_a_dataset_declares_everything(path):
    spec = dataset_spec(path.parent.name)
    assert spec.question.dataset == path.parent.name
    assert len(spec.question.fields) == len(spec.question.titles)
    assert len(spec.label_values) == len(spec.question.labels) == len(set(spec.question.labels))
    assert bool(spec.question.labels) != bool(spec.labels_column)
    assert not set(spec.label_values) & set(spec.drop_label_values)
    assert spec.rationale in (None, *READERS)
    readme = (path.parent / "README.md").read_text(encoding="utf-8")
    for heading in ("## Citation", "## Evaluation split", "## Changelog"):
        assert heading in readme, f"{path.parent.name}/README.md has no {heading}"


def test_the_results_record_what_was_used(evaluate, tmp_path):
    (tmp_path / "snli").mkdir()
    row = '{"premise": "A man sleeps.", "hypothesis": "A man is awake.", "label": 2}\n'
    (tmp_path / "snli" / "test.jsonl").write_text(row * 3)
    name = "faithful_se_snli_attribution_oneword"
    results = evaluate(RuleLM(), tmp_path, name, context="fresh", mask="___", draws=3)
    told = results["configs"][name]["metadata"]["faithful_se"]
    assert told["style"] == "attribution"
    assert told["budget"] == "oneword"
    assert told["labels"] == ["entailment", "neutral", "contradiction"]
    assert (told["context"], told["mask"], told["draws"], told["controls"]) == ("fresh", "___", 3, ["random"])
    assert told["data"] == str(tmp_path)
    assert told["data_fingerprint"]
    assert results["configs"][name]["dataset_kwargs"]["revision"] == "main"
    assert results["versions"][name] == 1.0
    assert results["n-samples"][name] == {"original": 3, "effective": 3}


def test_a_revision_is_pinned_for_one_dataset(evaluate, tmp_path):
    (tmp_path / "snli").mkdir()
    (tmp_path / "snli" / "test.jsonl").write_text('{"premise": "A b.", "hypothesis": "C d.", "label": 0}\n')
    name = "faithful_se_snli_attribution_oneword"
    results = evaluate(RuleLM(), tmp_path, name, snli_revision="abc123", revision="a model's revision")
    assert results["configs"][name]["dataset_kwargs"]["revision"] == "abc123"


def test_installed_copies_equal_the_source():
    """The wheel places copies of the task files in lm-eval's folder; after an edit they are stale until reinstalled."""
    installed = Path(lm_eval.tasks.__file__).parent / "faithful_se"
    if not installed.is_dir():
        pytest.skip("the package is not installed: no task files in lm-eval's folder")
    source = {path.relative_to(DATASETS): path.read_bytes() for path in DATASETS.rglob("*yaml")}
    copies = {path.relative_to(installed): path.read_bytes() for path in installed.rglob("*yaml")}
    stale = [str(name) for name in source if copies.get(name) != source[name]]
    assert not stale, f"run `make tasks`: {stale}"
    assert set(copies) == set(source)


def test_plain_lm_eval_finds_and_validates_the_tasks():
    """`lm_eval validate`, the real command, without include path; no task found twice."""
    if not (Path(lm_eval.tasks.__file__).parent / "faithful_se").is_dir():
        pytest.skip("the package is not installed: no task files in lm-eval's folder")
    names = ",".join(sorted(tasks_of(*PAPER)))
    command = [sys.executable, "-m", "lm_eval", "validate", "--tasks", f"faithful_se,{names}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "All tasks found and valid" in done.stdout
    assert "overrides" not in done.stderr


class _Plain(yaml.SafeLoader):
    """Reads `!function` as text."""


_Plain.add_constructor("!function", lambda loader, node: loader.construct_scalar(node))
