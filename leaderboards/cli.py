"""`faithful-se board`: folders of results -> `board.json`, one offline page, tables."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from faithful_se.errors import UsageError, require_packages
from leaderboards.board import Board, Settings
from leaderboards.overwrite_guard import refuse_strangers

ABOUT = """\
Which checkpoint explains itself truly, and is the difference real? Reads what lm_eval wrote with --output_path and
--log_samples: any number of folders, models, dates. Writes DIR/index.html (one page, works offline), DIR/board.json and
the main table as Markdown, CSV, LaTeX and PNG.

  faithful-se board results --out board
  faithful-se board results --out board --base my-base --train-info my-checkpoint=runs/sft/train_info.json
  faithful-se board submissions/my-model --check
"""


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    usual = Settings()
    made = argparse.ArgumentParser(
        prog="faithful-se board", description=ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("results", nargs="+", type=Path, metavar="RESULTS", help="folders of results, or results files")
    made.add_argument("--out", type=Path, metavar="DIR", help="where the board is written")
    made.add_argument("--title", default="Faithfulness of self-explanations", help="of the page")
    made.add_argument("--base", metavar="NAME", help="compared with, where a checkpoint names no base that is there")
    made.add_argument(
        "--train-info",
        action="append",
        default=[],
        metavar="NAME=FILE",
        help="what checkpoint NAME was trained on; repeat",
    )
    made.add_argument(
        "--runs",
        choices=("newest", "all"),
        default="newest",
        help="newest: the newest complete run of each model, task and options; all: every date a row (default: newest)",
    )
    made.add_argument(
        "--run", default="", metavar="DATE", help="only runs whose date begins so: 2026-01-31, 2026-01-31T10"
    )
    made.add_argument(
        "--cards",
        type=_whole,
        default=usual.cards,
        metavar="N",
        help=f"documents per task on the page (default: {usual.cards})",
    )
    made.add_argument(
        "--draws", type=_whole, default=usual.draws, metavar="N", help=f"of the bootstraps (default: {usual.draws})"
    )
    made.add_argument(
        "--seed", type=_whole, default=usual.seed, metavar="N", help=f"of the bootstraps (default: {usual.seed})"
    )
    made.add_argument(
        "--check", action="store_true", help="check a submission instead: one line a finding, exit status 1 if any"
    )
    return made


def main(argv: list[str] | None = None) -> int:
    """Make a board, or check a submission."""
    given = parser().parse_args(argv)
    require_packages(
        "board", *(["polars"] if given.check else ["altair", "great_tables", "jinja2", "polars", "vl_convert"])
    )
    if given.check:
        from leaderboards.submission import report

        return report(given.results)
    if given.out is None:
        raise UsageError("--out DIR is missing: where is the board to be written?")
    from leaderboards.build import Choice, make_board
    from leaderboards.terminal import clean, main_table

    infos = dict(map(_named_file, given.train_info))
    if given.draws < 100:
        raise UsageError(f"--draws {given.draws}: give at least 100, or intervals are noise")
    if given.out.exists() and not given.out.is_dir():
        raise UsageError(f"--out {given.out}: is a file; give a folder")
    refuse_strangers(given.out)
    settings = Settings(cards=given.cards, draws=given.draws, seed=given.seed)
    choice = Choice(given.base, infos, given.runs == "all", given.run)
    board, size = make_board(given.results, given.title, settings, choice)
    for one in board.skipped:
        print(clean(f"skipped {one.path}: {one.reason}"), file=sys.stderr)
    pairs = sum(task.n for task in board.tasks)
    documents = f"{board.documents_total} different documents, {pairs} pairs of document and task"
    print(
        f"{len(board.checkpoints)} checkpoints, {len(board.tasks)} tasks, {len(board.cells)} cells, "
        f"{documents}; {size / 1e6:.0f} MB of samples read, {len(board.skipped)} files or runs skipped"
    )
    for note in board.notes:
        print(clean(f"note: {note}"))
    print(f"\nMeans over all tasks, 95 % intervals:\n\n{main_table(board)}\n")
    for path in write(board, given.out):
        print(path)
    print(f"\nThe page: {(given.out / 'index.html').absolute().as_uri()}")
    return 0


def write(board: Board, out: Path) -> list[Path]:
    """All files of a board; the page last.

    Raises:
        UsageError: the folder cannot be written, or holds files of these names that no board wrote.
    """
    from leaderboards.board_json import save
    from leaderboards.export import write_tables
    from leaderboards.page import write_page

    refuse_strangers(out)
    try:
        save(board, out / "board.json")
        tables = write_tables(board, out)
        write_page(board, out / "index.html")
    except OSError as error:
        raise UsageError(f"{error.filename or out}: cannot be written ({error.strerror})") from error
    return [out / "board.json", *tables, out / "index.html"]


def _whole(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text}: give a number from 0")
    return number


def _named_file(pair: str) -> tuple[str, Path]:
    """NAME=FILE. Names hold "=" where arguments tell models apart: the first "=" that a file follows parts them."""
    cuts = [i for i, character in enumerate(pair) if character == "=" and 0 < i < len(pair) - 1]
    if not cuts:
        raise UsageError(f"--train-info {pair}: give NAME=FILE")
    cut = next((i for i in cuts if Path(pair[i + 1 :]).is_file()), cuts[0])
    return pair[:cut], Path(pair[cut + 1 :])
