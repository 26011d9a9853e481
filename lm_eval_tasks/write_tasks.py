"""Write the task YAMLs from the datasets: `python -m lm_eval_tasks.write_tasks`.

A dataset is declared once, in `datasets/<name>/_dataset_yaml`. lm-eval wants one file per task, and a file that stands
for itself can be shared, placed anywhere and read without opening another, so the files are written out in full. A test
says when they are stale.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import yaml

from lm_eval_tasks import DATASETS
from lm_eval_tasks.data import has_mini
from lm_eval_tasks.styles import BUDGETS, STYLES

HEAD = "# Written by `python -m lm_eval_tasks.write_tasks` from _dataset_yaml: edit that file.\n"
PAPER = ("sentiment140", "snli", "agnews")


def task_name(dataset: str, style: str, budget: str) -> str:
    """The name of a task."""
    return f"faithful_se_{dataset}_{style}_{budget}"


def task_config(dataset: dict[str, Any], style: str, budget: str) -> dict[str, Any]:
    """The configuration of one task, without its class."""
    told = dataset["metadata"]["faithful_se"]
    tags = [f"faithful-se-{part}" for part in (told["dataset"], style, budget)]
    if "rationale" in told:
        tags.append("faithful-se-rationales")
    elif told["dataset"] not in PAPER:
        tags.append("faithful-se-unseen")
    if has_mini(told["folder"]):
        tags.append("faithful-se-mini")
    return {
        "task": task_name(told["dataset"], style, budget),
        "tag": tags,
        **{key: value for key, value in dataset.items() if key != "metadata"},
        "output_type": "generate_until",
        "num_fewshot": 0,
        "generation_kwargs": {
            "until": [],
            "do_sample": False,
            "max_gen_toks": STYLES[style].MAX_TOKENS[budget],
        },
        "metric_list": [],
        "metadata": {
            "version": dataset["metadata"]["version"],
            "faithful_se": {**told, "style": style, "budget": budget},
        },
    }


def task_files(folder: Path) -> dict[Path, str]:
    """The task files of one dataset folder: path -> text."""
    dataset = yaml.safe_load((folder / "_dataset_yaml").read_text(encoding="utf-8"))
    files = {}
    for style in STYLES:
        for budget in BUDGETS:
            config = task_config(dataset, style, budget)
            text = yaml.safe_dump(config, sort_keys=False, allow_unicode=True, width=120)
            # A tag that the safe dumper cannot write.
            text = text.replace("\ntag:", "\nclass: !function lm_eval_tasks.task.SelfExplainTask\ntag:", 1)
            files[folder / f"{config['task']}.yaml"] = HEAD + text
    return files


def main(argv: list[str] | None = None) -> int:
    """Write every stale file, delete files of tasks that are gone; with --check say so and change nothing."""
    parser = argparse.ArgumentParser(prog="python -m lm_eval_tasks.write_tasks", description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--check", action="store_true", help="only say which files are stale; exit status 1 if any is")
    check = parser.parse_args(argv).check
    stale = []
    for folder in sorted(path.parent for path in DATASETS.glob("*/_dataset_yaml")):
        files = task_files(folder)
        stale += [path for path in folder.glob("*.yaml") if path not in files]
        stale += [path for path, text in files.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
        if not check:
            for path in folder.glob("*.yaml"):
                if path not in files:
                    path.unlink()
            for path, text in files.items():
                path.write_text(text, encoding="utf-8")
    for path in stale:
        print(("stale: " if check else "written: ") + str(path.relative_to(DATASETS)))
    return int(check and bool(stale))


if __name__ == "__main__":
    raise SystemExit(main())
