"""One list of weighted words per label, from attributions: what a dictionary would say about a model's answers."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import fmean
from typing import cast

from faithful_se.errors import UsageError
from faithful_se.files import read_json_object, read_jsonl, write_atomic
from lm_eval_tasks.sources.word_list import LISTS
from training.attribution.inputs import Source
from training.runs.artefacts import AttributionManifest, AttributionRow
from training.runs.folder import MANIFEST

FILE = "word_list.json"

# Significant digits that are written, as of the scores.
DIGITS = 9


def check_labels(sources: Iterable[Source]) -> None:
    """Refuse multiple choice: a letter stands for another answer in each text; a `UsageError`."""
    for source in sources:
        if source.spec.question.words_of:
            raise UsageError(f"--word-list: the labels of {source.name} are those of each text: leave it out")


def word_list(rows: Iterable[AttributionRow]) -> dict[str, dict[str, float]]:
    """Label -> key of a word -> its mean score over the texts that hold it and are answered with the label.

    The highest means stand first. Texts without an attribution are left out.
    """
    scores: defaultdict[str, defaultdict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        for key, score in row["types"].items():
            scores[str(row["prediction"])][key].append(score)
    return {
        label: dict(
            sorted(((key, float(f"{fmean(of_word):.{DIGITS}g}")) for key, of_word in words.items()), key=_by_mean)
        )
        for label, words in sorted(scores.items())
    }


def write_word_lists(folder: Path) -> Path:
    """Write the lists of all datasets of a finished folder of attributions, beside their rows; the path of the file."""
    rows = cast("AttributionManifest", read_json_object(folder / MANIFEST, "attribute again"))["rows"]
    lists = {name: word_list(cast("Iterator[AttributionRow]", read_jsonl(folder / f"{name}.jsonl"))) for name in rows}
    path = folder / FILE
    write_atomic(path, json.dumps({LISTS: lists}, ensure_ascii=False, allow_nan=False) + "\n")
    return path


def _by_mean(pair: tuple[str, float]) -> tuple[float, str]:
    return -pair[1], pair[0]
