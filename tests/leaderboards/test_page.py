"""The page as a file: what it loads, what its policy allows, and that untrusted text stays text."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections import Counter
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from importlib.resources import files

import pytest

from leaderboards.board import Settings
from leaderboards.page.card_data import compress_cards
from leaderboards.page.charts import MOST_CHECKPOINTS, dot_plots
from leaderboards.page.common_tasks import common_means
from leaderboards.page.matrix import generalization_matrix
from leaderboards.page.overview_charts import frontier, overview_charts
from leaderboards.page.page_data import data_block
from leaderboards.page.render import render_page, write_page
from leaderboards.page.rows_chart import rows_plot
from leaderboards.page.table_view import arm_words, table_view
from leaderboards.sanitize import visible
from leaderboards.tables.main_table import table_rows
from leaderboards.tables.table_csv import cells_csv, checkpoints_csv
from leaderboards.tables.table_markup import latex, markdown
from tests.leaderboards.board_parts import cell, document, estimate, task
from tests.leaderboards.example_boards import large, small
from tests.leaderboards.hostile_text import ATTACK, EVERYTHING, NAME, QUOTES, with_text_everywhere


class Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.all: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.last = ""

    def handle_starttag(self, tag, attrs):
        self.all.append((tag, dict(attrs)))
        self.last = tag

    def handle_data(self, data):
        self.texts.setdefault(self.last, []).append(data)


@pytest.fixture(scope="module")
def html() -> str:
    return render_page(small())


@pytest.fixture(scope="module")
def elements(html) -> Elements:
    parser = Elements()
    parser.feed(html)
    return parser


def test_nothing_is_loaded_from_anywhere(html, elements):
    loads = [
        (tag, name, value)
        for tag, attributes in elements.all
        for name, value in attributes.items()
        if name in ("src", "srcset", "href", "xlink:href", "data", "action", "poster", "style") or name.startswith("on")
    ]
    assert {value for _, _, value in loads} <= {
        "data:,",
        *(f"#{part}" for part in ("table", "matrix", "overview", "dots", "documents")),
    }
    assert {tag for tag, _ in elements.all}.isdisjoint(
        {"img", "iframe", "object", "embed", "base", "form-action", "image", "use"}
    )
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)[1]
    assert "url(" not in style and "@import" not in style
    # The only addresses are names of XML's vocabularies in the charts.
    assert set(re.findall(r"https?://[^\"'\s<>]+", html)) == {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }


def test_the_policy_allows_its_own_scripts_and_styles_and_no_others(html, elements):
    policy = next(a["content"] for tag, a in elements.all if a.get("http-equiv") == "Content-Security-Policy")
    parts = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert parts["default-src"] == "'none'" and parts["base-uri"] == "'none'" and parts["form-action"] == "'none'"
    assert "unsafe" not in policy
    hashed = lambda text: f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"  # noqa: E731
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert len(scripts) == 2 and parts["script-src"].split() == list(map(hashed, scripts))
    assert parts["style-src"] == hashed(re.search(r"<style>(.*?)</style>", html, re.DOTALL)[1])


def test_untrusted_text_is_text(html, elements):
    assert [tag for tag, _ in elements.all].count("script") == 4
    assert "<b>bold" not in html and "<img" not in html
    assert NAME.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("'", "&#39;") in html
    assert "\x1b" not in html and "\x00" not in html and "\u202e" not in html
    html.encode("utf-8")


def test_every_string_of_a_board_may_be_hostile():
    board = with_text_everywhere(small(), EVERYTHING)
    plain, html = Elements(), render_page(board)
    parser = Elements()
    parser.feed(html)
    plain.feed(render_page(small()))
    # The page has the same elements, and no attribute that runs code: hostile strings are text or values of attributes.
    # Only the two examples and heads of columns differ: a long text is cut, a target is there, and "_" is in names.
    tags = Counter(tag for tag, _ in parser.all if tag not in ("bdi", "strong", "u", "wbr"))
    # A hostile arm is no control arm, so the verdict says in one paragraph more that there is none.
    assert tags == Counter(tag for tag, _ in plain.all if tag not in ("bdi", "strong", "u", "wbr")) + Counter("p")
    assert not [name for _, attributes in parser.all for name in attributes if name.startswith("on") or name == "src"]
    assert "{{ 7*7 }}{% raw %}" in html
    assert not re.search("[\x00\x1b\u202e\u2028\ud800]", html)
    for text in (markdown(board), latex(board), cells_csv(board), checkpoints_csv(board)):
        text.encode("utf-8")
        assert not re.search("[\x00\x1b\r\u202e\u2028]", text)


def test_data_comes_back_from_its_block():
    value = {"a": f"{ATTACK}<!--<script>{QUOTES}", "b": [1, None]}
    block = data_block(value)
    assert "<" not in block and json.loads(block) == value


def test_numbers_that_json_lacks_are_refused():
    with pytest.raises(ValueError, match="JSON"):
        data_block({"a": float("nan")})


def test_the_page_says_how_many_documents_are_different(html):
    """Two datasets of 300 documents each; then two tasks on the same 300 documents."""
    assert "from 2 datasets (agnews, trec), 600 different documents.</p>" in html
    assert "A card is one document in one task. Here are 3 of 600; the others" in html
    shared = render_page(replace(small(), documents_total=300, pairs_total=600))
    assert ", 300 different documents (600 pairs of document and task).</p>" in shared
    assert "Here are 3 of 600; the others" in shared


def test_cards_below_the_limit_are_complete():
    board = small()
    data, counts = compress_cards(board)
    assert (counts.cards, counts.possible) == (3, 600)
    texts = data["strings"]
    assert len(texts) == len(set(texts))
    entry = data["documents"][1]["e"][1]
    turns = [texts[index] for _, index in entry[11]]
    assert turns[6:9] == [ATTACK, "nice⟨U+202E⟩ecin", "⟨U+001B⟩[31mred⟨U+0000⟩"] and turns[11] == "x" * 100_000


def test_cards_beyond_the_limit_are_left_out_from_all_tasks_in_turns():
    board = replace(large(3, 2, 10), documents_total=900)
    all_data, all_counts = compress_cards(board)
    assert all_counts.cards == 120
    size = len(json.dumps(all_data, ensure_ascii=False, separators=(",", ":")))
    data, card_counts = compress_cards(board, most_bytes=size // 2)
    assert len(json.dumps(data, ensure_ascii=False, separators=(",", ":"))) <= size // 2
    counts = [sum(card["t"] == task for card in data["documents"]) for task in range(12)]
    assert sum(counts) == card_counts.cards > 30 and max(counts) - min(counts) <= 1
    # The texts of the cards that were left out are not in the data.
    cards = json.dumps([[card["k"], card["f"], card["e"]] for card in data["documents"]])
    assert str(len(data["strings"]) - 1) in re.findall(r"\d+", cards)


def test_a_very_long_transcript_ends_with_a_note():
    card = document("agnews_attribution_oneword", "long", "a b", "world", 0)
    long = replace(card.entries[0], transcript=(("assistant", "y" * 100_001),))
    data, _ = compress_cards(replace(small(), documents=(replace(card, entries=(long,)),)))
    assert data["strings"][data["documents"][0]["e"][0][11][0][1]] == "y" * 100_000 + "\n… 1 characters more"


def test_ranking_and_gain_by_hand():
    ranked = table_rows(small())
    assert [row.checkpoint.id for row in ranked] == ["c1", "c0", "c2"]
    word, base, control = ranked
    assert word.gain and word.gain.mean == pytest.approx((0.94 + 0.4) / 2)
    assert (word.gain.better, word.gain.worse, word.gain.tasks) == (2, 0, 2)
    assert base.gain is None and base.trained == "base"
    assert (
        control.gain and (control.gain.better, control.gain.worse) == (0, 1) and control.arm == "control: random word"
    )
    assert [row.checkpoint.id for row in table_rows(small(), "unseen")] == ["c1", "c0", "c2"]
    assert table_rows(small(), "unseen")[0].gain.mean == pytest.approx(0.4)


def test_a_variant_of_a_task_does_not_count_in_means_of_gains():
    board = small()
    variant = replace(board.tasks[1], id="trec_attribution_oneword~2", variant="limit 50")
    extra = replace(board.cells[3], task=variant.id)
    assert table_rows(replace(board, tasks=(*board.tasks, variant), cells=(*board.cells, extra)))[0].gain.tasks == 2


def test_the_matrix_by_hand():
    matrix = generalization_matrix(small())
    (block,) = matrix.blocks
    assert (block.style, matrix.budgets, matrix.longest) == ("attribution", ("one word",), 1)
    assert [(head.text, head.budget, head.unseen) for head in block.heads] == [("agnews", 0, False), ("trec", 0, True)]
    assert [title for title, _ in block.groups] == ["Base: faithful", "Trained: change", "Control arms: change"]
    reference, word, control = (rows[0] for _, rows in block.groups)
    assert [cell.text for cell in reference.cells] == [".00", ".10"]
    assert [(cell.text, cell.interval, cell.marker, cell.shade, cell.trained) for cell in word.cells] == [
        ("+.94", "[+.91, +.97]", "better", 9, True),
        ("+.40", "[+.37, +.43]", "better", 4, False),
    ]
    assert word.cells[1].tip == (
        "mini-word on trec · attribution · one word: +.40 [+.37, +.43], better (p after Holm < .001), 300 documents"
    )
    assert control.cells[1].shade == -1 and control.cells[1].marker == "worse"
    assert [(row.ratio, row.ratio_note) for row in matrix.gains] == [
        (".43", ""),
        ("–", "no gain on what it was trained on"),
    ]


def test_the_matrix_has_a_block_per_style_and_a_switch_of_budgets():
    matrix = generalization_matrix(large(5, 2, 0))
    assert [block.style for block in matrix.blocks] == ["attribution", "redaction", "counterfactual"]
    assert matrix.budgets == ("one word", "several words")
    heads = [(head.text, head.budget) for head in matrix.blocks[2].heads]
    assert heads == [("dataset0", 0), ("dataset0", 1), ("dataset1", 0), ("dataset1", 1)]


def test_boards_without_this_or_that(tmp_path):
    board = small()
    minimal = replace(
        board, checkpoints=board.checkpoints[:1], cells=board.cells[:2], matrix=(), documents=(), skipped=(), notes=()
    )
    html = render_page(minimal)
    assert 'id="matrix"' not in html and 'id="documents"' not in html and 'id="overview"' not in html
    empty = replace(minimal, checkpoints=(), tasks=(), cells=())
    write_page(empty, tmp_path / "deep" / "empty.html")
    assert "0 models on" in (tmp_path / "deep" / "empty.html").read_text("utf-8")
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["empty.html"]


def test_cells_that_were_not_run_are_empty():
    board = small()
    fewer = replace(
        board, cells=tuple(cell for cell in board.cells if (cell.checkpoint, cell.task[:4]) != ("c1", "trec"))
    )
    cell = generalization_matrix(fewer).blocks[0].groups[1][1][0].cells[1]
    assert cell.text == "" and cell.tip.endswith("not run")
    assert render_page(fewer)


def test_charts_use_no_colour_that_the_themes_do_not_name():
    board = large(30, 2, 0)
    style = (re.search(r"<style>(.*?)</style>", render_page(small()), re.DOTALL))[1]
    named = set(re.findall(r'\[(?:fill|stroke)="(#[0-9a-f]{6})"\]', style))
    for chart in (*(chart for choice in dot_plots(board) for chart in choice.charts), *overview_charts(board)):
        used = set(re.findall(r'(?:fill|stroke)="([^"]+)"', chart.svg))
        assert used - {"none", "transparent"} <= named


def test_many_checkpoints_the_best_and_their_bases_have_a_chart():
    board = large(100, 1, 0)
    choice = dot_plots(board)[0]
    in_chart = {row.name for row in board.checkpoints if f">{row.name}<" in choice.charts[0].svg}
    best = [row.checkpoint for row in table_rows(board)[:MOST_CHECKPOINTS]]
    names = {row.id: row.name for row in board.checkpoints}
    assert in_chart == {row.name for row in best} | {names[row.base] for row in best if row.base}
    assert choice.summary.startswith(f"The {MOST_CHECKPOINTS} best of 100 checkpoints")


def test_charts_by_style_show_means_over_tasks():
    """mini-word: faithful on .94 and .50 of two tasks, chance .06, oracle .95."""
    choice = dot_plots(small())[0]
    assert (choice.title, [chart.title for chart in choice.charts]) == ("means by style", ["attribution"])
    svg = choice.charts[0].svg
    assert "mini-word · attribution: faithful .72, 300 documents" in svg
    assert "mini-word · attribution: oracle .95, 300 documents" in svg


def test_no_chart_is_wider_than_a_phone():
    board = large(8, 2, 0)
    charts = [*(chart for choice in dot_plots(board) for chart in choice.charts), *overview_charts(board)]
    assert max(float(re.search(r'<svg[^>]* width="([0-9.]+)"', chart.svg)[1]) for chart in charts) < 400


def test_the_frontier_by_hand():
    points = [(0.9, 0.1), (0.8, 0.5), (0.8, 0.4), (0.7, 0.5), (0.6, 0.7)]
    assert frontier(points) == [4, 1, 0]


def on_tasks(board, cells):
    """The small board with cells of these checkpoints: id -> faithful per task."""
    rows = tuple(row for row in board.checkpoints if row.id in cells)
    new = [cell(id, f"d{i}_attribution_oneword", value, None) for id, own in cells.items() for i, value in own.items()]
    tasks = tuple(task(f"d{i}", "attribution", "oneword") for i in range(8))
    return replace(board, checkpoints=rows, cells=tuple(new), tasks=tasks)


def test_charts_are_over_the_tasks_that_all_have():
    """Lift is faithful - .06. c0 and c1 share tasks 0 and 1: lifts .14 and .34, means .24; c1 has .9 elsewhere."""
    wide = {0: 0.2, 1: 0.4, **dict.fromkeys(range(2, 8), 0.9)}
    common = common_means(on_tasks(small(), {"c0": {0: 0.1, 1: 0.3}, "c1": wide}), ("acc", "lift"))
    assert [(row.id, round(own["lift"], 5), own["acc"]) for row, own in common.means] == [
        ("c0", 0.14, 0.9),
        ("c1", 0.24, 0.9),
    ]
    assert (common.tasks, common.left_out) == ("the 2 tasks that all 2 have", "")
    # One task of eight is less than a quarter: who has it only is left out, and named.
    board = on_tasks(small(), {"c0": wide, "c1": {0: 0.5}})
    common = common_means(board, ("acc", "lift"))
    assert [row.id for row, _ in common.means] == ["c0"] and common.tasks == "all 8 tasks"
    assert common.left_out == "Left out, measured on few of these tasks: mini-word."
    rows = (*board.checkpoints, replace(board.checkpoints[0], id="c2", name="other"))
    cells = (*board.cells, *(replace(own, checkpoint="c2") for own in board.cells if own.checkpoint == "c0"))
    (chart,) = overview_charts(replace(board, checkpoints=rows, cells=cells))
    assert chart.title.startswith("Accuracy against lift, means over all 8 tasks.")
    assert chart.note.endswith("few of these tasks: mini-word.") and ">other</text>" in chart.svg


def test_names_of_columns_break_after_an_underscore_only():
    board = replace(small(), tasks=(replace(small().tasks[0], dataset="rotten_tomatoes"), small().tasks[1]))
    html = render_page(board)
    assert "rotten_<wbr>tomatoes" in html and 'class="matrix c8"' in html
    assert generalization_matrix(replace(board, tasks=(replace(board.tasks[0], dataset="x" * 99),))).head_width == 16


def test_the_legend_of_the_matrix_says_over_how_many_tasks_holm_is(html):
    assert "exact McNemar, Holm within the row (2 tasks); marks of two rows cannot be compared." in html
    fewer = replace(small(), cells=small().cells[:-1])
    assert "Holm within the row (1 to 2 tasks)" in render_page(fewer)


def test_a_row_that_was_measured_on_fewer_tasks_says_so_in_its_name():
    fewer = replace(small(), cells=small().cells[:-1])
    assert table_view(fewer).fewer == {"c2": "1 of 2 tasks"}
    assert render_page(fewer).count(">1 of 2 tasks</span>") == 1


def test_a_training_is_named_by_its_purpose_or_its_arm():
    base, word, control = small().checkpoints
    assert [arm_words(row) for row in (base, word, control)] == [
        "",
        "trained on the deciding word",
        "control: random word",
    ]
    training = replace(word.training, extra={"purpose": "half of the rows"})
    assert arm_words(replace(word, training=training)) == "half of the rows"


def test_the_page_says_why_it_shows_no_texts():
    empty = replace(small(), documents=())
    assert "this board was made with --cards 0" in render_page(replace(empty, settings=Settings(cards=0)))
    assert "the results have no samples. Evaluate with --log_samples." in render_page(empty)
    assert "No examples" not in render_page(small())


def test_gain_against_rows_needs_two_sizes_of_one_training():
    board = small()
    assert rows_plot(board) is None

    def sized(row, rows, gain):
        gains = {"unseen": estimate(gain, 0.05)}
        training = replace(row.training, arm="word", extra={"rows": rows})
        return replace(row, training=training, gains=gains)

    base, *trained = board.checkpoints
    rows = (base, sized(trained[0], 1000, 0.4), sized(trained[1], 100, 0.1))
    svg = rows_plot(replace(board, checkpoints=rows)).svg
    assert "mini-word, 1000 rows, unseen: +.40" in svg and ", 100 rows, unseen: +.10" in svg


def test_names_in_charts_are_text():
    charts = [chart for choice in dot_plots(small()) for chart in choice.charts]
    assert all("<b>" not in chart.svg and 'onerror="' not in chart.svg for chart in charts)
    assert any("&lt;b&gt;bold" in chart.svg for chart in charts)


@pytest.mark.slow
def test_a_hundred_checkpoints_fit_into_15_megabytes(tmp_path):
    write_page(large(100, 6, 40), tmp_path / "large.html")
    assert (tmp_path / "large.html").stat().st_size < 15_000_000


def test_hidden_characters_of_titles_and_notes_show():
    html = render_page(replace(small(), title="nice\u202etitle", notes=("note \x1b[31m",)))
    assert "nice⟨U+202E⟩title" in html and visible("note \x1b[31m") in html


def test_both_ways_to_the_dark_theme_lead_to_the_same_colours():
    """The system and the button select a theme. CSS needs the list of colours twice, so both must be equal."""
    css = (files("leaderboards.page") / "assets" / "page.css").read_text("utf-8")
    by_system = re.search(r':root:not\(\[data-theme="light"\]\) \{(.*?)\}', css, re.DOTALL)
    by_button = re.search(r'\n:root\[data-theme="dark"\] \{(.*?)\}', css, re.DOTALL)
    assert by_system and by_button and by_system[1].split() == by_button[1].split() and "--ground" in by_button[1]
