from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest

from leaderboards.board import Estimate
from leaderboards.export import write_tables
from leaderboards.tables.table_csv import cells_csv, checkpoints_csv
from leaderboards.tables.table_markup import latex, markdown
from tests.leaderboards.example_boards import large, small
from tests.leaderboards.hostile_text import NAME


def named(*names: str):
    board = small()
    renamed = tuple(replace(checkpoint, name=name) for checkpoint, name in zip(board.checkpoints, names, strict=False))
    return replace(board, checkpoints=renamed + board.checkpoints[len(names) :])


def test_markdown_is_literally_this():
    assert markdown(small()).splitlines()[:7] == [
        "# Leaderboard &lt;of> mini",
        "",
        "2026-11-23, faithful-se 0.1.0. Means over tasks, 95 % intervals. Against base: mean difference in faithful, "
        "and on how many tasks it is significantly better or worse (5 % level after Holm).",
        "",
        "| checkpoint | trained on | arm | faithful | against base | lift | ccf | valid | acc |",
        "|---|---|---|--:|--:|--:|--:|--:|--:|",
        "| mini-word | agnews · attribution · one word | deciding word | .72 [.69, .75] | +.67 (▲ 2 ▼ 0 of 2) "
        "| +.66 [+.63, +.69] | .74 [.71, .77] | .98 [.97, .99] | .90 [.88, .92] |",
    ]


@pytest.mark.parametrize(
    ("name", "escaped"),
    [
        ("a|b", "a\\|b"),
        ("line\nbreak", "line↵break"),
        ("<script>x</script>", "&lt;script>x&lt;/script>"),
        ("[x](javascript:alert(1))", "\\[x\\](javascript:alert(1))"),
        ("`x` *y* _z_ a_b", "\\`x\\` \\*y\\* \\_z\\_ a_b"),
        ("back\\|slash", "back\\\\\\|slash"),
        ("https://example.org/x", "https&#8203;://example.org/x"),
    ],
)
def test_markdown_names_are_text(name, escaped):
    line = markdown(named(name)).splitlines()[7]
    assert line.startswith(f"| {escaped} | base |")
    # Nine cells: a bar that ends one has no backslash before it.
    assert len(line.replace("\\\\", "").replace("\\|", "").split("|")) == 11


def test_csv_of_cells_holds_every_number():
    lines = list(csv.DictReader(io.StringIO(cells_csv(small()))))
    assert [(line["checkpoint"], line["dataset"]) for line in lines[:2]] == [("mini", "agnews"), ("mini", "trec")]
    word = lines[2]
    assert word["task"] == "faithful_se_agnews_attribution_oneword"
    assert (word["faithful"], word["faithful low"], word["faithful high"], word["n"]) == (
        "0.94",
        "0.9099999999999999",
        "0.97",
        "300",
    )
    assert (word["versus base"], word["versus faithful"], word["versus marker"]) == ("mini", "0.94", "better")
    assert float(word["versus p_holm"]) == pytest.approx(0.0009) and word["versus only_checkpoint"] == "282"
    assert (word["plausibility_f1"], lines[5]["plausibility_f1"]) == ("", "0.3")
    # An undefined value is empty, never 0, and its note says why.
    trec = lines[1]
    assert (trec["ccf"], trec["ccf note"]) == ("", "not measurable (headroom 0.03)")
    assert (trec["versus faithful"], trec["versus n"]) == ("", "")
    assert float(trec["rule given valid"]) == pytest.approx(0.12)


@pytest.mark.parametrize("name", [NAME, "+1", "-x", "@SUM(A1)", " =1", "\t=1", "＝1"])
def test_no_text_of_a_csv_begins_a_formula(name):
    board = named(name)
    for text in (cells_csv(board), checkpoints_csv(board)):
        names = {line["checkpoint"] for line in csv.DictReader(io.StringIO(text))}
        assert f"'{name}" in names and name not in names


def test_numbers_of_a_csv_keep_their_minus():
    line = list(csv.DictReader(io.StringIO(checkpoints_csv(small()))))[2]
    assert float(line["against base"]) == pytest.approx(-0.02) and line["tasks worse"] == "1"


def test_latex_is_escaped_and_set_with_booktabs():
    text = latex(named(r"50%_a & \input{x} $y$ #1 ~^", "[optional]", "*star"))
    assert r"50\%\_a \& \textbackslash{}input\{x\} \$y\$ \#1 \textasciitilde{}\textasciicircum{} & " in text
    # After `\\` a bracket would be its argument, a star a part of it.
    assert "\n{}[optional] &" in text and "\n{}*star &" in text
    assert all(rule in text for rule in (r"\toprule", r"\midrule", r"\bottomrule"))
    assert r"& +.67 $\blacktriangle$2 $\blacktriangledown$0 &" in text
    rows = [line for line in text.splitlines() if line.endswith((r"\\", r"\\ "))]
    assert len(rows) == 4 and all(line.replace(r"\&", "").count("&") == 7 for line in rows)


def test_a_comment_of_latex_stays_one():
    board = replace(small(), title="x\n\\input{/etc/passwd}")
    assert latex(board).splitlines()[0].startswith("% x↵\\input{/etc/passwd}, 2026")


def test_all_files_are_written_and_the_picture_is_one(tmp_path):
    written = write_tables(large(45, 2, 0), tmp_path / "new")
    assert [path.name for path in written] == ["board.md", "board.csv", "checkpoints.csv", "board.tex", "board.png"]
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(path.name for path in written)
    png = written[-1].read_bytes()
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = (int.from_bytes(png[at : at + 4], "big") for at in (16, 20))
    # 40 rows of 22 pixels at twice the size, and no more.
    assert 40 * 44 < height < 50 * 44 and width > 2000


def test_the_mean_gain_has_its_interval_where_the_board_has_one():
    board = small()
    ids = [checkpoint.id for checkpoint in board.checkpoints]
    gains = {"all": Estimate(0.67, 0.61, 0.72, 1000, "over 2 tasks")}
    known = [replace(checkpoint, gains=gains) if checkpoint.base else checkpoint for checkpoint in board.checkpoints]
    board = replace(board, checkpoints=tuple(known))
    assert "| +.67 [+.61, +.72] (▲ 2 ▼ 0 of 2) " in markdown(board)
    lines = list(csv.DictReader(io.StringIO(checkpoints_csv(board))))
    assert {line["against base low"] for line in lines} == {"", "0.61"} and len(lines) == len(ids)
    assert {line["against base note"] for line in lines} == {"", "over 2 tasks"}
