"""What the files of a run hold: settings, manifests and rows of attributions, settings and manifests of builds.

The settings say what a folder belongs to and are written first. The manifest repeats them, adds the number of rows, and
is written last: a folder with a manifest is complete.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

# What a folder holds, in messages.
ATTRIBUTIONS, TRAINING_ROWS = "attributions", "rows to train on"


class ScoringOptions(TypedDict, total=False):
    """How words are scored: `AttributionOptions`, and what of the prompt a user chooses.

    Attributes:
        method, target, steps, finalists, samples, pool, check_flips, whole_answer, seed: see `AttributionOptions`.
        mask: what is written in place of a word.
        unknown: whether "unknown" is one of the labels.
        system: the system message; absent in the options of a row, and None in those of a folder, without one.
    """

    method: str
    target: str
    steps: int
    finalists: int
    samples: int
    pool: bool
    check_flips: bool
    whole_answer: bool
    seed: int
    mask: str
    unknown: bool
    system: str | None


class _RequiredAttributionSettings(TypedDict):
    model: str
    method: str
    options: ScoringOptions
    prompt: dict[str, str]


class AttributionSettings(_RequiredAttributionSettings, total=False):
    """`settings.json` of `faithful-se attribute`.

    Attributes:
        model: fingerprint of the model, adapter included.
        method: the attribution method.
        options: how words are scored.
        prompt: dataset -> digest of everything that the model reads besides the texts.
        date: the day that the chat template writes; only where it writes one.
        dtype: number type that the model was loaded as.
        data: where the datasets are: ``hub``, ``mini`` or the absolute path of a folder.
        split: split of the datasets.
        file: absolute path of the user's own texts.
        question, fields, labels: what was asked about the user's own texts.
    """

    date: str
    dtype: str
    data: str
    split: str
    file: str
    question: str
    fields: list[str]
    labels: list[str]


class AttributionManifest(AttributionSettings):
    """`manifest.json` of `faithful-se attribute`.

    Attributes:
        rows: dataset -> number of rows in its file.
    """

    rows: dict[str, int]


class BuildSource(AttributionManifest):
    """The attributions that a build reads.

    Attributes:
        texts: digest of the texts, the model's answers and the ranked words.
    """

    texts: str


class WordScore(TypedDict):
    """One occurrence of a word: characters `start` to `end` of `field`.

    Attributes:
        text: as it is written there.
        key: the word; equal for all its occurrences.
        score: None where the method did not look at it.
    """

    text: str
    field: str
    start: int
    end: int
    key: str
    score: float | None


class TopWord(TypedDict):
    """The word with the highest score.

    Attributes:
        text: as first written.
        positions: of all its occurrences, in `words`.
    """

    text: str
    key: str
    positions: list[int]
    score: float


class AttributionRow(TypedDict):
    """One text in a file of attributions. docs/attribution.md says what every field is."""

    hash: str
    dataset: str
    index: int
    fields: dict[str, str]
    gold: str | None
    problem: str
    prediction: str | None
    logprobs: dict[str, float]
    words: list[WordScore]
    types: dict[str, float]
    top: TopWord | None
    gap: float | None
    flips: bool | None
    flipped_to: str | None
    delta: float | None
    method: str
    options: ScoringOptions
    model: str
    versions: dict[str, str]


class RowOptions(TypedDict):
    """How explanations are made and which are kept: `BuildOptions`."""

    styles: list[str]
    budget: str
    arm: str
    filtered: bool
    replay: float
    candidates: int
    specific: bool
    context: str
    seed: int


class _RequiredBuildSettings(TypedDict):
    attributions: BuildSource
    options: RowOptions
    datasets: list[str]


class BuildSettings(_RequiredBuildSettings, total=False):
    """`settings.json` of `faithful-se build`.

    Attributes:
        attributions: what the rows are built from.
        options: how explanations are made.
        datasets: of the texts.
        data: where the evaluation's texts are; only where the attributions name another place.
    """

    data: str


class BuildManifest(BuildSettings):
    """`manifest.json` of `faithful-se build`.

    Attributes:
        rows: number of training rows.
    """

    rows: int


def content_of(settings: Mapping[str, Any]) -> str:
    """What the folder of these settings holds; empty for the `settings.json` of another program."""
    options = settings.get("options")
    if not isinstance(options, dict):
        return ""
    if "model" in settings and {"method", "target", "mask"} <= options.keys():
        return ATTRIBUTIONS
    is_build = isinstance(settings.get("attributions"), dict) and {"styles", "arm"} <= options.keys()
    return TRAINING_ROWS if is_build else ""
