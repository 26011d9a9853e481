"""The languages of the prompts: every sentence that a model reads is in one file per language, beside this one.

Keys are parted by full stops: what is asked, the unit of an explanation (``word``), the budget. A dataset names its
language in its YAML, and may replace single sentences there: docs/own_data.md, "Another language".
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import yaml

FOLDER = Path(__file__).parent
ENGLISH = "en"


@lru_cache(maxsize=64)
def prompts_of(language: str) -> Mapping[str, str]:
    """The sentences of a language: key -> template. Keys are those of ``en.yaml``.

    >>> prompts_of("en")["removed.word.mask"]
    'were replaced by "{mask}"'
    """
    prompts: dict[str, str] = yaml.safe_load((FOLDER / f"{language}.yaml").read_text(encoding="utf-8"))
    return prompts


def language_names() -> tuple[str, ...]:
    """The languages that have a file."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))
