"""A board -> one HTML file that works offline, from `file://`, and trusts no text in it.

The charts are drawn here, as SVG: no chart library in the page, no `eval`, and they print. Documents travel as JSON in
a data block and are set as text nodes. Should some text get past that, the page's policy (Content-Security-Policy)
allows the two scripts and the style sheet of this package by their hashes, and nothing from anywhere else.
"""

from __future__ import annotations

import os
from base64 import b64encode
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from leaderboards import number_format
from leaderboards.board import Board
from leaderboards.estimates import NO_SPREAD
from leaderboards.main_table import groups, rows
from leaderboards.page.charts import dots, plausibility
from leaderboards.page.documents import fit
from leaderboards.page.matrix import heat_map
from leaderboards.page.view import about, beside, choices, data_block, payload
from leaderboards.sanitize import one_line, visible

# In the order they run. `theme.js` stands in the head, before anything is drawn.
SCRIPTS = ("dom.js", "table.js", "details.js", "plots.js", "documents.js", "cards.js")


def write_page(board: Board, path: Path) -> None:
    """Write the page; the file is there whole or not at all."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    unfinished.write_text(page(board), "utf-8")
    os.replace(unfinished, path)


def page(board: Board) -> str:
    """The page's HTML."""
    theme, style = _asset("theme.js"), _asset("page.css")
    script = "\n".join(['"use strict";', "(() => {", *map(_asset, SCRIPTS), "})();"])
    documents, shown = fit(board)
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
        p=number_format.p_value,
        visible=visible,
        one_line=one_line,
    )
    environment.filters.update(beside=beside)
    environment.tests["flat"] = lambda estimate: NO_SPREAD in estimate.note
    return environment.get_template("page.html").render(
        board=board,
        about=about(board),
        groups=groups(board),
        choices=choices(board),
        rows=rows(board),
        matrix=heat_map(board),
        dots=dots(board),
        plausibility=plausibility(board),
        shown=shown,
        data=data_block(payload(board)),
        documents=data_block(documents),
        markers=number_format.MARKERS,
        policy=_policy(theme, script, style),
        theme=Markup(theme),
        script=Markup(script),
        style=Markup(style),
    )


def _asset(name: str) -> str:
    return (files("leaderboards.page") / "assets" / name).read_text("utf-8")


def _policy(theme: str, script: str, style: str) -> str:
    """What the page may do: run these scripts, apply this style sheet, draw pictures that are in it."""
    scripts = " ".join(map(_hash, (theme, script)))
    return (
        f"default-src 'none'; script-src {scripts}; style-src {_hash(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
