"""The page as a file: what it may load, what its policy allows, what becomes of untrusted text."""

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

from leaderboards.export import cells_csv, checkpoints_csv, latex, markdown
from leaderboards.main_table import rows
from leaderboards.page import page, write_page
from leaderboards.page.charts import dots, plausibility
from leaderboards.page.documents import fit
from leaderboards.page.matrix import heat_map
from leaderboards.page.view import data_block
from leaderboards.sanitize import visible
from tests.leaderboards.boards import large, small
from tests.leaderboards.pieces import document
from tests.leaderboards.poison import ATTACK, NAME, NASTY, QUOTES, poisoned


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
    return page(small())


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
        *(f"#{part}" for part in ("table", "matrix", "dots", "plausibility", "documents")),
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


def test_every_string_of_a_board_may_be_nasty():
    board = poisoned(small(), NASTY)
    plain, html = Elements(), page(board)
    parser = Elements()
    parser.feed(html)
    plain.feed(page(small()))
    # The same elements as without, and no attribute that runs something: all of it is text or an attribute's value.
    own = [tag for tag, _ in parser.all]
    assert Counter(own) == Counter(tag for tag, _ in plain.all)
    assert not [name for _, attributes in parser.all for name in attributes if name.startswith("on") or name == "src"]
    assert "{{ 7*7 }}{% raw %}" in html
    assert not re.search("[\x00\x1b\u202e\u2028\ud800]", html)
    for text in (markdown(board), latex(board), cells_csv(board), checkpoints_csv(board)):
        text.encode("utf-8")
        assert not re.search("[\x00\x1b\r\u202e\u2028]", text)


def test_data_comes_back_from_its_block():
    told = {"a": f"{ATTACK}<!--<script>{QUOTES}", "b": [1, None]}
    block = data_block(told)
    assert "<" not in block and json.loads(block) == told


def test_numbers_that_json_lacks_are_refused():
    with pytest.raises(ValueError, match="JSON"):
        data_block({"a": float("nan")})


def test_the_page_says_how_many_documents_are_different(html):
    """Two datasets of 300 documents; were they one, it would be 300 documents in two tasks."""
    assert "from 2 datasets (agnews, trec), 600 different documents.</p>" in html
    assert "A card is one document in one task. Here are 3 of 600; the others" in html
    shared = page(replace(small(), documents_total=300, pairs_total=600))
    assert ", 300 different documents (600 pairs of document and task).</p>" in shared
    assert "Here are 3 of 600; the others" in shared


def test_documents_are_kept_whole_up_to_the_limit():
    board = small()
    data, shown = fit(board)
    assert (shown.cards, shown.total) == (3, 600)
    texts = data["strings"]
    assert len(texts) == len(set(texts))
    entry = data["documents"][1]["e"][1]
    said = [texts[place] for _, place in entry[12]]
    assert said[6:9] == [ATTACK, "nice⟨U+202E⟩ecin", "⟨U+001B⟩[31mred⟨U+0000⟩"] and said[11] == "x" * 100_000


def test_documents_beyond_the_limit_are_left_out_in_turns():
    board = replace(large(3, 2, 10), documents_total=900)
    whole, everything = fit(board)
    assert everything.cards == 120
    size = len(json.dumps(whole, ensure_ascii=False, separators=(",", ":")))
    data, shown = fit(board, limit=size // 2)
    assert len(json.dumps(data, ensure_ascii=False, separators=(",", ":"))) <= size // 2
    counts = [sum(one["t"] == task for one in data["documents"]) for task in range(12)]
    assert sum(counts) == shown.cards > 30 and max(counts) - min(counts) <= 1
    # No text stays of what was left out.
    used = {
        place for one in data["documents"] for place in re.findall(r"\d+", json.dumps([one["k"], one["f"], one["e"]]))
    }
    assert str(len(data["strings"]) - 1) in used


def test_a_transcript_beyond_reason_says_that_it_was_cut():
    one = document("agnews_attribution_oneword", "long", "a b", "world", 0)
    long = replace(one.entries[0], transcript=(("assistant", "y" * 100_001),))
    data, _ = fit(replace(small(), documents=(replace(one, entries=(long,)),)))
    assert data["strings"][data["documents"][0]["e"][0][12][0][1]] == "y" * 100_000 + "\n… 1 characters more"


def test_ranking_and_gain_by_hand():
    ranked = rows(small())
    assert [row.checkpoint.id for row in ranked] == ["c1", "c0", "c2"]
    word, base, control = ranked
    assert word.gain and word.gain.mean == pytest.approx((0.94 + 0.4) / 2)
    assert (word.gain.better, word.gain.worse, word.gain.tasks) == (2, 0, 2)
    assert base.gain is None and base.trained == "base, as it came"
    assert (
        control.gain and (control.gain.better, control.gain.worse) == (0, 1) and control.arm == "control: random word"
    )
    assert [row.checkpoint.id for row in rows(small(), "unseen")] == ["c1", "c0", "c2"]
    assert rows(small(), "unseen")[0].gain.mean == pytest.approx(0.4)


def test_a_variant_of_a_task_does_not_count_in_means_of_gains():
    board = small()
    variant = replace(board.tasks[1], id="trec_attribution_oneword~2", variant="limit 50")
    extra = replace(board.cells[3], task=variant.id)
    assert rows(replace(board, tasks=(*board.tasks, variant), cells=(*board.cells, extra)))[0].gain.tasks == 2


def test_the_matrix_by_hand():
    found = heat_map(small())
    assert [[head.text for head in level] for level in found.heads] == [
        ["attribution"],
        ["agnews", "trec"],
        ["one", "one"],
    ]
    assert [head.unseen for head in found.heads[1]] == [False, True]
    assert [title for title, _ in found.groups] == ["Base: share of faithful explanations", "Trained", "Control arms"]
    reference, word, control = (lines[0] for _, lines in found.groups)
    assert [square.text for square in reference.squares] == [".00", ".10"]
    assert [(s.text, s.interval, s.marker, s.shade, s.trained) for s in word.squares] == [
        ("+.94", "[+.91, +.97]", "better", 9, True),
        ("+.40", "[+.37, +.43]", "better", 4, False),
    ]
    assert word.squares[1].tip == (
        "mini-word on trec · attribution · one word: +.40 [+.37, +.43], better (p after Holm < .001), 300 documents"
    )
    assert control.squares[1].shade == -1 and control.squares[1].marker == "worse"
    assert (word.ratio, control.ratio, control.ratio_note) == (".43", "–", "no gain on what it was trained on")


def test_boards_without_this_or_that(tmp_path):
    board = small()
    bare = replace(
        board, checkpoints=board.checkpoints[:1], cells=board.cells[:2], matrix=(), documents=(), skipped=(), notes=()
    )
    html = page(bare)
    assert 'id="matrix"' not in html and 'id="documents"' not in html and 'id="plausibility"' not in html
    empty = replace(bare, checkpoints=(), tasks=(), cells=())
    write_page(empty, tmp_path / "deep" / "empty.html")
    assert "0 base models" in (tmp_path / "deep" / "empty.html").read_text("utf-8")
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["empty.html"]


def test_cells_that_were_not_run_are_empty():
    board = small()
    fewer = replace(
        board, cells=tuple(cell for cell in board.cells if (cell.checkpoint, cell.task[:4]) != ("c1", "trec"))
    )
    square = heat_map(fewer).groups[1][1][0].squares[1]
    assert square.text == "" and square.tip.endswith("not run")
    assert page(fewer)


def test_charts_use_no_colour_that_the_themes_do_not_name():
    board = large(30, 2, 0)
    style = (re.search(r"<style>(.*?)</style>", page(small()), re.DOTALL))[1]
    named = set(re.findall(r'\[(?:fill|stroke)="(#[0-9a-f]{6})"\]', style))
    for chart in (*dots(board), plausibility(board)):
        used = set(re.findall(r'(?:fill|stroke)="([^"]+)"', chart.svg))
        assert used - {"none", "transparent"} <= named


def test_many_checkpoints_the_best_and_their_bases_have_a_chart():
    board = large(100, 1, 0)
    chart = dots(board)[0]
    there = {one.name for one in board.checkpoints if f">{one.name}<" in chart.svg}
    best = [row.checkpoint for row in rows(board)[:24]]
    assert {one.name for one in best} <= there
    names = {one.id: one.name for one in board.checkpoints}
    assert there == {one.name for one in best} | {names[one.base] for one in best if one.base}
    assert chart.summary.startswith(f"The {len(there)} best of 100 checkpoints")


def test_names_in_charts_are_text():
    assert all("<b>" not in chart.svg and 'onerror="' not in chart.svg for chart in dots(small()))
    assert any("&lt;b&gt;bold" in chart.svg for chart in dots(small()))


@pytest.mark.slow
def test_a_hundred_checkpoints_fit_into_15_megabytes(tmp_path):
    write_page(large(100, 6, 40), tmp_path / "large.html")
    assert (tmp_path / "large.html").stat().st_size < 15_000_000


def test_hidden_characters_of_titles_and_notes_show():
    html = page(replace(small(), title="nice\u202etitle", notes=("note \x1b[31m",)))
    assert "nice⟨U+202E⟩title" in html and visible("note \x1b[31m") in html


def test_both_ways_to_the_dark_theme_lead_to_the_same_colours():
    """By the system and by the button: CSS cannot name one list of colours for a media query and a selector."""
    css = (files("leaderboards.page") / "assets" / "page.css").read_text("utf-8")
    by_system = re.search(r':root:not\(\[data-theme="light"\]\) \{(.*?)\}', css, re.DOTALL)
    by_button = re.search(r'\n:root\[data-theme="dark"\] \{(.*?)\}', css, re.DOTALL)
    assert by_system and by_button and by_system[1].split() == by_button[1].split() and "--ground" in by_button[1]
