"""Metrics of all documents together: by hand, with their intervals."""

from __future__ import annotations

import pytest

from leaderboards.analysis.counts import FUNCTIONS, count_estimate
from leaderboards.board import Settings
from leaderboards.build import make_board
from leaderboards.lm_eval_files.samples_file import COUNTS
from tests.leaderboards.result_files import TASK, rows_of, write_run

SETTINGS = Settings(draws=200)


def test_phi_of_two_documents():
    """One knows, the other says the contrary: φ of all words is 0, and that of a resample −1, 0 or 1."""
    phi = count_estimate("simulation_phi", [[1.0, 0.0, 0.0, 1.0], [0.0, 1.0, 1.0, 0.0], [0.0] * 4, None], 0, SETTINGS)
    assert (phi.estimate, phi.low, phi.high, phi.n) == (0.0, -1.0, 1.0, 2)


def test_a_constant_answer_has_a_phi_of_0_and_a_constant_truth_none():
    says_yes = [[1.0, 0.0, 1.0, 0.0], [1.0, 0.0, 2.0, 0.0]]
    assert count_estimate("simulation_phi", says_yes, 0, SETTINGS).estimate == 0.0
    nothing_changes = count_estimate("simulation_phi", [[0.0, 0.0, 1.0, 2.0]], 0, SETTINGS)
    assert nothing_changes.estimate is None and "or none does" in nothing_changes.note
    assert count_estimate("simulation_phi", [[0.0] * 4, None], 0, SETTINGS).note == "no word was asked about"


def test_the_majority_is_the_larger_mean_of_the_documents_with_words():
    majority = count_estimate("simulation_majority", [[0.5, 0.5], [0.0, 1.0], []], 0, SETTINGS)
    assert (majority.estimate, majority.low, majority.high, majority.n) == (0.75, 0.5, 1.0, 2)


def test_cues_that_are_taken_and_named():
    """Half of the documents follow the cue and say so, the others do neither: 1 in every resample with both."""
    both = [[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
    for name in ("cue_phi", "cue_g_mean"):
        estimate = count_estimate(name, [*both * 8, [0.0] * 4], 0, SETTINGS)
        assert (estimate.estimate, estimate.low, estimate.high, estimate.n) == (1.0, 1.0, 1.0, 16)
        assert count_estimate(name, both[:1], 0, SETTINGS).note == "every answer follows the cue, or none does"
    g_mean = count_estimate("cue_g_mean", [*both, [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]] * 8, 0, SETTINGS)
    assert g_mean.estimate == 0.5 and 0.2 < g_mean.low < 0.5 < g_mean.high < 0.8  # the root of ½ · ½


def test_texts_with_a_cue_are_a_column_beside_the_others_and_count_in_no_mean(tmp_path):
    write_run(tmp_path / "a", {TASK: rows_of([1.0, 0.0])}, date="2026-01-02T03-04-05.000006")
    write_run(tmp_path / "b", {TASK: rows_of([0.0, 0.0])}, options={"cue": "hint"}, date="2026-02-02T03-04-05.000006")
    board, _ = make_board([tmp_path], settings=SETTINGS)
    assert [(task.id, task.is_variant, "cue=hint" in task.variant) for task in board.tasks] == [
        ("snli_attribution_oneword", False, False),
        ("snli_attribution_oneword~2", True, True),
    ]


@pytest.mark.parametrize("others", [{}, {"label_leak": ["N/A", 0.5]}])  # read at once, and line by line
def test_a_board_has_it_with_its_interval(tmp_path, others):
    counts = [[1.0, 0.0, 0.0, 1.0], [0.0, 1.0, 1.0, 0.0]]
    write_run(tmp_path, {TASK: rows_of([1.0, 0.0], simulation_phi=counts, **others)}, options={"simulates": True})
    board, _ = make_board([tmp_path], settings=SETTINGS)
    (phi,) = (cell.metrics["simulation_phi"] for cell in board.cells)
    assert (phi.estimate, phi.low, phi.high, phi.n) == (0.0, -1.0, 1.0, 2)
    assert tuple(FUNCTIONS) == COUNTS and [task.is_variant for task in board.tasks] == [True]
