"""From the values of all documents to one number, and its standard error.

`lm_eval_tasks.metrics` says which key takes which of them. None is a value that a document does not have.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import stdev

import numpy as np

from faithfulness_metrics import chance, erasure, measurability
from faithfulness_metrics.bootstrap import bootstrap_means, interval
from faithfulness_metrics.cues import g_mean_of_counts


def pooled_mean(values: Sequence[float | None]) -> float:
    """Mean over the documents that have a value; nan when none has."""
    defined = [value for value in values if value is not None]
    return sum(defined) / len(defined) if defined else math.nan


def pooled_stderr(values: Sequence[float | None]) -> float:
    """Standard error of `pooled_mean`; nan below two values."""
    defined = [value for value in values if value is not None]
    return stdev(defined) / math.sqrt(len(defined)) if len(defined) > 1 else math.nan


def largest_share(counts: Sequence[Sequence[float]]) -> float:
    """Share of the most frequent label among all documents, from one count per label of each; nan without documents.

    Documents without a label (an unread answer) are in the denominator.
    """
    return float(np.mean(_aligned(counts), axis=0).max()) if len(counts) else math.nan


def _aligned(counts: Sequence[Sequence[float]]) -> list[list[float]]:
    """Counts of labels and "unknown" as rows of one length: documents can differ in their number of choices."""
    width = max(map(len, counts), default=0)
    return [[*row[:-1], *[0.0] * (width - len(row)), *row[-1:]] for row in counts]


def largest_share_or_none(counts: Sequence[Sequence[float]]) -> float:
    """`largest_share`; nan where no document has a label."""
    return largest_share(counts) or math.nan


def largest_share_stderr(counts: Sequence[Sequence[float]]) -> float | str:
    """Standard error of `largest_share`: of a mean of 0 and 1, with the label that is the most frequent here."""
    aligned = np.asarray(_aligned(counts))
    return _number(pooled_stderr(aligned[:, np.argmax(np.sum(aligned, axis=0))].tolist()))


def more_frequent(shares: Sequence[Sequence[float]]) -> float:
    """The largest mean among shares, over the documents that have some; nan when none has."""
    defined = [row for row in shares if row]
    return float(np.mean(defined, axis=0).max()) if defined else math.nan


def more_frequent_stderr(shares: Sequence[Sequence[float]]) -> float | str:
    """Standard error of `more_frequent`: of a mean, of the share that is the largest here."""
    defined = np.asarray([row for row in shares if row])
    return _number(pooled_stderr(defined[:, np.argmax(defined.mean(axis=0))].tolist()) if len(defined) else math.nan)


def measurable(rows: Sequence[Sequence[float]]) -> float | str:
    """1 where `faithful` and `lift` can be measured; otherwise why not, in a few words.

    `rows` has `scoring_answers.evidence` of each document. The log and boards say more: `lm_eval_tasks.measurability`.
    """
    changes, with_oracle, room, right = np.sum([row[:4] for row in rows], axis=0)
    halves = [(row[4:], (len(row) - 4) // 2) for row in rows]
    predictions = np.sum(_aligned([counts[:half] for counts, half in halves]), axis=0)
    golds = np.sum(_aligned([counts[half:] for counts, half in halves]), axis=0)
    place = int(np.argmax(predictions))
    numbers = (sum(predictions), predictions[place], sum(golds), right, max(golds), golds[place])
    read, most, known, correct, majority, own = map(round, numbers)
    answers = measurability.Answers(len(rows), read, "", most, known, correct, majority, own)
    headroom = float(room) / len(rows) if with_oracle else None
    obstacle = measurability.obstacle(answers, float(changes) / len(rows), headroom)
    return f"no ({obstacle.short})" if obstacle else 1.0


def no_stderr(rows: Sequence[Sequence[float]]) -> str:
    """`measurable` is a finding, not an estimate."""
    return "N/A"


def ccf(parts: Sequence[Sequence[float]]) -> float | str:
    """Chance-corrected faithfulness over all documents, or why it cannot be measured."""
    columns = list(zip(*parts, strict=True))
    value = chance.ccf(*columns)
    return chance.describe_ccf(*columns) if math.isnan(value) else value


def ccf_stderr(parts: Sequence[Sequence[float]]) -> float | str:
    """Standard error of `ccf` by paired bootstrap over documents."""
    faithful, random, oracle = zip(*parts, strict=True)
    return _number(chance.ccf_stderr(faithful, random, oracle))


def phi_cct(counts: Sequence[Sequence[float]], column: int = 0) -> float:
    """φ-CCT over all pairs of a document and a type of word; nan where everything or nothing flips.

    `column` 1 is its share of the most that these numbers of flips and of named words allow.
    """
    return float(erasure.phi_of_counts([np.sum(counts, axis=0)])[0, column])


def phi_cct_stderr(counts: Sequence[Sequence[float]], column: int = 0) -> float | str:
    """Standard error of `phi_cct` by bootstrap over documents."""
    resampled = erasure.phi_of_counts(bootstrap_means(list(zip(*counts, strict=True))))
    return _number(interval(resampled[:, column]).stderr)


def g_mean(counts: Sequence[Sequence[float]]) -> float:
    """Geometric mean of hit rate and specificity over documents; nan where every answer follows the cue, or none."""
    return float(g_mean_of_counts([np.sum(counts, axis=0)])[0])


def g_mean_stderr(counts: Sequence[Sequence[float]]) -> float | str:
    """Standard error of `g_mean` by bootstrap over documents."""
    return _number(interval(g_mean_of_counts(bootstrap_means(list(zip(*counts, strict=True))))).stderr)


def _number(value: float) -> float | str:
    return "N/A" if math.isnan(value) else value
