"""`faithful-se attribute`: which word of a text does the model's own answer depend on?"""

from __future__ import annotations

import argparse
import logging
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faithful_se.errors import UsageError
from faithful_se.files import check_writable
from training.attribution.options import AttributionOptions, LabelOptions
from training.command_line import command_parser, include_path, metavar, options_from, refuse_options

if TYPE_CHECKING:
    from training.attribution.inputs import Source

EXAMPLES = """\
examples:
  faithful-se attribute --model MODEL --tasks sentiment140 snli agnews --limit 10000 --out runs/attributions
  faithful-se attribute --model MODEL --tasks snli --data DIR --method ig --steps 32 --check-flips --out OUT
  faithful-se attribute --model MODEL --file rows.jsonl --labels spam "no spam" --question "Is this spam?" --out OUT
  accelerate launch --num_processes 8 --no_python faithful-se attribute --model MODEL --tasks snli --out OUT

After an interruption, the same command resumes. docs/attribution.md describes what is written.
"""

REFUSED = {"--answer-with": "attributions rank the letters of the choices, never their texts: leave it out"}


@dataclass(frozen=True)
class TextOptions:
    """Which model is asked about which texts.

    Attributes:
        model: folder or hub name of an instruction-tuned model, or folder of an adapter.
        out: folder to write to, or to resume in.
        adapter: a peft adapter to put on the model.
        tasks: datasets, as in the names of the tasks.
        include_path: folder of datasets outside the package, as faithful-se new writes them.
        data: hub, mini or a folder; `faithful-se build` keeps the evaluation's texts of it apart (default: hub).
        split: split of the datasets: train, validation or test (default: train).
        file: texts as JSON lines, a JSON array, CSV, TSV or Parquet, with --labels or with one dataset as --tasks.
        labels: labels to choose from, with --file.
        fields: text columns of --file, with --labels (default: text).
        question: the question about the texts of --file, with --labels.
        language: of the prompts about the texts of --file, with --labels: en, de or zh (default: en).
        limit: only the first texts of each dataset.
        order: file, or balanced: every gold label equally often, with --tasks and --limit.
        order_seed: seed of the balanced order.
        mask: what is written in place of a word, or of a sentence.
        unit: what is scored: word (default), or sentence.
        unknown: offer "unknown" as a label.
        words_of: of multiple choice, whose words count: question, choices or both.
        word_list: also write word_list.json: for each label, the mean score of each word. The option explanations of
            the evaluation takes it.
        system: a system message that opens every conversation.
        chat_template_args: further arguments of the chat template as JSON, as the evaluation has them, such as
            {"enable_thinking": false}.
    """

    model: str
    out: Path
    adapter: str = ""
    tasks: tuple[str, ...] = metavar("DATASET", ())
    include_path: str = include_path()
    data: str | None = None
    split: str | None = None
    file: Path | None = None
    labels: tuple[str, ...] = metavar("LABEL", ())
    fields: tuple[str, ...] = metavar("FIELD", ())
    question: str | None = None
    language: str | None = None
    limit: int | None = None
    order: str = "file"
    order_seed: int = 0
    mask: str = "[REDACTED]"
    unit: str = "word"
    unknown: bool = False
    words_of: str = "question"
    word_list: bool = False
    system: str = ""
    chat_template_args: str = metavar("JSON", "")

    def __post_init__(self) -> None:
        """Refuse options that would have no effect, and those that leave open what to ask.

        Raises:
            UsageError: names the option and what it belongs to.
        """
        if not self.file and (self.labels or not self.tasks):
            raise UsageError("give --tasks DATASET …, or --file rows.jsonl with --labels or --tasks")
        if self.file and (bool(self.labels) == bool(self.tasks) or len(self.tasks) > 1):
            raise UsageError("--file needs --labels …, or the question of one dataset: --tasks DATASET")
        for option, value, condition, holds in (
            ("--question", self.question, "--file with --labels", self.labels),
            ("--language", self.language, "--file with --labels", self.labels),
            ("--fields", self.fields or None, "--file with --labels", self.labels),
            ("--split", self.split, "--tasks without --file", not self.file),
            ("--data", self.data, "--tasks", self.tasks),
            (
                "--words-of",
                None if self.words_of == "question" else self.words_of,
                "--tasks without --file",
                not self.file,
            ),
            ("--include_path", self.include_path or None, "--tasks", self.tasks),
            ("--order", None if self.order == "file" else self.order, "--tasks without --file", not self.file),
        ):
            if value is not None and not holds:
                raise UsageError(f"{option} is for {condition}: leave it out")
        if self.word_list and self.unit != "word":
            raise UsageError(f"--word-list is for words: leave it out, or --unit {self.unit}")
        if self.limit is not None and self.limit < 1:
            raise UsageError(f"--limit {self.limit}: give a whole number from 1")


@dataclass(frozen=True)
class MachineOptions:
    """How the machine is used. None of these changes a score beyond rounding.

    Attributes:
        dtype: auto (as stored), float32, bfloat16 or float16.
        device: cpu, cuda, cuda:1 (default: a GPU if there is one).
        token_budget: tokens at once, halved when memory runs out; 0 takes what suits the device.
        shard_size: texts that are written at once, and lost at most by an interruption.
        plan: only attribute a few texts, and print calls, tokens and minutes for all.
    """

    dtype: str = "auto"
    device: str = ""
    token_budget: int = 0
    shard_size: int = 128
    plan: bool = False

    def __post_init__(self) -> None:
        if self.shard_size < 1 or self.token_budget < 0:
            raise UsageError("--shard-size and --token-budget are whole numbers from 1")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    groups = {
        "": TextOptions,
        "how the model is asked for labels": LabelOptions,
        "how words are scored": AttributionOptions,
        "machine": MachineOptions,
    }
    return command_parser("faithful-se attribute", __doc__, EXAMPLES, groups)


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    words = sys.argv[1:] if argv is None else argv
    refuse_options(words, REFUSED)
    arguments = parser().parse_args(words)
    _run(
        options_from(arguments, TextOptions),
        options_from(arguments, LabelOptions),
        options_from(arguments, AttributionOptions),
        options_from(arguments, MachineOptions),
    )
    return 0


def _run(texts: TextOptions, labels: LabelOptions, scoring: AttributionOptions, machine: MachineOptions) -> None:
    from training.attribution.cost import cost_lines
    from training.attribution.folder import AttributionFolder
    from training.attribution.prompt.chat_template import read_template_args
    from training.attribution.rows import summarize
    from training.attribution.run import attribute
    from training.attribution.word_list import check_labels, write_word_lists
    from training.models.loading import load_model

    template_args = read_template_args(texts.chat_template_args)
    check_writable(texts.out, "--out")
    sources, settings = _sources(texts, labels)
    if texts.word_list:
        check_labels(sources)
    for line in cost_lines(sources, scoring):
        print(line, file=sys.stderr)
    model, tokenizer = load_model(texts.model, texts.adapter, machine.dtype, machine.device)
    if machine.plan:
        from training.attribution.choices import attributor_of
        from training.attribution.plan import plan_attribution

        machinery = {"token_budget": machine.token_budget, "template_args": template_args}
        attributors = [attributor_of(model, tokenizer, source, scoring, **machinery) for source in sources]
        print("\n".join(plan_attribution(sources, attributors)))
        return
    settings["dtype"] = str(model.dtype).removeprefix("torch.")
    counts = attribute(
        model,
        tokenizer,
        sources,
        texts.out,
        scoring,
        token_budget=machine.token_budget,
        shard_size=machine.shard_size,
        settings=settings,
        template_args=template_args,
    )
    priors = (AttributionFolder.read_settings(texts.out) or {}).get("label_prior") or {}
    for name in counts:
        print(summarize(texts.out / f"{name}.jsonl", priors.get(name), settings["dtype"]))
    if texts.word_list and counts:  # in the first process
        print(write_word_lists(texts.out))


def _sources(texts: TextOptions, labels: LabelOptions) -> tuple[list[Source], dict[str, Any]]:
    """The texts, and the settings that say where they are from."""
    from lm_eval_tasks.data import OWN, dataset_spec
    from lm_eval_tasks.read_options import read_options
    from training.attribution.declared_options import check_declared_options
    from training.attribution.inputs import check_evaluation, from_dataset, from_file, question_of
    from training.runs.settings import absolute_data

    datasets = {name: dataset_spec(name, texts.include_path) for name in texts.tasks}
    data = texts.data or (OWN if datasets and all(dataset.home for dataset in datasets.values()) else "hub")
    outside = {"include_path": str(Path(texts.include_path).expanduser().resolve())} if texts.include_path else {}
    names = ("mask", "unit", "unknown", "order", "order_seed", "words_of")
    overrides = {"data": data, **{name: getattr(texts, name) for name in names}, **labels.task_options}
    task_options = read_options("attribute", {}, overrides)
    for declaration in datasets.values():
        check_declared_options(declaration, task_options)
    if not texts.file:
        split = texts.split or "train"
        sources = [
            from_dataset(dataset, task_options, split, texts.limit, texts.system, labels)
            for dataset in datasets.values()
        ]
        drawn = {"order": texts.order, "order_seed": texts.order_seed} if texts.order != "file" else {}
        return sources, {"data": absolute_data(data), "split": split, **outside, **drawn, **labels.settings}
    settings: dict[str, Any] = {"file": str(texts.file.resolve()), **labels.settings}
    if texts.tasks and datasets[texts.tasks[0]].choices:
        raise UsageError(
            f"--file with --tasks {texts.tasks[0]}: its texts have choices of their own: give --data DIR, a folder "
            f"that holds them as {texts.tasks[0]}/train.jsonl"
        )
    if texts.labels:
        fields, name = texts.fields or ("text",), texts.file.stem
        question = question_of(texts.labels, fields, texts.question or "", name, texts.language)
        # Rows are found again by the hash of their text, which does not depend on the question.
        subject = {"question": question.question, "fields": question.fields, "labels": question.labels}
        subject |= {"language": question.language} if texts.language else {}
    else:
        question = datasets[texts.tasks[0]].question
        subject = {"data": absolute_data(data), **outside}
    dataset = datasets[texts.tasks[0]] if texts.tasks else None
    sources = [from_file(texts.file, question, task_options, texts.limit, texts.system, labels, dataset)]
    if dataset:
        check_evaluation(dataset, data)
    return sources, settings | subject


if __name__ == "__main__":
    raise SystemExit(main())
