"""Write the task files of all datasets: `python -m lm_eval_tasks.write_tasks`, or `make tasks`.

A task file has three lines: what it includes, its name, its tags. It includes its dataset (`<name>/_dataset_yaml`) and
what all tasks of its style and budget share (`_<style>_<budget>_yaml`). So a new dataset needs its `_dataset_yaml` and
this command, a new style this command alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import product
from pathlib import Path

from lm_eval_tasks import DATASETS
from lm_eval_tasks.data import has_mini
from lm_eval_tasks.dataset_index import DECLARATION, read_declaration
from lm_eval_tasks.declaration import check_declaration
from lm_eval_tasks.languages import ENGLISH, simulation_problem
from lm_eval_tasks.styles import BUDGETS, STYLES

# The datasets of the paper. Those that it does not train on are tagged "unseen".
PAPER = ("sentiment140", "snli", "agnews")

SHARED = """\
# Shared by all tasks of this style and budget. Written by `make tasks`.
class: !function lm_eval_tasks.task.SelfExplainTask
style: {style}
budget: {budget}
output_type: generate_until
generation_kwargs: {{until: [], do_sample: false{limit}}}
metric_list: []
"""

TASK = """\
include: [_dataset_yaml, ../_{style}_{budget}_yaml]
task: faithful_se_{dataset}_{style}_{budget}
tag: [{tags}]
"""


def task_files(datasets: Path = DATASETS) -> dict[Path, str]:
    """The task files and the shared files below a folder of datasets: path -> text.

    Raises:
        UsageError: a mistake in the declaration of a dataset.
    """
    files = {datasets / name: text for name, text in shared_files().items()}
    for folder in sorted(path.parent for path in datasets.glob(f"*/{DECLARATION}")):
        groups = _group_tags(folder)
        # Elsewhere, tags of several datasets would hide those of the package.
        texts = files_of(folder.name, groups if datasets == DATASETS else None, simulates=_can_simulate(folder))
        files |= {folder / name: text for name, text in texts.items()}
    return files


def cells() -> list[tuple[str, str]]:
    """The styles with their budgets."""
    return [(style, budget) for style, budget in product(STYLES, BUDGETS) if budget in STYLES[style].MAX_TOKENS]


def shared_files() -> dict[str, str]:
    """What the tasks of a style and budget share: name of the file -> text."""
    files = {}
    for style, budget in cells():
        # The room for a rewriting depends on the text, and is not declared: `TaskSpec.explain`.
        fixed = not STYLES[style].ANSWERS_WITH_TEXT
        limit = f", max_gen_toks: {STYLES[style].MAX_TOKENS[budget]}" if fixed else ""
        files[f"_{style}_{budget}_yaml"] = SHARED.format(style=style, budget=budget, limit=limit)
    return files


def files_of(dataset: str, groups: Sequence[str] | None = None, *, simulates: bool = True) -> dict[str, str]:
    """The task files of a dataset: name of the file -> text.

    `groups` are tags besides those of dataset, style and budget; None leaves the tag of the dataset alone. `simulates`
    says whether its language has the questions whether an answer would change.
    """
    files = {}
    for style, budget in cells():
        if STYLES[style].SIMULATES and not simulates:
            continue
        names = [dataset] if groups is None else [dataset, style]
        further: list[str] = []
        if groups is not None and not STYLES[style].SIMULATES:
            # Its explanation is another task's: the other tags compare explanations.
            names, further = [*names, budget], list(groups)
        tags = ", ".join([f"faithful-se-{name}" for name in names] + further)
        text = TASK.format(dataset=dataset, style=style, budget=budget, tags=tags)
        files[f"faithful_se_{dataset}_{style}_{budget}.yaml"] = text
    return files


def _can_simulate(folder: Path) -> bool:
    declared = read_declaration(folder / DECLARATION)["metadata"]["faithful_se"]
    return not simulation_problem(declared.get("language", ENGLISH), declared.get("prompts") or {})


def _group_tags(folder: Path) -> list[str]:
    path = folder / DECLARATION
    config = read_declaration(path)
    check_declaration(str(path), config)
    declared = config["metadata"]["faithful_se"]
    tags = []
    if "rationale" in declared:
        tags.append("faithful-se-rationales")
    if "choices" in declared:  # no mini model was trained on them, so that they are not among its tasks
        return [*tags, "faithful-se-choices"]
    if "rationale" not in declared and folder.name not in PAPER:
        tags.append("faithful-se-unseen")
    return [*tags, "faithful-se-mini"] if has_mini(folder.name) else tags


def main(argv: list[str] | None = None) -> int:
    """Write stale and missing files and delete those of tasks that are gone; with --check only name them."""
    parser = argparse.ArgumentParser(prog="python -m lm_eval_tasks.write_tasks", description="Write the task files.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit status 1 if a file is stale")
    check = parser.parse_args(argv).check
    files = task_files(DATASETS)
    existing = {*DATASETS.glob("*/*.yaml"), *DATASETS.glob("_*_yaml")}
    stale = [path for path, text in files.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    obsolete = sorted(existing - files.keys())
    if not check:
        for path in stale:
            path.write_text(files[path], encoding="utf-8")
        for path in obsolete:
            path.unlink()
    for path in [*stale, *obsolete]:
        print(("stale: " if check else "written: " if path in files else "deleted: ") + str(path.relative_to(DATASETS)))
    return int(check and bool(stale or obsolete))


if __name__ == "__main__":
    raise SystemExit(main())
