"""`faithful-se attribute`: which word did the model's own answer hang on?"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path
from typing import Any

EXAMPLES = """\
examples:
  faithful-se attribute --model MODEL --tasks sentiment140 snli agnews --limit 10000 --out runs/attributions
  faithful-se attribute --model MODEL --tasks snli --data DIR --method ig --steps 32 --check-flips --out OUT
  faithful-se attribute --model MODEL --file rows.jsonl --labels spam "no spam" --question "Is this spam?" --out OUT
  accelerate launch --num_processes 8 -m training.attribution.cli --model MODEL --tasks snli --out OUT

The same command goes on after it was stopped. What is written: training/README.md.
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(
        "faithful-se attribute",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    p.add_argument("--model", required=True, help="folder or hub name of an instruction-tuned model, or of an adapter")
    p.add_argument("--adapter", default="", help="a peft adapter to put on the model")
    p.add_argument("--tasks", nargs="+", default=[], metavar="DATASET", help="datasets, as in the names of the tasks")
    p.add_argument("--data", help="hub, mini or a folder; also of what a build keeps apart (default: hub)")
    p.add_argument("--split", help="split of the datasets: train, validation or test (default: train)")
    p.add_argument("--file", type=Path, help="a JSONL file of texts, asked about as --tasks or --labels say")
    p.add_argument("--labels", nargs="+", default=[], help="labels to choose from, with --file")
    p.add_argument("--fields", nargs="+", help="text columns of --file, with --labels (default: text)")
    p.add_argument("--question", help="the question about the texts of --file, with --labels")
    p.add_argument("--limit", type=int, help="only the first texts of each dataset")
    p.add_argument("--out", type=Path, required=True, help="folder to write to, or to go on in")
    p.add_argument("--mask", default="[REDACTED]", help="what is written in place of a word (default: [REDACTED])")
    p.add_argument("--unknown", action="store_true", help='offer "unknown" as a label')
    p.add_argument("--system", default="", help="a system message that opens every conversation")

    from training.attribution.options import TARGETS, AttributionOptions

    usual = AttributionOptions
    how = p.add_argument_group("how words are scored")
    how.add_argument("--method", default=usual.method, help=f"{', '.join(_methods())} (default: {usual.method})")
    how.add_argument("--target", default=usual.target, help=f"{', '.join(TARGETS)} (default: {usual.target})")
    how.add_argument(
        "--steps", type=int, default=usual.steps, help="integration steps of ig: 16 (default) to screen, 32 to be sure"
    )
    how.add_argument(
        "--finalists",
        type=int,
        default=usual.finalists,
        help=f"words that cascade leaves to occlusion (default: {usual.finalists})",
    )
    how.add_argument(
        "--samples",
        type=int,
        default=usual.samples,
        help=f"draws of shapley, lime and kernel_shap (default: {usual.samples})",
    )
    how.add_argument("--per-occurrence", action="store_true", help="score every occurrence of a word alone")
    how.add_argument("--check-flips", action="store_true", help="ask whether masking the top word changes the answer")
    how.add_argument("--whole-answer", action="store_true", help="score the end of the answer as a part of the label")
    how.add_argument("--seed", type=int, default=usual.seed, help=f"of the methods that draw (default: {usual.seed})")

    machine = p.add_argument_group("machine")
    machine.add_argument("--dtype", default="auto", help="auto, float32, bfloat16, float16 (default: auto, as stored)")
    machine.add_argument("--device", default="", help="cpu, cuda, cuda:1 (default: a GPU if there is one)")
    machine.add_argument(
        "--token-budget",
        type=int,
        default=0,
        help="tokens at once, halved when memory runs out (default: what suits the device)",
    )
    machine.add_argument("--full-recompute", action="store_true", help="occlusion without reusing keys and values")
    machine.add_argument("--shard-size", type=int, default=128, help="texts written at once (default: 128)")
    return p


def main(argv: list[str] | None = None) -> int:
    """Run the command; 0, or 130 where it was stopped by Ctrl-C."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    try:
        _run(parser().parse_args(sys.argv[1:] if argv is None else argv))
    except KeyboardInterrupt:
        if os.environ.get("RANK", "0") == "0":  # Ctrl-C reaches all processes of a launch
            print("faithful-se: stopped; the same command goes on where it was", file=sys.stderr)
        return 130
    return 0


def _run(given: argparse.Namespace) -> None:
    from lm_eval_tasks.data import dataset_spec
    from lm_eval_tasks.options import read_options
    from training.attribution.options import AttributionOptions
    from training.attribution.run import attribute
    from training.attribution.sources import from_dataset, from_file, question_of
    from training.attribution.splits import check_evaluation
    from training.attribution.summary import summary
    from training.models.loading import load_model
    from training.runs.settings import absolute_data

    _check(given)
    data = given.data or "hub"
    options = AttributionOptions(
        method=given.method,
        target=given.target,
        steps=given.steps,
        finalists=given.finalists,
        samples=given.samples,
        pool=not given.per_occurrence,
        suffix_only=not given.full_recompute,
        check_flips=given.check_flips,
        whole_answer=given.whole_answer,
        seed=given.seed,
    )
    asked = {"data": data, "mask": given.mask, "unknown": given.unknown}
    task = read_options("attribute", {}, asked)
    if given.file:
        name = given.file.stem
        question = (
            question_of(given.labels, given.fields or ["text"], given.question or "", name)
            if given.labels
            else dataset_spec(given.tasks[0]).question
        )
        sources = [from_file(given.file, question, task, given.limit, given.system)]
        settings: dict[str, Any] = {"file": str(given.file.resolve())}
        if given.tasks:  # whose evaluation texts a build keeps apart
            check_evaluation(dataset_spec(given.tasks[0]), data)
            settings["data"] = absolute_data(data)
        if given.labels:  # a text is found again by its hash, which knows nothing of what is asked about it
            settings |= {"question": question.question, "fields": question.fields, "labels": question.labels}
    else:
        names = dict.fromkeys(given.tasks)
        split = given.split or "train"
        sources = [from_dataset(name, task, split, given.limit, given.system) for name in names]
        settings = {"data": absolute_data(data), "split": split}
    model, tokenizer = load_model(given.model, given.adapter, given.dtype, given.device)
    settings["dtype"] = str(model.dtype).removeprefix("torch.")
    counts = attribute(
        model,
        tokenizer,
        sources,
        given.out,
        options,
        token_budget=given.token_budget,
        shard_size=given.shard_size,
        settings=settings,
    )
    for name in counts:
        print(summary(given.out / f"{name}.jsonl"))


def _check(given: argparse.Namespace) -> None:
    """Refuse options that do not go together: each would be without effect, or leave open what is asked."""
    from faithful_se.errors import UsageError

    if not given.file and (given.labels or not given.tasks):
        raise UsageError("give --tasks DATASET …, or --file rows.jsonl with --labels or --tasks")
    if (given.file and bool(given.labels) == bool(given.tasks)) or (given.file and len(given.tasks) > 1):
        raise UsageError("--file is asked about with --labels …, or as one dataset: --tasks DATASET")
    for name, value, of, belongs in (
        ("--question", given.question, "--file with --labels", given.labels),
        ("--fields", given.fields, "--file with --labels", given.labels),
        ("--split", given.split, "--tasks without --file", not given.file),
        ("--data", given.data, "--tasks", given.tasks),
    ):
        if value is not None and not belongs:
            raise UsageError(f"{name} is for {of}: leave it out")
    if (given.limit is not None and given.limit < 1) or given.shard_size < 1 or given.token_budget < 0:
        raise UsageError("--limit, --shard-size and --token-budget are whole numbers from 1")


def _methods() -> list[str]:
    from training.attribution.methods import METHODS

    return list(METHODS)


if __name__ == "__main__":
    raise SystemExit(main())
