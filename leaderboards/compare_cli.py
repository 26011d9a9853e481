"""`faithful-se compare A B`: B against A on the same documents."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from faithful_se.errors import UsageError, require_packages
from leaderboards.board import Settings
from leaderboards.compare import Comparison, Pair, compare
from leaderboards.runs import Run

ABOUT = """\
B against A on the documents that both have: differences (B minus A) with paired-bootstrap intervals, exact McNemar
tests, Holm over the tasks, the smallest difference that could have been found, and the documents that changed.

A and B are folders of results of one model each, or names of checkpoints, with --board or --results:
  faithful-se compare results/base results/trained
  faithful-se compare base trained --results results
  faithful-se compare base trained --board board/board.json --json
  faithful-se compare results/yesterday results/today --fail-if worse
"""


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    usual = Settings()
    made = argparse.ArgumentParser(
        prog="faithful-se compare", description=ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("a", metavar="A", help="what is compared with: a folder, a results file, or a name")
    made.add_argument("b", metavar="B", help="what is compared")
    where = made.add_mutually_exclusive_group()
    where.add_argument("--results", nargs="+", type=Path, metavar="RESULTS", help="folders in which A and B are names")
    where.add_argument(
        "--board",
        type=Path,
        metavar="FILE",
        help="a board.json in which A and B are names; its result files must be there",
    )
    made.add_argument(
        "--documents",
        type=int,
        default=3,
        metavar="N",
        help="changed documents shown per task and direction (default: 3)",
    )
    made.add_argument(
        "--draws", type=int, default=usual.draws, metavar="N", help=f"of the bootstraps (default: {usual.draws})"
    )
    made.add_argument(
        "--seed", type=int, default=usual.seed, metavar="N", help=f"of the bootstraps (default: {usual.seed})"
    )
    made.add_argument("--json", action="store_true", help="the comparison as JSON, for scripts")
    made.add_argument(
        "--fail-if", choices=("worse",), help="exit status 1 if B is significantly less faithful in any task"
    )
    return made


def main(argv: list[str] | None = None) -> int:
    """Compare two checkpoints. Exit status 0; 1 with --fail-if; 2 when the input is wrong."""
    given = parser().parse_args(argv)
    require_packages("board", "polars", *(["pydantic"] if given.board else []))
    if given.draws < 100 or given.documents < 0 or given.seed < 0:
        raise UsageError("--draws must be at least 100, --documents and --seed at least 0")
    first, second = _sides(given.a, given.b, given.results, given.board)
    settings = Settings(draws=given.draws, seed=given.seed, cards=given.documents)
    found = compare(first, second, settings)
    if not found.pairs:
        raise UsageError(f"{given.a} and {given.b} cannot be compared: {' '.join(found.notes) or 'no task in common'}")
    print(json.dumps(as_json(found, settings), ensure_ascii=False, indent=1) if given.json else as_text(found))
    return int(given.fail_if == "worse" and any(pair.versus.marker == "worse" for pair in found.pairs))


def _sides(a: str, b: str, results: Sequence[Path] | None, board: Path | None) -> list[tuple[str, list[Run]]]:
    if board is not None:
        from leaderboards.board_json import load

        loaded = load(board)
        return [_of_board(name, loaded.checkpoints, board) for name in (a, b)]
    if results:
        from leaderboards.build import Told, read_runs
        from leaderboards.checkpoints import index_of, rows_of

        notes = Told()
        rows, _ = rows_of(read_runs(results, notes), {})
        _warn(notes.skipped)
        chosen = [rows[index_of(rows, name, "compare")] for name in (a, b)]
        return [(row.name, list(row.runs)) for row in chosen]
    sides = [_of_folder([Path(name)], name) for name in (a, b)]
    names = [name for name, _ in sides]
    return sides if names[0] != names[1] else [(path, runs) for path, (_, runs) in zip((a, b), sides, strict=True)]


def _of_board(name: str, checkpoints: Sequence[object], board: Path) -> tuple[str, list[Run]]:
    from leaderboards.board import Checkpoint

    its = [one for one in checkpoints if isinstance(one, Checkpoint) and name in (one.name, one.id)]
    if len(its) != 1:
        names = ", ".join(one.name for one in checkpoints if isinstance(one, Checkpoint))
        raise UsageError(f"{name}: no checkpoint of {board}; there are {names}")
    files = [Path(file) for file in its[0].files]
    if gone := [file for file in files if not file.exists()]:
        raise UsageError(f"{board}: the results of {its[0].name} are not there any more ({gone[0]}); use --results")
    return its[0].name, _of_folder(files, name)[1]


def _of_folder(paths: list[Path], name: str) -> tuple[str, list[Run]]:
    """The runs of the one model below the paths."""
    from leaderboards.build import Told, read_runs
    from leaderboards.checkpoints import rows_of

    if not any(path.exists() for path in paths):
        raise UsageError(f"{paths[0]}: no such folder; give a folder of results, or names with --results or --board")
    notes = Told()
    rows, _ = rows_of(read_runs(paths, notes), {})
    _warn(notes.skipped)
    if len(rows) > 1:
        names = ", ".join(row.name for row in rows)
        raise UsageError(f"{name}: results of several models ({names}); name two of them with --results {name}")
    return rows[0].name, list(rows[0].runs)


def _warn(skipped: Sequence[object]) -> None:
    from leaderboards.terminal import clean

    for one in skipped:
        print(clean(f"skipped {getattr(one, 'path', '')}: {getattr(one, 'reason', '')}"), file=sys.stderr)


def as_json(found: Comparison, settings: Settings) -> dict[str, object]:
    """The comparison as plain values."""
    told = asdict(found)
    told["settings"] = {
        "confidence": settings.confidence,
        "alpha": settings.alpha,
        "draws": settings.draws,
        "seed": settings.seed,
    }
    told["worse"] = [pair.task for pair in found.pairs if pair.versus.marker == "worse"]
    told["better"] = [pair.task for pair in found.pairs if pair.versus.marker == "better"]
    return told


def as_text(found: Comparison) -> str:
    """The comparison as tables."""
    from leaderboards.terminal import clean, gain, table

    head = (
        "task",
        "n",
        "A",
        "B",
        "B - A",
        "only A",
        "only B",
        "differ",
        "p",
        "Holm",
        "",
        "detectable",
        "lift",
        "acc",
        "agreement",
    )
    parts = [f"A: {clean(found.a)}\nB: {clean(found.b)}\n", table(head, [_line(pair) for pair in found.pairs])]
    parts.append(f"\nmean over {len(found.pairs)} tasks, B - A: {gain(found.mean)}")
    parts.append(
        "A, B: share faithful. only A, only B: documents. differ: documents with another value of any metric; of one\n"
        "model evaluated twice this is the noise, and no comparison sees below it. p: exact McNemar; Holm: over these\n"
        "tasks. detectable: smallest difference that this many documents would have shown at 80 % power in one\n"
        "test, before Holm, with as many of them changed. lift, acc: B - A. agreement: of predictions. An interval\n"
        "without width: every document gave the same difference, which is not certainty."
    )
    for pair in found.pairs:
        for one in pair.changed:
            parts.append(
                f"\n{pair.task}, only {one.faithful} is faithful: {clean(one.text)[:300]}\n"
                f"  A: {_said(one.a.words)} ({clean(str(one.a.prediction))} -> {clean(str(one.a.after))})\n"
                f"  B: {_said(one.b.words)} ({clean(str(one.b.prediction))} -> {clean(str(one.b.after))})"
            )
    parts += [f"note: {clean(note)}" for note in found.notes]
    return "\n".join(parts)


def _line(pair: Pair) -> list[str]:
    from leaderboards.terminal import gain, p_value

    versus = pair.versus
    a, b = (side["faithful"].estimate for side in (pair.a, pair.b))
    n = str(versus.n) if pair.n_a == pair.n_b == versus.n else f"{versus.n} of {pair.n_a}, {pair.n_b}"
    return [
        pair.task,
        n,
        "" if a is None else f"{a:.3f}",
        "" if b is None else f"{b:.3f}",
        gain(versus.faithful),
        str(versus.only_base),
        str(versus.only_checkpoint),
        str(pair.differ),
        p_value(versus.p),
        p_value(versus.p_holm),
        versus.marker,
        "" if versus.detectable is None else f"{versus.detectable:.3f}",
        gain(versus.lift),
        gain(versus.acc),
        "" if versus.agreement is None else f"{versus.agreement:.3f}",
    ]


def _said(words: Sequence[str]) -> str:
    from leaderboards.terminal import clean

    return ", ".join(clean(word) for word in words[:8]) or "(no word)"
