"""`faithful-se show RESULTS --document HASH`: one text word by word, on the terminal or as a picture."""

from __future__ import annotations

import argparse
import os
import sys
from itertools import islice
from pathlib import Path
from typing import Any

from faithful_se.errors import UsageError, require_packages

DESCRIPTION = """\
Show one text of some results word by word: what masking each word alone does to the answer (with --metadata
controls=oracle), and the words that the explanation names. Blue words speak for the answer, orange ones against it.
In tasks of simulation also what the model says of each word that it was asked about, and whether it is so.

  faithful-se show results                              (which texts there are)
  faithful-se show results --document 3f9a --task snli
  faithful-se show results/trained --document 3f9a --task snli_attribution --out words.png
  faithful-se show attributions --document 3f9a         (a folder of faithful-se attribute)
"""

# What a picture can be saved as.
SUFFIXES = (".html", ".png", ".svg", ".pdf", ".json")

# Texts that are listed.
MOST = 20


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(
        "faithful-se show", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    help = "folders of results, or of faithful-se attribute"
    p.add_argument("results", nargs="+", type=Path, metavar="RESULTS", help=help)
    p.add_argument("--document", default="", metavar="HASH", help="beginning of the hash of the text")
    p.add_argument("--task", default="", help="only tasks whose name holds this")
    p.add_argument("--checkpoint", default="", metavar="NAME", help="only checkpoints whose name holds this")
    p.add_argument("--out", type=Path, metavar="FILE", help=f"write a picture: {', '.join(SUFFIXES)}")
    return p


def main(argv: list[str] | None = None) -> int:
    """Run the command."""
    options = parser().parse_args(argv)
    require_packages("board", "polars", *(["altair", "vl_convert"] if options.out else []))
    from faithful_se.files import check_writable
    from faithful_se.word_effects import list_documents, read_word_effects

    if options.out and options.out.suffix not in SUFFIXES:
        raise UsageError(f"--out {options.out}: give a name that ends in {', '.join(SUFFIXES)}")
    if not options.document:
        listed = list_documents(*options.results, task=options.task, checkpoint=options.checkpoint)
        return _list(list(islice(listed, MOST + 1)))
    texts = read_word_effects(
        *options.results, document=options.document, task=options.task, checkpoint=options.checkpoint
    )
    if (different := len({tuple(text.fields.items()) for text in texts})) > 1:
        line = f"faithful-se show: {options.document} begins the hashes of {different} texts; more characters name one"
        print(line, file=sys.stderr)
    if options.out:
        check_writable(options.out.parent, "--out")
        _save([text.plot() for text in texts], options.out)
        print(options.out)
        return 0
    color = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    print("\n\n".join(text.text(color) for text in texts))
    return 0


def _list(documents: list[tuple[str, str]]) -> int:
    from leaderboards.sanitize import terminal_line

    for key, text in documents[:MOST]:
        print(f"{key[:16]}  {terminal_line(text)[:100]}")
    print("… and more" if len(documents) > MOST else "", end="\n" if len(documents) > MOST else "")
    print("--document HASH shows one of them; a few of its first characters are enough")
    return 0


def _save(charts: list[Any], path: Path) -> None:
    """All charts below each other, complete or not at all."""
    import altair as alt

    from faithful_se.files import write_atomic

    picture = charts[0] if len(charts) == 1 else alt.vconcat(*charts).resolve_scale(color="independent")
    partial = path.with_name(f".{path.stem}.partial{path.suffix}")
    try:
        picture.save(str(partial), inline=True) if path.suffix == ".html" else picture.save(str(partial))
        write_atomic(path, partial.read_bytes())
    finally:
        partial.unlink(missing_ok=True)
