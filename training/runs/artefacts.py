"""What the files of attributions and builds hold: their settings, manifests and rows.

The settings say what a folder belongs to and are written first. The manifest repeats them, adds the number of rows, and
is written last: a folder with a manifest is complete.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypedDict

from faithfulness_metrics.units import WORD_UNIT, units_of

if TYPE_CHECKING:
    from typing_extensions import NotRequired

    from faithful_se.transcript import Message

# What a folder holds, in messages.
ATTRIBUTIONS, TRAINING_ROWS = "attributions", "rows to train on"


class ScoringOptions(TypedDict, total=False):
    """How words are scored: `AttributionOptions`, and what of the prompt a user chooses."""

    method: str
    target: str
    steps: int
    finalists: int
    samples: int
    pool: bool
    check_flips: bool
    whole_answer: bool
    seed: int
    mask: str  # written in place of a word
    unit: str  # what is scored, where it is not the word: ``sentence``
    language: str  # of the sentences, where it is not English
    unknown: bool  # whether "unknown" is one of the labels
    classifier: str  # how labels are ranked: ``loglikelihood`` or ``calibrated``
    prior: str  # of ``calibrated``: ``texts``, ``contextual`` or ``domain``
    prior_texts: int  # of the prior ``texts``, at most
    words_of: str  # of multiple choice: whose words count, where these are not the question's
    num_fewshot: int  # labelled examples before the question
    system: str | None  # system message; without one absent in the options of a row, and None in those of a folder
    chat_template_args: dict[str, Any]  # in the options of a row, as in the next class


class AttributionSettings(TypedDict):
    """`settings.json` of `faithful-se attribute`."""

    model: str  # fingerprint, adapter included
    method: str
    options: ScoringOptions
    prompt: dict[str, str]  # dataset -> digest of everything that the model reads besides the texts
    date: NotRequired[str]  # the day that the chat template writes, if it writes one
    chat_template_args: NotRequired[dict[str, Any]]  # further arguments of the chat template, where there are any
    label_prior: NotRequired[dict[str, dict[str, float]]]  # dataset -> label -> nats that are subtracted
    examples: NotRequired[dict[str, list[Message]]]  # dataset -> turns before the question
    fewshot_seed: NotRequired[int]  # of the draw of the examples
    tokenizer: NotRequired[dict[str, Any]]  # special tokens, a digest of the vocabulary, …
    chat_template: NotRequired[str | None]  # a digest of its text
    dtype: NotRequired[str]  # number type that the model was loaded as
    data: NotRequired[str]  # where the datasets are: "hub", "mini", "own" or the absolute path of a folder
    include_path: NotRequired[str]  # the absolute path of the folder of datasets outside the package
    split: NotRequired[str]
    order: NotRequired[str]  # of the texts where it is not that of the file, as the next
    order_seed: NotRequired[int]
    file: NotRequired[str]  # absolute path of the user's own texts
    question: NotRequired[str]  # what was asked about them, as the next two
    fields: NotRequired[list[str]]
    labels: NotRequired[list[str]]


class AttributionManifest(AttributionSettings):
    """`manifest.json` of `faithful-se attribute`."""

    rows: dict[str, int]  # dataset -> number of rows in its file


class WordScore(TypedDict):
    """One occurrence of a word: characters `start` to `end` of `field`."""

    text: str  # as it is written there
    field: str
    start: int
    end: int
    key: str  # equal for all occurrences of the word
    score: float | None  # None where the method did not look at it


class TopWord(TypedDict):
    """The word with the highest score."""

    text: str  # as first written
    key: str
    positions: list[int]  # of all its occurrences, in `words`
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
    labels: NotRequired[list[str]]  # of multiple choice: the letters of the text's choices
    context: NotRequired[dict[str, str]]  # of multiple choice: what is shown beside the text, and never masked


class BuildSource(AttributionManifest):
    """The attributions that a build reads."""

    texts: str  # digest of the texts, the model's answers and the ranked words


class RowOptions(TypedDict):
    """How explanations are made and which are kept: `BuildOptions`."""

    styles: list[str]
    budget: str
    arm: str
    filtered: bool
    replay: float
    candidates: int
    specific: bool
    pairs: NotRequired[bool]  # present where it is true
    context: str
    classifier: str
    seed: int


class BuildSettings(TypedDict):
    """`settings.json` of `faithful-se build`."""

    attributions: BuildSource
    options: RowOptions
    datasets: list[str]
    data: NotRequired[str]  # where the evaluation's texts are, if the attributions name another place
    tokenizer: NotRequired[dict[str, Any]]  # of the model that answers, as the next two
    chat_template: NotRequired[str | None]
    generation_config: NotRequired[dict[str, Any]]


class BuildManifest(BuildSettings):
    """`manifest.json` of `faithful-se build`."""

    rows: int  # number of training rows


def content_of(settings: Mapping[str, Any]) -> str:
    """What the folder of these settings holds; empty for the `settings.json` of another program."""
    options = settings.get("options")
    if not isinstance(options, dict):
        return ""
    if "model" in settings and {"method", "target", "mask"} <= options.keys():
        return ATTRIBUTIONS
    is_build = isinstance(settings.get("attributions"), dict) and {"styles", "arm"} <= options.keys()
    return TRAINING_ROWS if is_build else ""


def words_problem(row: Mapping[str, Any]) -> str:
    """Why a row of attributions is of no use here; empty where it is.

    Versions differ in what a word or sentence is. So those of an older row need not be those that are masked now.
    """
    recorded = [word["key"] for word in row.get("words") or ()]
    options = row.get("options") or {}
    unit, language = options.get("unit", WORD_UNIT), options.get("language", "en")
    now = [span.key for span in units_of(row["fields"], unit, language)] if recorded else []
    if recorded == now:
        return ""
    strange = sorted({*recorded} ^ {*now})[:3] or recorded[:3]
    return (
        f"another version attributed it, which found other {unit}s in the text ({', '.join(strange)}): attribute the "
        "texts again, into another --out"
    )
