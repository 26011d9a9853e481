"""The generator of the scale benchmark writes what a board reads, small."""

from __future__ import annotations

from benchmarks.board_scale import generate
from leaderboards.board import Settings
from leaderboards.build import make_board


def test_generated_files_make_a_whole_board(tmp_path):
    rows, size = generate(tmp_path, checkpoints=4, documents=30)
    assert rows == 4 * 36 * 30 and size == sum(path.stat().st_size for path in tmp_path.rglob("*.jsonl"))
    board, read = make_board([tmp_path], settings=Settings(draws=100, cards=2))
    assert read == size and board.skipped == ()
    assert (len(board.checkpoints), len(board.tasks), len(board.cells), len(board.matrix)) == (4, 36, 144, 3)
    assert [c.base for c in board.checkpoints] == [None, "c0", "c0", "c0"]
    assert board.pairs_total == 36 * 30 and board.documents_total == 6 * 30 and len(board.documents) == 72
