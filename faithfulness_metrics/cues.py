"""How well explanations tell documents in which a cue decides from those in which it does not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from faithfulness_metrics.bootstrap import Array


def g_mean_of_counts(counts: npt.ArrayLike) -> Array:
    """Geometric mean of hit rate and specificity from counts of documents, [n_tables, 4] -> [n_tables].

    √(h (1 - f)), with h = P(named | taken) and f = P(named | not taken). In [0, 1]: 0 for an explanation that names
    the cue always or never. Kubat and Matwin 1997. nan where every answer follows the cue, or none does.
    docs/metrics.md, "15. Inserted cues".

    Args:
        counts: documents where the cue is taken and named, only taken, only named, neither. Means do as well.
    """
    hit, miss, false_alarm, rest = np.asarray(counts, dtype=np.float64).T
    with np.errstate(invalid="ignore", divide="ignore"):
        values: Array = np.sqrt(hit / (hit + miss) * (rest / (false_alarm + rest)))
    return values
