"""Renders a board as one HTML file that works offline, from `file://`, and trusts no text of the board.

Charts are drawn here as SVG: they need no chart library and no `eval` in the page, and they print. Documents are JSON
in a data block, and scripts insert them as text nodes. As a second defence, the page has a Content-Security-Policy. It
allows the two scripts and the style sheet of this package by their hashes, and nothing else.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from faithful_se.files import make_folder, write_atomic
from leaderboards import number_format
from leaderboards.analysis.confidence_intervals import NO_SPREAD
from leaderboards.board import Board
from leaderboards.page.card_data import compress_cards
from leaderboards.page.card_pairs import card_pairs
from leaderboards.page.charts import dot_plots
from leaderboards.page.matrix import breakable, generalization_matrix
from leaderboards.page.overview_charts import overview_charts
from leaderboards.page.page_data import about, coverage, data_block, filter_options, note_beside_number, page_data
from leaderboards.page.table_view import arm_words, short_training, table_view
from leaderboards.sanitize import one_line, visible
from leaderboards.tables.explainer_table import explainer_rows
from leaderboards.tables.wording_table import wording_rows
from leaderboards.verdict import verdict

# In the order in which they run. `theme.js` runs in the head, before anything is drawn.
SCRIPTS = ("dom.js", "table.js", "row_details.js", "charts.js", "card_data.js", "cards.js")

# Section -> its heading, which is also the name of its link.
SECTIONS = {
    "table": "Checkpoints",
    "explainers": "Whose knowledge",
    "wordings": "Asked in other words",
    "matrix": "What carries over from a training",
    "overview": "Trade-offs",
    "dots": "Between chance and oracle",
    "documents": "Documents",
}


def write_page(board: Board, path: Path) -> None:
    """Write the page. The file is complete or absent."""
    make_folder(path.parent)
    write_atomic(path, render_page(board))


def render_page(board: Board) -> str:
    """The HTML of the page."""
    theme, style = _asset("theme.js"), _asset("page.css")
    script = "\n".join(['"use strict";', "(() => {", *map(_asset, SCRIPTS), "})();"])
    cards, card_counts = compress_cards(board)
    environment = Environment(
        loader=PackageLoader("leaderboards.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        rate=number_format.rate,
        interval=number_format.interval,
        note_beside_number=note_beside_number,
        coverage=coverage,
        arm_words=arm_words,
        breakable=breakable,
        short_note=number_format.short_note,
        visible=visible,
        one_line=one_line,
        short_training=short_training,
    )
    environment.tests["flat"] = lambda estimate: NO_SPREAD in estimate.note
    conclusion, matrix = verdict(board), generalization_matrix(board)
    choices, overview = dot_plots(board), overview_charts(board)
    explainers, wordings = explainer_rows(board), wording_rows(board)
    sections = {
        "table": True,
        "explainers": explainers,
        "wordings": wordings,
        "matrix": matrix,
        "overview": overview,
        "dots": choices,
        "documents": card_counts.cards,
    }
    return environment.get_template("page.html").render(
        board=board,
        about=about(board),
        verdict=conclusion,
        pairs=card_pairs(board, conclusion.best),
        table=table_view(board),
        explainers=explainers,
        wordings=wordings,
        filter_options=filter_options(board),
        sections={name: words for name, words in SECTIONS.items() if sections[name]},
        matrix=matrix,
        dot_plots=choices,
        overview=overview,
        card_counts=card_counts,
        page_data=data_block(page_data(board)),
        card_data=data_block(cards),
        markers=number_format.MARKERS,
        policy=_content_security_policy(theme, script, style),
        theme=Markup(theme),
        script=Markup(script),
        style=Markup(style),
    )


def _asset(name: str) -> str:
    return (files("leaderboards.page") / "assets" / name).read_text("utf-8")


def _content_security_policy(theme: str, script: str, style: str) -> str:
    """Allow these scripts, this style sheet, and pictures that are part of the page."""
    scripts = " ".join(map(_hash_source, (theme, script)))
    return (
        f"default-src 'none'; script-src {scripts}; style-src {_hash_source(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash_source(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
