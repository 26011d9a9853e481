"""`faithful-se compare A B`: model B against model A on the same documents, as text or JSON."""

from __future__ import annotations

import argparse
from pathlib import Path

from faithful_se.errors import UsageError, require_packages
from leaderboards.board import Settings
from leaderboards.cli import add_bootstrap_options, check_draws, count, load_polars
from leaderboards.comparison.compare import compare
from leaderboards.comparison.find_sides import find_sides
from leaderboards.comparison.report import comparison_json, comparison_text

DESCRIPTION = """\
B against A on the documents that both have: differences (B minus A) with paired-bootstrap intervals, exact McNemar
tests, Holm over the tasks, the smallest detectable difference, and some documents that changed.

A and B are folders of results of one model each, or names of checkpoints, with --board or --results:
  faithful-se compare results/base results/trained
  faithful-se compare base trained --results results
  faithful-se compare base trained --board board/board.json --json
  faithful-se compare results/yesterday results/today --fail-if worse
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    arguments = argparse.ArgumentParser(
        prog="faithful-se compare", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("a", metavar="A", help="the reference: a folder, a results file, or a name")
    arguments.add_argument("b", metavar="B", help="what is compared with it")
    names = arguments.add_mutually_exclusive_group()
    names.add_argument(
        "--results", nargs="+", type=Path, metavar="RESULTS", help="folders in which A and B are names of models"
    )
    names.add_argument(
        "--board",
        type=Path,
        metavar="FILE",
        help="a board.json in which A and B are names; its result files must still exist",
    )
    arguments.add_argument(
        "--documents",
        type=count,
        default=3,
        metavar="N",
        help="changed documents to print per task and direction (default: 3)",
    )
    add_bootstrap_options(arguments)
    arguments.add_argument("--json", action="store_true", help="print the comparison as JSON, for scripts")
    arguments.add_argument(
        "--fail-if",
        choices=("worse",),
        help="exit status 1 if B is significantly less faithful in any task, or can no longer be measured there",
    )
    return arguments


def main(argv: list[str] | None = None) -> int:
    """Compare two checkpoints. Exit status 0; 1 with --fail-if; 2 when the input is wrong."""
    options = parser().parse_args(argv)
    require_packages("board", "polars", *(["pydantic"] if options.board else []))
    load_polars()
    check_draws(options.draws)
    a, b = find_sides(options.a, options.b, options.results, options.board)
    settings = Settings(draws=options.draws, seed=options.seed, cards=options.documents)
    comparison = compare(a, b, settings)
    if not comparison.pairs:
        reason = " ".join(comparison.notes) or "no task in common"
        raise UsageError(f"{options.a} and {options.b} cannot be compared: {reason}")
    print(comparison_json(comparison, settings) if options.json else comparison_text(comparison))
    worse = any(
        pair.versus.marker == "worse" or (pair.not_measurable_b and not pair.not_measurable_a)
        for pair in comparison.pairs
    )
    return int(options.fail_if == "worse" and worse)
