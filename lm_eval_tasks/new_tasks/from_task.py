"""A multiple-choice or classification task of lm-eval as a dataset of self-explanation tasks (`new --from-task`).

The host's own functions read its rows: `process_docs`, `doc_to_choice` and `doc_to_target` mean what they mean there.
What is asked about, and in which words, is read from its `doc_to_text`: `host_text.py`.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faithful_se.errors import UsageError
from lm_eval_tasks.choices import LETTERS
from lm_eval_tasks.dataset_index import reserved_names
from lm_eval_tasks.declaration import label_problem
from lm_eval_tasks.new_tasks.host_text import HostText, read_host_text
from lm_eval_tasks.new_tasks.new_dataset import Declaration, NewDataset, Row
from lm_eval_tasks.new_tasks.settings import NAME

if TYPE_CHECKING:
    from lm_eval.api.task import ConfigurableTask
    from lm_eval.tasks import TaskManager

OF_CHOICES = "Which of the choices is the right answer, or the best ending, for the following {noun}?"
OF_CLASSES = "Which of the answers is right for the following {noun}?"

# A choice of one letter, or in brackets, as it stands in lists that the text shows.
_LETTERS = {*LETTERS, *(f"({letter})" for letter in LETTERS)}


def write_host_tasks(arguments: argparse.Namespace, out: Path) -> int:
    """Write every task that the patterns name; a line for each that is left out.

    Raises:
        UsageError: none could be written.
    """
    from lm_eval_tasks.new_tasks.report import report
    from lm_eval_tasks.new_tasks.write_folder import check_folder, write_folder

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    say("looking through the tasks of lm-eval, which takes up to a minute …")
    if arguments.name and len(arguments.from_task) > 1:
        raise UsageError(f"--name {arguments.name}: is for one task: leave it out")
    manager = _task_manager()
    names = task_names(manager, arguments.from_task)
    if arguments.name and len(names) > 1:
        raise UsageError(f"--name {arguments.name}: {len(names)} tasks fit the pattern: leave it out")
    problems, written = list[str](), 0
    for name in names:
        try:
            folder = arguments.name or dataset_name(name)
            check_folder(out, folder, arguments.overwrite)
            say(f"reading {name} …")
            dataset = from_task(manager, name, folder)
            lines = list(report(dataset, out))
            write_folder(dataset, out)
        except UsageError as error:
            problems.append(f"{name}: left out: {str(error).removeprefix(f'{name}: ')}")
            continue
        written += 1
        print("\n".join(lines), end="\n\n")
    if not written:
        raise UsageError("--from-task: " + "; ".join(problems[:5]) + ("; …" if len(problems) > 5 else ""))
    print("\n".join([*problems, f"{written} of {len(names)} tasks written into {out}"]))
    return 0


def _task_manager() -> TaskManager:
    from lm_eval.tasks import TaskManager

    return TaskManager()


def task_names(manager: TaskManager, patterns: Iterable[str]) -> list[str]:
    """The tasks of lm-eval that fit the patterns.

    Raises:
        UsageError: a pattern that fits none, or names a group.
    """
    names: dict[str, None] = {}
    for pattern in patterns:
        fitting = [name for name in manager.match_tasks([pattern]) if name in manager.all_subtasks]
        if not fitting and pattern in manager.all_tasks:
            raise UsageError(f"--from-task {pattern}: is a group of tasks: give a pattern, such as '{pattern}_*'")
        if not fitting:
            raise UsageError(f"--from-task {pattern}: lm-eval has no such task: `lm_eval ls tasks` lists them")
        names |= dict.fromkeys(name for name in fitting if not name.startswith("faithful_se"))
    return list(names)


def dataset_name(task: str) -> str:
    """The name of the dataset in task names: the task's; ``host_…`` where the package has a dataset of that name."""
    name = "".join(character if character.isascii() and character.isalnum() else "_" for character in task.lower())
    return name if NAME.fullmatch(name) and name not in reserved_names() else f"host_{name}"


def from_task(manager: TaskManager, task: str, name: str) -> NewDataset:
    """Read a task of lm-eval and its rows.

    Args:
        manager: knows the tasks.
        task: its name.
        name: name of the dataset to write.

    Raises:
        UsageError: it is no multiple choice, its text cannot be told from its question, or its rows cannot be read.
    """
    text = _checked_text(manager, task)
    try:
        host: Any = manager.load([task])["tasks"][task]
    except Exception as error:  # the hub's client raises a dozen kinds, and tasks raise what they like
        line = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UsageError(f"{task}: its rows cannot be read: {line}") from error
    return dataset_of(host, text, name)


def _checked_text(manager: TaskManager, task: str) -> HostText:
    """What a task shows, from its YAML alone: before anything is downloaded."""
    from lm_eval.tasks._yaml_loader import load_yaml

    path = manager.task_index[task].yaml_path
    if path is None:
        raise UsageError(f"{task}: it is written in Python, not in YAML: no text column can be found")
    config = load_yaml(path, resolve_func=False)  # functions are paths then: modules of some tasks end the process
    kind = config.get("output_type", "generate_until")
    if kind != "multiple_choice":
        raise UsageError(f"{task}: output_type is {kind}: it has no choices to answer with")
    template = config.get("doc_to_text")
    if not isinstance(template, str) or template.startswith(str(path.parent)):
        what = "is a function" if isinstance(template, str) else f"is {template!r}"
        raise UsageError(f"{task}: doc_to_text {what}: no text column can be told from the question")
    if not template.strip():
        raise UsageError(f"{task}: doc_to_text is empty, the choices hold the text: there is no text to explain")
    if config.get("doc_to_choice") is None:
        raise UsageError(f"{task}: doc_to_choice is missing: it has no choices to answer with")
    try:
        return read_host_text(template)
    except UsageError as error:
        raise UsageError(f"{task}: {error}") from error


def dataset_of(host: ConfigurableTask, text: HostText, name: str) -> NewDataset:
    """The dataset of a task that lm-eval has loaded."""
    splits: dict[str, list[Row]] = {}
    skipped = Counter[str]()
    for split, docs in _docs(host).items():
        splits[split] = [row for doc in docs if (row := _row(host, text, doc, skipped)) is not None]
    if not splits.get("test"):
        reason = next((f": {reason}" for reason, _ in skipped.most_common(1)), "")
        raise UsageError(f"{host.config.task}: it has no row to evaluate on{reason}")
    choices = [row["choices"] for rows in splits.values() for row in rows]
    # Templates give choices of each row, even if all rows of a small file have the same.
    declared = host.config.doc_to_choice
    is_template = isinstance(declared, str) and ("{{" in declared or declared in host.features)
    same = all(row == choices[0] for row in choices) and not text.choices and not is_template
    notes = tuple(f"{count:,} rows left out: {reason}" for reason, count in skipped.most_common())
    if same:
        if problem := label_problem(choices[0]):
            raise UsageError(f"{host.config.task}: its choices cannot be labels: {problem}")
        for rows in splits.values():
            for row in rows:
                row["label"] = row.pop("choices")[row["label"]]
    nouns = [title.lower() for title in text.titles.values()]
    noun = " and ".join([", ".join(nouns[:-1]), nouns[-1]] if len(nouns) > 1 else nouns)
    declaration = Declaration(
        dataset=name,
        noun=noun,
        question=text.question or (OF_CLASSES if same else OF_CHOICES).format(noun=noun),
        fields=tuple(text.fields),
        titles=tuple(text.titles.values()),
        label_column="label",
        labels=tuple(choices[0]) if same else (),
        further={} if same else {"choices": "choices"},
    )
    config = host.config
    source = f"lm-eval's {config.task}: {config.dataset_path}" + (
        f" ({config.dataset_name})" if config.dataset_name else ""
    )
    return NewDataset(declaration, splits, source, notes)


def _docs(host: ConfigurableTask) -> dict[str, Iterable[Mapping[str, Any]]]:
    """The rows of each split; lm-eval evaluates on its test split, else on its validation split."""
    docs: dict[str, Iterable[Mapping[str, Any]]] = {}
    if host.has_training_docs():
        docs["train"] = host.training_docs()
    if host.has_test_docs():
        docs["test"] = host.test_docs()
        if host.has_validation_docs() and host.config.validation_split != host.config.test_split:
            docs["validation"] = host.validation_docs()
    elif host.has_validation_docs():
        docs["test"] = host.validation_docs()
        if host.config.training_split == host.config.validation_split:
            docs.pop("train", None)
    return docs


def _row(host: ConfigurableTask, text: HostText, doc: Mapping[str, Any], skipped: Counter[str]) -> Row | None:
    """A row in the columns of the dataset; None, counted, where it has no text or no right choice."""
    from lm_eval.utils import apply_template

    templates = [*text.fields.values(), *text.choices]
    try:
        rendered = [apply_template(template, dict(doc)).strip() for template in templates]
        target, offered = host.doc_to_target(doc), list(host.doc_to_choice(doc))
    except Exception as error:  # whatever a template or a function of a task raises
        skipped[f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]:.80}"] += 1
        return None
    listed = rendered[len(text.fields) :]
    choices = listed if listed and set(map(str, offered)) <= _LETTERS else [str(choice).strip() for choice in offered]
    place = _place(target, offered, choices)
    fields = dict(zip(text.fields, rendered, strict=False))
    reason = (
        "no right choice"
        if place is None
        else "no text"
        if not any(fields.values())
        else label_problem(choices) or (f"more than {len(LETTERS)} choices" if len(choices) > len(LETTERS) else "")
    )
    if reason:
        skipped[reason] += 1
        return None
    return {**fields, "choices": choices, "label": place}


def _place(target: Any, offered: list[Any], choices: list[str]) -> int | None:
    if isinstance(target, str):
        if target in offered:
            target = offered.index(target)
        elif target.strip() in choices:
            target = choices.index(target.strip())
        elif target.strip().isdigit():
            target = int(target)
        elif target.strip() in LETTERS:
            target = LETTERS.index(target.strip())
    return int(target) if isinstance(target, Integral) and int(target) in range(len(choices)) else None
