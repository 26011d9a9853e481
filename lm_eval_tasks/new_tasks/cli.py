"""`faithful-se new`: from a file, a folder or a name on the hub to tasks that every command of this package takes."""

from __future__ import annotations

import argparse
from pathlib import Path

from faithful_se.errors import UsageError
from lm_eval_tasks.languages import ENGLISH, language_names
from lm_eval_tasks.new_tasks.settings import LARGEST_TEST, LARGEST_VALIDATION, SourceSettings

DESCRIPTION = """\
Writes a folder of tasks from your own texts and labels, and says what it has understood. The texts stand in a file
(CSV, TSV, JSON Lines, a JSON array, Parquet), in a folder of such files named by split, in a folder of the `datasets`
library, or on the hub. A held-out split is drawn where there is none.

  faithful-se new complaints.csv --text complaint --label category --out my_tasks
  faithful-se new train.jsonl --test test.jsonl --text title body --label spam --labels 0=no 1=yes --out my_tasks
  faithful-se new dair-ai/emotion --text text --label label --noun tweet --out my_tasks
  faithful-se new exam.csv --text question --choices option_a option_b option_c --label answer --out my_tasks
  faithful-se new --from-task boolq --out my_tasks
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    arguments = argparse.ArgumentParser(
        prog="faithful-se new",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = arguments.add_argument
    add("source", nargs="?", default="", metavar="SOURCE", help="a file, a folder, or a name on the hub")
    add("--out", type=Path, required=True, metavar="DIR", help="folder of tasks to write into; --include_path later")
    add("--from-task", nargs="+", default=[], metavar="TASK", help="tasks of lm-eval instead of SOURCE, or patterns")
    add("--name", default="", help="name of the dataset in task names (default: that of SOURCE)")
    add("--overwrite", action="store_true", help="replace the dataset of that name in DIR")

    columns = arguments.add_argument_group("what the columns are")
    add = columns.add_argument
    add("--text", nargs="+", default=[], metavar="COLUMN", help="the column of the text, or several of them")
    add("--label", default="", metavar="COLUMN", help="the column of the label")
    help = "of multiple choice: the column that holds the list of choices (or options.text), or one column for each"
    add("--choices", nargs="+", default=[], metavar="COLUMN", help=help)
    help = "what the column of the label calls the choices, in order, or the column that says it (default: found out)"
    add("--choice-names", nargs="+", default=[], metavar="NAME", help=help)
    help = "the labels in the order of the prompt, as VALUE or VALUE=NAME (default: all that occur, in order)"
    add("--labels", nargs="+", default=[], metavar="LABEL", help=help)
    add("--drop", nargs="+", default=[], metavar="VALUE", help="leave out rows with this value in the label column")
    add("--skip-empty", action="store_true", help="leave out rows without a text, a label or two choices")

    prompts = arguments.add_argument_group("what the model reads")
    add = prompts.add_argument
    add("--noun", default="", help="what a text is called, such as complaint (default: the name of its column)")
    add("--question", default="", help='without the labels (default: "Which label fits the following NOUN?")')
    add(
        "--titles", nargs="+", default=[], metavar="TITLE", help="written before each text (default: its column's name)"
    )

    help = f"of the prompts: {', '.join(language_names())} (default: {ENGLISH})"
    add("--language", default=ENGLISH, metavar="NAME", help=help)

    splits = arguments.add_argument_group("splits")
    add = splits.add_argument
    add("--test", type=Path, metavar="FILE", help="the rows to evaluate on, where SOURCE is one file")
    add("--validation", type=Path, metavar="FILE", help="the rows of the validation split, where SOURCE is one file")
    help = f"size of a test split that is drawn (default: 30 %% of the rows, at most {LARGEST_TEST})"
    add("--test-rows", type=int, metavar="N", help=help)
    help = f"size of a validation split that is drawn (default: 10 %% of the rows, at most {LARGEST_VALIDATION})"
    add("--validation-rows", type=int, metavar="N", help=help)
    add("--seed", type=int, default=0, help="seed of the draw (default: 0)")

    reading = arguments.add_argument_group("reading")
    add = reading.add_argument
    add("--encoding", default="", help="of files that are not in UTF-8, such as latin-1")
    add("--config", default="", metavar="NAME", help="configuration of a dataset on the hub")
    add("--revision", default="", help="commit or branch on the hub")
    return arguments


def main(argv: list[str]) -> int:
    """Run the command."""
    arguments = parser().parse_args(argv)
    out, overwrite = arguments.out.expanduser(), arguments.overwrite
    if arguments.from_task:
        if arguments.source:
            raise UsageError(f"--from-task: {arguments.source} is a second source: leave one out")
        from lm_eval_tasks.new_tasks.from_task import write_host_tasks

        return write_host_tasks(arguments, out)
    settings = SourceSettings.of(vars(arguments))

    from lm_eval_tasks.new_tasks.read_source import read_source
    from lm_eval_tasks.new_tasks.report import report
    from lm_eval_tasks.new_tasks.write_folder import check_folder, write_folder

    check_folder(out, settings.dataset, overwrite)
    dataset = read_source(settings)
    lines = list(report(dataset, out))
    write_folder(dataset, out)
    print("\n".join(lines))
    return 0
