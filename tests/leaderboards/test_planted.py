"""Result files with known rates. Do the intervals cover them, and are planted effects detected, but no others?

Each repetition writes the files of three models on three tasks and makes a board of them. Documents are easy or hard
(u = 1 or 0, half each), for all models and tasks alike, so that outcomes are correlated as real ones are:

    faithful of the base         .2 + .3 u           = .35 on every task
    of the checkpoint "tuned"    .5 + .3 u           = .65 on its own task and on another style, same documents
                                 .35 + .3 u          = .50 on another dataset
    of the checkpoint "null"     .2 + .3 u           = .35 on every task, drawn anew
    two random words             .1 + .2 u each      = .20
    the oracle                   any of these, or .8 = 1 - .2 P(none of these), with
                                 P = (.5 x .9² + .2 x .7²) / 2 = .2515, on another dataset
                                     (.65 x .9² + .35 x .7²) / 2 = .349

    python -m pytest -m slow tests/leaderboards/test_planted.py -s
"""

from __future__ import annotations

import numpy as np
import pytest

from faithfulness_metrics import chance
from faithfulness_metrics.bootstrap import intervals, resampled_means
from leaderboards.board import Board, Settings
from leaderboards.build import make_board
from tests.leaderboards.result_files import rows_of, train_info, write_run

HOME, STYLE, ELSEWHERE = (
    ("snli", "attribution", "oneword"),
    ("snli", "redaction", "oneword"),
    ("trec", "attribution", "oneword"),
)
EASY = {  # probability of faithful on hard documents; easy ones have .3 more
    "base": {HOME: 0.2, STYLE: 0.2, ELSEWHERE: 0.2},
    "tuned": {HOME: 0.5, STYLE: 0.5, ELSEWHERE: 0.35},
    "null": {HOME: 0.2, STYLE: 0.2, ELSEWHERE: 0.2},
}
TRUTH = {
    "rate (Wilson)": 0.65,
    "difference to the base": 0.30,
    "lift": 0.45,
    "difference of lifts": 0.30,
    "ccf": 0.45 / (1 - 0.2 * 0.2515 - 0.2),
    "mean over tasks": 1.8 / 3,
    "ccf over tasks": (0.6 - 0.2) / (1 - 0.2 * (2 * 0.2515 + 0.349) / 3 - 0.2),
    "mean gain over tasks": 0.75 / 3,
    "gain on another style": 0.30,
    "transfer ratio": 0.75,
}


def simulate(path, seed: int, documents: int = 200, draws: int = 2000) -> Board:
    """A board of freshly drawn files."""
    rng = np.random.default_rng(seed)
    easy = {"snli": rng.random(documents) < 0.5, "trec": rng.random(documents) < 0.5}
    for name, rates in EASY.items():
        tasks = {}
        for task, rate in rates.items():
            u = easy[task[0]]
            faithful = (rng.random(documents) < rate + 0.3 * u).astype(float)
            random = (rng.random((2, documents)) < 0.1 + 0.2 * u).mean(axis=0)
            oracle = np.maximum(np.maximum(faithful, random > 0), rng.random(documents) < 0.8)
            tasks[task] = rows_of(faithful.tolist(), task, random=random.tolist(), oracle=oracle.tolist())
        write_run(path / name, tasks, peft="" if name == "base" else f"out/{name}")
    train_info(path / "tuned")
    train_info(path / "null")
    return make_board([path], settings=Settings(seed=seed, cards=0, draws=draws))[0]


def estimates(board: Board):
    """Kind of interval -> Estimate, of the checkpoint "tuned"."""
    tuned = next(c for c in board.checkpoints if c.name == "tuned")
    cell = next(c for c in board.cells if c.checkpoint == tuned.id and c.task == "snli_attribution_oneword")
    row = next(r for r in board.matrix if r.checkpoint == tuned.id)
    return {
        "rate (Wilson)": cell.metrics["faithful"],
        "difference to the base": cell.versus.faithful,
        "lift": cell.metrics["lift"],
        "difference of lifts": cell.versus.lift,
        "ccf": cell.metrics["ccf"],
        "mean over tasks": tuned.means["all"]["faithful"],
        "ccf over tasks": tuned.means["all"]["ccf"],
        "mean gain over tasks": tuned.gains["all"],
        "gain on another style": row.off["style"],
        "transfer ratio": row.ratio,
    }


def markers(board: Board, name: str) -> list[str]:
    ids = {c.id for c in board.checkpoints if c.name == name}
    return [c.versus.marker for c in board.cells if c.checkpoint in ids]


def test_a_board_of_planted_rates(tmp_path):
    """One repetition with many documents: estimates are near the truth, and only the planted effect is detected."""
    board = simulate(tmp_path, seed=3, documents=1500)
    for kind, estimate in estimates(board).items():
        assert estimate.estimate == pytest.approx(TRUTH[kind], abs=0.06), kind
        assert estimate.low < estimate.estimate < estimate.high, kind
    assert markers(board, "tuned") == ["better"] * 3
    assert markers(board, "null") == [""] * 3


def test_intervals_cover_the_truth_quickly():
    """400 repetitions of the resampling, without files: a difference and a ratio."""
    rng, covered = np.random.default_rng(0), {"difference": 0, "ccf": 0}
    for seed in range(400):
        u = rng.random(200) < 0.5
        base, tuned = rng.random(200) < 0.2 + 0.3 * u, rng.random(200) < 0.5 + 0.3 * u
        random = (rng.random((2, 200)) < 0.1 + 0.2 * u).mean(axis=0)
        oracle = np.maximum(np.maximum(tuned, random > 0), rng.random(200) < 0.8)
        draws = resampled_means(np.array([tuned, base, random, oracle]), 1000, seed)
        for kind, values, truth in (
            ("difference", draws[0] - draws[1], TRUTH["difference to the base"]),
            ("ccf", chance.ratio_of_means(draws[[0, 2, 3]].T), TRUTH["ccf"]),
        ):
            (low,), (high,) = intervals(values[None])
            covered[kind] += low <= truth <= high
    for kind, count in covered.items():
        assert abs(count / 400 - 0.95) <= 0.03, (kind, count)


@pytest.mark.slow
def test_intervals_cover_the_truth(tmp_path):
    """1,000 repetitions of each kind of interval: 95 ± 2 %."""
    repetitions, covered = 1000, dict.fromkeys(TRUTH, 0)
    for seed in range(repetitions):
        for kind, estimate in estimates(simulate(tmp_path, seed)).items():
            covered[kind] += estimate.low <= TRUTH[kind] <= estimate.high
    print()
    for kind, count in covered.items():
        print(f"{kind:24} {count / repetitions:.1%} of {repetitions} intervals cover the truth")
    assert all(abs(count / repetitions - 0.95) <= 0.02 for count in covered.values()), covered


@pytest.mark.slow
def test_the_effect_is_found_and_the_null_is_not_flagged(tmp_path):
    """200 repetitions, three tasks each, Holm over them."""
    repetitions, all_detected, flagged, tests, small = 200, 0, 0, 0, 0
    for seed in range(repetitions):
        board = simulate(tmp_path, 10_000 + seed, draws=200)
        tuned, null = markers(board, "tuned"), markers(board, "null")
        all_detected += tuned == ["better"] * 3
        small += tuned[2] == "better"
        flagged += any(null)
        tests += sum(map(bool, null))
    print(f"\nall three effects found in {all_detected / repetitions:.1%} of the boards")
    print(f"the smallest effect (.15) found in {small / repetitions:.1%} of the boards")
    print(f"null flagged in any task in {flagged / repetitions:.1%} of the boards, {tests} of {3 * repetitions} tests")
    assert all_detected / repetitions >= 0.8
    assert flagged / repetitions <= 0.05
