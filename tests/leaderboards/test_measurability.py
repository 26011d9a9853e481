"""A cell that cannot be measured has no number anywhere: in cells, means, gains, ranks, tables, page, comparison."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest

from faithful_se import cli as faithful_se_cli
from leaderboards.board_json import load, save
from leaderboards.frames import board_frame
from leaderboards.page.matrix import generalization_matrix
from leaderboards.page.page_data import page_data
from leaderboards.page.render import render_page
from leaderboards.tables.main_table import table_rows
from leaderboards.tables.table_csv import cells_csv, checkpoints_csv
from leaderboards.tables.table_markup import latex, markdown
from leaderboards.tables.table_png import table_png
from leaderboards.tables.terminal_table import main_text_table
from tests.leaderboards.boards_from_files import board_of
from tests.leaderboards.result_files import TASK, row, rows_of, train_info, write_run

REDACTION, TREC = ("snli", "redaction", "oneword"), ("trec", "attribution", "oneword")
SENTENCE = (
    'the model answers "negative" for 12 of 12 texts (accuracy .50, majority .50): '
    "faithful and lift cannot be measured; use --metadata classifier=calibrated, --num_fewshot 4, or another model"
)


def constant(task=TASK, n=12, **columns):
    """As many right answers as wrong ones, all the same, and nothing changes them."""
    acc = [1.0, 0.0] * (n // 2)
    return rows_of([0.0] * n, task, acc=acc, oracle=0.0, prediction="negative", **columns)


def varied(task=TASK, n=12, faithful=0.5, **columns):
    outcomes = [1.0] * round(n * faithful) + [0.0] * (n - round(n * faithful))
    return rows_of(outcomes, task, prediction=["negative", "positive"] * (n // 2), **columns)


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    """The base is constant on snli; its adapter is measurable everywhere. A third model has one task only."""
    folder = tmp_path_factory.mktemp("results")
    base = {TASK: constant(), REDACTION: constant(REDACTION), TREC: varied(TREC, faithful=0.25)}
    tuned = {TASK: varied(), REDACTION: varied(REDACTION), TREC: varied(TREC, faithful=0.75)}
    write_run(folder / "base", base)
    write_run(folder / "tuned", tuned, peft="out/tuned")
    train_info(folder / "tuned")
    write_run(folder / "third", {TASK: constant()}, model="models/third")
    return board_of(folder)


def test_no_number_in_the_cell_and_its_reason(board):
    cells = {(cell.checkpoint, cell.task): cell for cell in board.cells}
    names = {checkpoint.name: checkpoint.id for checkpoint in board.checkpoints}
    cell = cells[names["base"], "snli_attribution_oneword"]
    assert cell.not_measurable == SENTENCE and cell.answers == {"negative": 12}
    for metric in ("faithful", "lift", "ccf", "faithful_given_valid"):
        assert cell.metrics[metric].estimate is None and cell.metrics[metric].low is None
        assert cell.metrics[metric].note == f"not measurable: {SENTENCE}"
    assert cell.rules["strict"].estimate is None and list(cell.rules) == ["strict"]
    assert (cell.metrics["acc"].estimate, cell.metrics["acc_majority"].estimate) == (0.5, 0.5)
    assert cell.metrics["answer_share"].estimate == 1.0 and cell.metrics["valid"].estimate == 1.0
    good = cells[names["tuned"], "snli_attribution_oneword"]
    assert good.not_measurable == "" and good.metrics["faithful"].estimate == 0.5
    assert good.answers == {"negative": 6, "positive": 6} and good.metrics["answer_share"].estimate == 0.5
    versus = good.versus
    assert versus.faithful.estimate is None and versus.lift.estimate is None and versus.marker == ""
    assert (versus.p, versus.p_holm, versus.detectable) == (None, None, None)
    assert versus.faithful.note == f"not measurable: the other side: {SENTENCE}"
    assert versus.acc.estimate is not None and versus.agreement == 0.5  # what drifted is known


def test_means_and_ranks_leave_it_out_and_say_so(board):
    rows = {row.checkpoint.name: row for row in table_rows(board)}
    faithful = rows["base"].means["faithful"]
    assert faithful.estimate == 0.25 and faithful.note == "over 1 of 3 tasks; 2 not measurable"
    assert all(estimate.note.startswith(faithful.note) for estimate in (rows["base"].chance, rows["base"].oracle))
    # Accuracy is over all three tasks: .5, .5 and 1. The majority's is .5 everywhere.
    assert rows["base"].means["acc"].estimate == pytest.approx(2 / 3) and not rows["base"].means["acc"].note
    assert rows["base"].majority.estimate == 0.5
    assert rows["tuned"].means["faithful"].estimate == pytest.approx((0.5 + 0.5 + 0.75) / 3)
    gains = next(c.gains["all"] for c in board.checkpoints if c.name == "tuned")
    assert gains.estimate == 0.5 and gains.note == "over 1 tasks; 2 not measurable"
    assert rows["tuned"].gain.tasks == 1
    third = rows["third"].means
    assert {third[name].note for name in ("faithful", "lift", "ccf")} == {"not measurable: on none of its tasks"}
    assert list(rows)[-1] == "third"
    (transfer,) = board.matrix
    assert transfer.on.estimate is None and transfer.on.note.startswith("not measurable: ")
    assert transfer.ratio.note == "not measurable on its own tasks, or on all others"


def test_the_notes_say_it_once_per_dataset(board):
    assert f"base, snli: {SENTENCE} (2 tasks)." in board.notes and f"third, snli: {SENTENCE} (1 task)." in board.notes
    different = (
        "Rows average different tasks, so their means cannot be compared: of 3 tasks, base 1. Compare single tasks."
    )
    assert different in board.notes


def test_every_table_says_it(board, tmp_path):
    text = main_text_table(board)
    third = next(line for line in text.splitlines() if line.startswith("third"))
    assert third.split()[1:4] == ["n.m."] * 3 and "0.000 [" not in third
    assert "majority" in text.splitlines()[0] and "tasks" in text.splitlines()[0]
    assert " 0/3" in third and " 1/3" in next(line for line in text.splitlines() if line.startswith("base"))
    long = replace(board, checkpoints=tuple(replace(row, name="long" * 99) for row in board.checkpoints))
    assert max(map(len, main_text_table(long).splitlines())) < 300  # two names, cut to 60 characters
    lines = markdown(board).splitlines()
    (third,) = [line for line in lines if line.startswith("| third")]
    assert third.count("| not measurable ") == 3 and "(.50) |" in third
    assert any(line.startswith("- third, snli: the model answers") for line in lines)
    assert any(line.startswith("- Rows average different tasks") for line in lines)
    assert "In brackets after acc: always answering the most frequent label." in markdown(board)
    assert "not measurable" in latex(board) and table_png(board)[:4] == b"\x89PNG"
    cells = list(csv.DictReader(io.StringIO(cells_csv(board))))
    blank = [line for line in cells if line["not measurable"]]
    assert len(blank) == 3 and {line["not measurable"] for line in blank} == {SENTENCE}
    assert {(line["faithful"], line["lift"], line["ccf"], line["rule strict"]) for line in blank} == {("", "", "", "")}
    (record,) = [r for r in csv.DictReader(io.StringIO(checkpoints_csv(board))) if r["checkpoint"] == "third"]
    assert record["faithful"] == "" and record["faithful note"].startswith("not measurable")
    assert record["acc_majority"] == "0.5"
    assert board_frame(board)["not measurable"].null_count() == 4
    save(board, tmp_path / "board.json")
    assert load(tmp_path / "board.json") == board


def test_the_page_says_it(board):
    page = render_page(board)
    assert f'not measurable: {SENTENCE}"'.replace('"negative"', "&#34;negative&#34;") in page  # in the matrix
    assert '<span class="note" title="not measurable: on none of its tasks">not measurable</span>' in page
    assert '<span class="note">2 not measurable</span>' in page
    assert '<span class="value" title="over 1 of 3 tasks">' in page and ">1 of 3 tasks</span>" in page  # in its name
    assert '<span class="interval">majority .50</span>' in page
    data = page_data(board)
    assert sum("notMeasurable" in cell for row in data["checkpoints"] for cell in row["cells"]) == 3
    groups = [group for block in generalization_matrix(board).blocks for group in block.groups]
    cells = {"Base: faithful": [], "Trained: change": []}
    for title, rows in groups:
        cells[title] += [cell for row in rows for cell in row.cells]
    assert [cell.text for cell in cells["Base: faithful"]] == ["n.m.", ".25", "n.m."]
    assert [cell.text for cell in cells["Trained: change"]] == ["n.m.", "+.50", "n.m."]
    tips = [cell.tip for of_group in cells.values() for cell in of_group if cell.text == "n.m."]
    assert len(tips) == 4 and all("negative" in tip for tip in tips)


def test_without_samples_the_results_file_says_it(tmp_path):
    name = "faithful_se_snli_attribution_oneword"
    path = write_run(tmp_path / "base", {TASK: constant()}, samples=False)
    content = json.loads(path.read_text())
    content["results"][name]["measurable,none"] = "no (one answer for 12 of 12)"
    path.write_text(json.dumps(content))
    (cell,) = board_of(tmp_path).cells
    assert cell.metrics["faithful"].estimate is None
    assert cell.not_measurable.startswith("one answer for 12 of 12: faithful and lift cannot be measured; ")
    content["results"][name]["measurable,none"] = 1.0
    path.write_text(json.dumps(content))
    (cell,) = board_of(tmp_path).cells
    assert cell.metrics["faithful"].estimate == 0.0 and not cell.not_measurable


def test_compare_says_it_and_fails(tmp_path, capsys):
    write_run(tmp_path / "a", {TASK: varied(), TREC: varied(TREC)}, model="models/a")
    write_run(tmp_path / "b", {TASK: constant(), TREC: varied(TREC, faithful=1.0)}, model="models/b")

    def compare(*arguments):
        return faithful_se_cli.main(["compare", *map(str, arguments), "--draws", "200"])

    assert compare(tmp_path / "a", tmp_path / "b") == 0
    out = capsys.readouterr().out
    snli = next(line for line in out.splitlines() if line.startswith("snli_attribution"))
    assert snli.split()[1:5] == ["12", "0.500", "n.m.", "n.m."] and "worse" not in snli
    assert "mean over 1 task, B - A: +0.500" in out
    assert f"note: B, snli_attribution_oneword: {SENTENCE}." in out
    assert compare(tmp_path / "a", tmp_path / "b", "--fail-if", "worse") == 1  # it was measurable in A
    assert compare(tmp_path / "b", tmp_path / "b", "--fail-if", "worse") == 0
    capsys.readouterr()
    assert compare(tmp_path / "b", tmp_path / "b", "--json") == 0
    (pair, _) = json.loads(capsys.readouterr().out)["pairs"]
    assert pair["not_measurable_a"] == pair["not_measurable_b"] == SENTENCE


def test_compare_prints_no_none(tmp_path, capsys):
    unread = [row(i, 1.0 if i else 0.0, prediction="positive", after=None if i == 0 else "auto") for i in range(12)]
    invalid = [row(i, 0.0 if i else 1.0, valid=0.0 if i else 1.0) for i in range(12)]
    write_run(tmp_path / "a", {TASK: unread}, model="models/a")
    write_run(tmp_path / "b", {TASK: invalid}, model="models/b")
    assert faithful_se_cli.main(["compare", str(tmp_path / "a"), str(tmp_path / "b"), "--draws", "200"]) == 0
    out = capsys.readouterr().out
    assert "A: oslo (positive -> no label)" in out and "B: (no word) (positive -> not asked)" in out
    assert "None" not in out
