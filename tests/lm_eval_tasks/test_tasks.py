"""The task files: lm-eval finds all of them, and records what they declare."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import lm_eval.tasks
import pytest
import yaml
from lm_eval.tasks import TaskManager
from lm_eval.tasks._yaml_loader import load_yaml

from faithful_se.errors import UsageError
from lm_eval_tasks import DATASETS, write_tasks
from lm_eval_tasks.data import COMMIT, dataset_spec
from lm_eval_tasks.rationales import READERS
from lm_eval_tasks.rule_models import RuleLM
from lm_eval_tasks.task import SelfExplainTask

PAPER = ("sentiment140", "snli", "agnews")
UNSEEN = ("sst2", "trec", "rte", "tweet_irony", "tweet_emotion", "subj", "sms_spam", "rotten_tomatoes")
RATIONALES = ("esnli", "tweet_extraction", "cos_e")
CHOICES = ("arc_easy", "openbookqa", "cos_e")
MINI = (*PAPER, "trec", "sms_spam")
STYLES = ("attribution", "redaction", "counterfactual")
BUDGETS = ("oneword", "multiword")
# Its explanation is that of attribution: no tag that compares explanations has it.
SIMULATION = "simulation"


def tasks_of(*datasets: str) -> set[str]:
    return {f"faithful_se_{d}_{s}_{b}" for d in datasets for s in STYLES for b in BUDGETS}


def with_simulation(*datasets: str) -> set[str]:
    return tasks_of(*datasets) | {f"faithful_se_{d}_{SIMULATION}_oneword" for d in datasets}


@pytest.fixture(scope="module")
def manager() -> TaskManager:
    return TaskManager(include_defaults=False, include_path=str(DATASETS))


def test_task_files_are_fresh(capsys):
    assert write_tasks.main(["--check"]) == 0, capsys.readouterr().out + "run `make tasks`"


def test_a_new_dataset_and_a_task_that_is_gone(tmp_path, monkeypatch, capsys):
    """A dataset needs its `_dataset_yaml` only; --check names what is stale and changes nothing."""
    folder = tmp_path / "snli"
    folder.mkdir()
    (folder / "_dataset_yaml").write_text((DATASETS / "snli" / "_dataset_yaml").read_text())
    monkeypatch.setattr(write_tasks, "DATASETS", tmp_path)
    obsolete = folder / "faithful_se_snli_dream_oneword.yaml"
    obsolete.write_text("task: faithful_se_snli_dream_oneword\n")
    assert write_tasks.main(["--check"]) == 1
    output = capsys.readouterr().out
    assert "stale: snli/faithful_se_snli_dream_oneword.yaml" in output
    assert "stale: snli/faithful_se_snli_redaction_oneword.yaml" in output
    assert list(folder.glob("*.yaml")) == [obsolete]
    assert write_tasks.main([]) == 0
    assert not obsolete.exists()
    assert set(TaskManager(include_defaults=False, include_path=str(tmp_path)).all_subtasks) == with_simulation("snli")
    assert write_tasks.main(["--check"]) == 0


@pytest.mark.parametrize("path", sorted(DATASETS.glob("*/*.yaml")), ids=lambda path: path.stem)
def test_a_task_is_its_dataset_with_a_style_and_a_budget(path):
    """What lm-eval reads of the three lines and the files that they include."""
    config = load_yaml(path, resolve_func=False)
    dataset = yaml.safe_load((path.parent / "_dataset_yaml").read_text())
    style, budget = config["style"], config["budget"]
    name = path.parent.name
    assert path.stem == config["task"] == f"faithful_se_{name}_{style}_{budget}"
    parts = (name, style) if style == SIMULATION else (name, style, budget)
    assert config["tag"][: len(parts)] == [f"faithful-se-{part}" for part in parts]
    assert style != SIMULATION or (budget == "oneword" and len(config["tag"]) == 2)
    assert config.pop("class").endswith("lm_eval_tasks.task.SelfExplainTask")
    assert {key: value for key, value in config.items() if key in dataset} == dataset
    # The room for a rewriting follows its text.
    limits = {f"{named}_oneword": {"max_gen_toks": 32} for named in ("attribution", SIMULATION)}
    limits |= {"attribution_multiword": {"max_gen_toks": 128}}
    assert {key: value for key, value in config.items() if key not in (*dataset, "task", "tag")} == {
        "style": style,
        "budget": budget,
        "output_type": "generate_until",
        "generation_kwargs": {"until": [], "do_sample": False, **limits.get(f"{style}_{budget}", {})},
        "metric_list": [],
    }


def test_every_file_is_indexed(manager):
    """lm-eval skips malformed YAML without a word."""
    names = {path.stem for path in DATASETS.glob("*/*.yaml")}
    assert names == set(manager.all_subtasks)
    assert names == with_simulation(*PAPER, *UNSEEN, *RATIONALES, *CHOICES) and len(names) == 112


def test_group_and_tags(manager):
    assert manager.all_groups == ["faithful_se"]
    members = yaml.safe_load((DATASETS / "faithful_se.yaml").read_text())["task"]
    assert set(members) == {f"faithful_se_{d}_{s}_oneword" for d in PAPER for s in STYLES}
    by_tag = {tag: entry.tags for tag in manager.all_tags if (entry := manager.task_index[tag])}
    assert by_tag.pop(f"faithful-se-{SIMULATION}") == {name for name in manager.all_subtasks if SIMULATION in name}
    for tag in (*STYLES, *BUDGETS):
        tasks = {name for name in manager.all_subtasks if SIMULATION not in name}
        assert by_tag.pop(f"faithful-se-{tag}") == {name for name in tasks if f"_{tag}" in name}
    for dataset in {*PAPER, *UNSEEN, *RATIONALES, *CHOICES}:
        assert by_tag.pop(f"faithful-se-{dataset}") == with_simulation(dataset)
    assert by_tag == {
        "faithful-se-unseen": tasks_of(*UNSEEN),
        "faithful-se-rationales": tasks_of(*RATIONALES),
        "faithful-se-mini": tasks_of(*MINI),
        "faithful-se-choices": tasks_of(*CHOICES),
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
    assert bool(spec.question.labels) != bool(spec.choices)
    assert not set(spec.label_values) & set(spec.drop_label_values)
    assert spec.rationale in (None, *READERS)
    readme = (path.parent / "README.md").read_text(encoding="utf-8")
    for heading in ("## Citation", "## Evaluation split", "## Changelog"):
        assert heading in readme, f"{path.parent.name}/README.md has no {heading}"
    revision = str(spec.hub[2])
    assert ("not pinned" not in readme) == bool(COMMIT.fullmatch(revision)), f"revision {revision}: what README.md says"
    assert revision in readme


SNLI_COMMIT = "cdb5c3d5eed6ead6e5a341c8e56e669bb666725b"

# What lm-eval records of a task, apart from its own defaults.
RECORDED = {
    "task": "faithful_se_snli_attribution_oneword",
    "dataset_path": "stanfordnlp/snli",
    "dataset_name": "plain_text",
    "dataset_kwargs": {"revision": SNLI_COMMIT},
    "test_split": "test",
    "output_type": "generate_until",
    "generation_kwargs": {"until": [], "do_sample": False, "max_gen_toks": 32},
    "metric_list": [
        {"metric": name}
        for name in (
            *("faithful", "valid", "acc", "acc_majority", "answer_share", "measurable", "answered"),
            *("faithful_random", "lift", "lift_given_valid", "masked_fraction"),
        )
    ],
}
DECLARED = {
    "dataset": "snli",
    "folder": "snli",
    "noun": "premise and hypothesis",
    "question": "Does the premise entail the hypothesis, contradict it, or neither of the two (neutral)?",
    "fields": ["premise", "hypothesis"],
    "titles": ["Premise", "Hypothesis"],
    "label_column": "label",
    "label_values": [0, 1, 2],
    "labels": ["entailment", "neutral", "contradiction"],
    "synonyms": {
        "entailment": ["entails", "entail", "entailed"],
        "neutral": ["neither", "neither of the two"],
        "contradiction": ["contradicts", "contradict", "contradicted", "contradictory"],
    },
    "drop_label_values": [-1],
    "style": "attribution",
    "budget": "oneword",
}


@pytest.fixture
def pair(tmp_path):
    """A folder with three equal pairs of snli."""
    (tmp_path / "snli").mkdir()
    row = '{"premise": "A man sleeps.", "hypothesis": "A man is awake.", "label": 2}\n'
    (tmp_path / "snli" / "test.jsonl").write_text(row * 3)
    return tmp_path


def test_the_results_record_what_was_used(evaluate, pair):
    name = "faithful_se_snli_attribution_oneword"
    results = evaluate(RuleLM(), pair, name, context="fresh", mask="___", draws=3)
    config = results["configs"][name]
    assert {key: config[key] for key in RECORDED} == RECORDED
    metadata = config["metadata"]
    assert metadata["faithful_se"].pop("data_fingerprint")
    assert metadata["faithful_se"] == {
        **DECLARED,
        "data": str(pair),
        "classifier": "generate",
        "context": "fresh",
        "mask": "___",
        "unknown": False,
        "controls": ["random"],
        "operator": "mask",
        "draws": 3,
        "order": "file",
        "order_seed": 0,
    }
    assert results["versions"][name] == metadata["version"] == 1.1
    assert results["n-samples"][name] == {"original": 3, "effective": 3}


def test_a_revision_is_pinned_for_one_dataset(evaluate, pair):
    name = "faithful_se_snli_attribution_oneword"
    results = evaluate(RuleLM(), pair, name, snli_revision="abc123", revision="a model's revision")
    assert results["configs"][name]["dataset_kwargs"]["revision"] == "abc123"


def test_a_task_file_may_declare_everything_by_itself(evaluate, pair):
    """A task of the user's own, in one file."""
    config = {key: value for key, value in RECORDED.items() if key != "metric_list"}
    metadata = {"version": 1.0, "faithful_se": DECLARED, "data": str(pair)}
    task = SelfExplainTask({**config, "metadata": metadata})
    assert {key: task.dump_config()[key] for key in RECORDED} == RECORDED


@pytest.mark.parametrize(
    ("key", "value"), [("style", "dream"), ("style", None), ("budget", "threewords"), ("budget", None)]
)
def test_a_style_or_budget_that_does_not_exist(pair, key, value):
    metadata = {"version": 1.0, "faithful_se": {**DECLARED, key: value}, "data": str(pair)}
    with pytest.raises(UsageError, match=rf"^t: style .*{value!r}.*: no such style or budget$"):
        SelfExplainTask({**RECORDED, "task": "t", "metadata": metadata})


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
