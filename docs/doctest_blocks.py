"""A griffe extension: examples in docstrings (`>>> …`) are code, with or without an "Examples:" heading.

Google-style parsers take them for code below that heading only; Markdown takes `>>>` for a quotation.
"""

from __future__ import annotations

import re
from typing import Any

import griffe

# From a prompt to the next empty line: the statements and what they print.
DOCTEST = re.compile(r"^( *)>>> .*?(?=\n\s*\n|\Z)", re.DOTALL | re.MULTILINE)


class DoctestBlocks(griffe.Extension):
    """Put doctests into fenced blocks of code."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Rewrite the docstring of one object, unless it has an "Examples:" section."""
        if obj.docstring and "Examples:" not in obj.docstring.value:
            obj.docstring.value = DOCTEST.sub(r"\1```pycon\n\g<0>\n\1```", obj.docstring.value)
