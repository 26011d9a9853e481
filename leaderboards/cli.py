"""`faithful-se board`: folders of results become `board.json`, one offline page, and tables."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from textwrap import fill

from faithful_se.errors import UsageError, require_packages
from faithful_se.files import check_writable
from faithful_se.hub import check_upload
from leaderboards.board import Board, Settings
from leaderboards.published import is_board
from leaderboards.sanitize import terminal_line

# What a board can be on the hub.
KINDS = ("space", "dataset")

DESCRIPTION = """\
Which checkpoint explains itself faithfully, and is the difference real? Reads what lm_eval wrote with --output_path and
--log_samples: any number of folders, models and dates. Writes DIR/index.html (one page, works offline), DIR/board.json,
and the main table as Markdown, CSV, LaTeX and PNG.

  faithful-se board results --out board
  faithful-se board results --out board --base my-base --train-info my-checkpoint=runs/sft/train_info.json
  faithful-se board results --out board --push my-name/my-board --private
  faithful-se board submissions/my-model --check
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    arguments = argparse.ArgumentParser(
        prog="faithful-se board", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = arguments.add_argument
    add("results", nargs="+", type=Path, metavar="RESULTS", help="folders of results, or results files")
    add("--out", type=Path, metavar="DIR", help="write the board into this folder")
    add("--title", default="Faithfulness of self-explanations", help="title of the page")
    add("--base", metavar="NAME", help="compare with this checkpoint, if a checkpoint's own base is not on the board")
    add(
        "--train-info",
        action="append",
        default=[],
        metavar="NAME=FILE",
        help="FILE says what checkpoint NAME was trained on; can be repeated",
    )
    add(
        "--runs",
        choices=("newest", "all"),
        default="newest",
        help="newest: the newest complete run of each model, task and options; all: a row per date (default: newest)",
    )
    add("--run", default="", metavar="DATE", help="only runs whose date begins with DATE: 2026-01-31, 2026-01-31T10")
    add(
        "--cards",
        type=count,
        default=Settings.cards,
        metavar="N",
        help=f"documents per task on the page (default: {Settings.cards})",
    )
    add_bootstrap_options(arguments)
    add(
        "--check",
        action="store_true",
        help="check a submission, or a board: one line per finding, exit status 1 if any",
    )
    hub = arguments.add_argument_group("sharing on the Hugging Face hub")
    hub.add_argument("--push", metavar="REPO", help="upload the board; RESULTS may be a board made before")
    hub.add_argument(
        "--push-as", choices=KINDS, default=KINDS[0], help="a static Space, or files of a dataset (default: space)"
    )
    hub.add_argument("--private", action="store_true", help="only you may see a repository that is made")
    return arguments


def add_bootstrap_options(arguments: argparse.ArgumentParser) -> None:
    """Add --draws and --seed."""
    for name, default in (("draws", Settings.draws), ("seed", Settings.seed)):
        arguments.add_argument(
            f"--{name}", type=count, default=default, metavar="N", help=f"{name} of the bootstraps (default: {default})"
        )


def check_draws(draws: int) -> None:
    """Refuse too few draws."""
    if draws < 100:
        raise UsageError(f"--draws {draws}: give at least 100; fewer make intervals unreliable")


def load_polars() -> None:
    """Import polars, which passes over a part of its own that cannot be loaded, and would fail at the first use."""
    import polars

    try:
        polars.thread_pool_size()
    except NameError:
        import polars._plr  # the reason; memory, for one


def main(argv: list[str] | None = None) -> int:
    """Make a board, or check a submission."""
    options = parser().parse_args(argv)
    writes = not options.check or any(map(is_board, options.results))
    require_packages("board", *(["altair", "great_tables", "jinja2", "polars", "vl_convert"] if writes else ["polars"]))
    load_polars()
    if options.check:
        from leaderboards.submission import report

        return report(options.results)
    if options.push is not None:
        check_upload(f"--push {options.push}", options.push)
        if options.out is None and len(options.results) == 1 and is_board(options.results[0]):
            return _push_again(options.results[0], options)
    if options.out is None:
        raise UsageError("--out DIR is missing: give the folder to write the board into")
    from leaderboards.build import RunSelection, make_board
    from leaderboards.export import refuse_foreign_files, write_board

    train_infos = dict(map(_parse_train_info, options.train_info))
    check_draws(options.draws)
    if options.out.exists() and not options.out.is_dir():
        raise UsageError(f"--out {options.out}: is a file; give a folder")
    refuse_foreign_files(options.out)
    check_writable(options.out, "--out")
    settings = Settings(cards=options.cards, draws=options.draws, seed=options.seed)
    selection = RunSelection(options.base, train_infos, options.runs == "all", options.run)
    board, size = make_board(options.results, options.title, settings, selection)
    paths = write_board(board, options.out)  # before anything is printed: `| head` closes the pipe
    _print_summary(board, size)
    print(*paths, sep="\n")
    print(f"\nThe page: {(options.out / 'index.html').absolute().as_uri()}")
    if options.push is not None:
        _push(board, options.out, options)
    return 0


def _push_again(folder: Path, options: argparse.Namespace) -> int:
    """Upload a board that was made before, if its files belong together."""
    from leaderboards.board_json import load
    from leaderboards.published import find_problems

    for file, problem in find_problems(folder):
        raise UsageError(f"{file}: {problem}")
    _push(load(folder / "board.json"), folder, options)
    return 0


def _push(board: Board, folder: Path, options: argparse.Namespace) -> None:
    from leaderboards.hub import push

    print(f"On the hub: {push(board, folder, options.push, options.push_as, private=options.private)}")


def _print_summary(board: Board, size: int) -> None:
    """Print skipped files on stderr; counts, notes and the main table on stdout."""
    from leaderboards.number_format import counted
    from leaderboards.tables.explainer_table import explainer_text_table
    from leaderboards.tables.terminal_table import main_text_table
    from leaderboards.tables.wording_table import wording_text_table
    from leaderboards.verdict import verdict

    for skipped in board.skipped:
        print(terminal_line(f"skipped {skipped.path}: {skipped.reason}"), file=sys.stderr)
    pairs, skips = sum(task.n for task in board.tasks), len(board.skipped)
    nouns = ("checkpoint", "task", "cell", "different document")
    numbers = (len(board.checkpoints), len(board.tasks), len(board.cells), board.documents_total)
    print(
        f"{', '.join(map(counted, numbers, nouns))}, {counted(pairs, 'pair')} of document and task; "
        f"{size / 1e6:.0f} MB of samples read, {'1 file or run' if skips == 1 else f'{skips} files or runs'} skipped"
    )
    for note in board.notes:
        print(terminal_line(f"note: {note}"))
    print(f"\nMeans over all tasks, 95 % intervals:\n\n{main_text_table(board)}\n")
    if table := explainer_text_table(board):
        print(f"Whose knowledge: own explanations and those of others, of the same answers:\n\n{table}\n")
    if table := wording_text_table(board):
        print(f"Lift by wording of the request for an explanation (template=1 to 5):\n\n{table}\n")
    for sentence in verdict(board).sentences:
        print(fill(terminal_line(sentence), 80, subsequent_indent="  ", break_long_words=False))
    print()


def count(text: str) -> int:
    """The value of an option that counts something."""
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text}: give a number from 0")
    return number


def _parse_train_info(pair: str) -> tuple[str, Path]:
    """NAME=FILE. Names may hold "=", so the first "=" with an existing file after it separates the two."""
    separators = [i for i, character in enumerate(pair) if character == "=" and 0 < i < len(pair) - 1]
    if not separators:
        raise UsageError(f"--train-info {pair}: give NAME=FILE")
    separator = next((i for i in separators if Path(pair[i + 1 :]).is_file()), separators[0])
    return pair[:separator], Path(pair[separator + 1 :])
