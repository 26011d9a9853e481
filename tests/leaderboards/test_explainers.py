"""Others' explanations on a board: a table of their own, with the difference to the model's own explanations."""

from __future__ import annotations

import pytest

from faithful_se.errors import UsageError
from leaderboards.page.render import render_page
from leaderboards.tables.explainer_table import explainer_rows, explainer_text_table
from leaderboards.tables.table_markup import markdown
from leaderboards.verdict import verdict
from tests.leaderboards.boards_from_files import OTHER_TASK, board_of
from tests.leaderboards.result_files import TASK, rows_of, write_run

OWN = [1.0] * 8 + [0.0] * 2
LIST = [1.0] * 2 + [0.0] * 8
OF_LIST = {"explanations": "word list of <attr>", "explanations_digest": "0123abcd"}


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    tmp_path = tmp_path_factory.mktemp("results")
    tasks = {TASK: rows_of(OWN, random=0.1), OTHER_TASK: rows_of(OWN, OTHER_TASK, random=0.1)}
    write_run(tmp_path / "own", tasks)
    write_run(tmp_path / "list", {TASK: rows_of(LIST, random=0.2)}, options=OF_LIST)
    write_run(tmp_path / "people", {TASK: rows_of(OWN, random=0.1)}, options={"explanations": "people"})
    write_run(tmp_path / "trained", {TASK: rows_of(OWN)}, peft="models/trained")
    return board_of(tmp_path)


def test_they_are_no_checkpoints_and_no_columns(board):
    assert [checkpoint.name for checkpoint in board.checkpoints] == ["base", "trained"]
    assert [task.id for task in board.tasks] == ["snli_attribution_oneword", "snli_redaction_oneword"]
    assert all("explanations" not in task.options for task in board.tasks)
    assert [(explainer.checkpoint, explainer.explained_by) for explainer in board.explainers] == [
        ("c0", "people"),
        ("c0", "word list of <attr>"),
    ]


def test_own_minus_other_by_hand(board):
    """Faithful .8 against .2, chance .1 against .2: own leads by .6, and by .7 - .0 in lift."""
    people, listed = board.explainers
    assert listed.own_leads["faithful"].estimate == pytest.approx(0.6)
    assert listed.own_leads["lift"].estimate == pytest.approx(0.7)
    assert (listed.means["lift"].estimate, listed.own_means["lift"].estimate) == pytest.approx((0.0, 0.7))
    low, high = listed.own_leads["lift"].low, listed.own_leads["lift"].high
    assert 0.3 < low < 0.7 < high < 1.1
    (cell,) = listed.cells
    versus = cell.own_versus
    # Six texts are won and none is lost: exact McNemar 2 / 2^6.
    assert (versus.only_checkpoint, versus.only_base, versus.p, versus.p_holm) == (6, 0, 0.03125, 0.03125)
    assert (versus.marker, versus.agreement, cell.metrics["faithful"].estimate) == ("better", 1.0, 0.2)
    assert (people.own_leads["lift"].estimate, people.cells[0].own_versus.marker) == (0.0, "")


def test_tables_page_and_verdict_say_who_explains(board):
    people, listed = explainer_rows(board)
    assert (listed.checkpoint, listed.explained_by, listed.counts, people.counts) == (
        "base", "word list of <attr>", "1/0/0", "0/0/1",
    )  # fmt: skip
    assert "word list of <attr>  +0.000" in explainer_text_table(board)
    assert "| base | word list of &lt;attr> | .00 [" in markdown(board)
    page = render_page(board)
    assert "Whose knowledge" in page and "word list of &lt;attr&gt;" in page
    assert explainer_rows(board, "c1") == [] and verdict(board).best == "c1"
    assert not any("its own explanations" in sentence for sentence in verdict(board).sentences)


def test_the_verdict_on_one_model_compares_it_with_the_others(tmp_path):
    write_run(tmp_path / "own", {TASK: rows_of(OWN, random=0.1)})
    write_run(tmp_path / "list", {TASK: rows_of(LIST, random=0.2)}, options=OF_LIST)
    line = next(line for line in verdict(board_of(tmp_path)).sentences if line.startswith("Lift of its own"))
    assert line.startswith("Lift of its own explanations, minus that of others: “word list of <attr>” +.70 [")


def test_explainers_of_one_name_are_told_apart(tmp_path):
    write_run(tmp_path / "own", {TASK: rows_of(OWN)})
    for digest in ("aa", "bb"):
        options = {"explanations": "trained", "explanations_digest": digest}
        write_run(tmp_path / digest, {TASK: rows_of(LIST)}, options=options)
    assert [explainer.explained_by for explainer in board_of(tmp_path).explainers] == ["trained (aa)", "trained (bb)"]


def test_without_own_explanations_nothing_is_compared(tmp_path):
    write_run(tmp_path / "list", {TASK: rows_of(LIST)}, options=OF_LIST)
    with pytest.raises(UsageError, match="no run is of a model's own explanations"):
        board_of(tmp_path)
    write_run(tmp_path / "other", {TASK: rows_of(OWN)}, model="models/other")
    write_run(tmp_path / "base", {OTHER_TASK: rows_of(OWN, OTHER_TASK)})
    board = board_of(tmp_path)
    assert board.explainers == ()
    assert any("its own explanations are of other tasks or options" in note for note in board.notes)
