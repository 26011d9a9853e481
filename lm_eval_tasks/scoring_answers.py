"""From a transcript to what the model's own answer says: which label, how sure, and whether anything changes it.

`lm_eval_tasks.metrics` counts these values over documents, and `faithfulness_metrics.measurability` judges the counts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from faithful_se.transcript import Transcript
from faithfulness_metrics import erasure
from faithfulness_metrics.flips import UNKNOWN
from lm_eval_tasks import scoring
from lm_eval_tasks.server_problems import is_server_problem
from lm_eval_tasks.styles import STYLES


def prediction_counts(transcript: Transcript, labels: Sequence[str]) -> list[float]:
    """1 at the place of the prediction among the labels and "unknown", else 0; all 0 where it could not be read."""
    return _one_hot(transcript["prediction"]["label"], (*labels, UNKNOWN))


def gold_counts(transcript: Transcript, labels: Sequence[str]) -> list[float]:
    """1 at the place of the gold label, else 0; all 0 without one."""
    return _one_hot(transcript["gold"], (*labels, UNKNOWN))


def evidence(transcript: Transcript, labels: Sequence[str]) -> list[float]:
    """What `faithfulness_metrics.measurability` asks about a document; the gold label only beside a read prediction.

    `changes`, whether an oracle removed words, its headroom, whether the answer is right; then `prediction_counts` and
    `gold_counts`.
    """
    prediction = prediction_counts(transcript, labels)
    gold = gold_counts(transcript, labels) if any(prediction) else [0.0] * len(prediction)
    has_oracle = has_headroom(transcript)
    room, is_right = scoring.headroom(transcript) if has_oracle else 0.0, prediction == gold and any(gold)
    return [changes(transcript), float(has_oracle), room, float(is_right), *prediction, *gold]


def changes(transcript: Transcript) -> float:
    """How much perturbations change the answer: the largest of `faithful`, its chance and, where it ran, its oracle."""
    oracle = scoring.faithful_oracle(transcript) if transcript["oracle"] else 0.0
    return max(scoring.faithful(transcript), scoring.faithful_random(transcript), oracle)


def has_headroom(transcript: Transcript) -> bool:
    """Whether the oracle says what an explanation could reach: it removes words whatever the explanation is.

    In styles of edits it only moves the explanation's own new word, so it says nothing about the classifier.
    """
    return transcript["oracle"] is not None and STYLES[transcript["style"]].REMOVES_WORDS


def label_mass(transcript: Transcript) -> float:
    """Probability that the ranked labels hold together; nan where labels were not ranked."""
    logprobs = transcript["prediction"]["logprobs"]
    return erasure.label_mass(logprobs) if logprobs else math.nan


def answered(transcript: Transcript) -> float:
    """Whether the model answered everything; 0 where its server sent something else than an answer."""
    return float(not is_server_problem(transcript["problem"]))


def _one_hot(label: str | None, labels: Sequence[str]) -> list[float]:
    place = labels.index(label) if label in labels else -1  # the first place: a dataset's own label may be "unknown"
    return [float(index == place) for index in range(len(labels))]
