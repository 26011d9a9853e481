"""Metrics of how faithful a self-explanation is: pure functions of plain values, float or nan out.

- `words.py`: what a word is, its position in a document, and how words are removed from a text
- `sentences.py`: where the sentences of a text are
- `units.py`: what an explanation names: words or sentences
- `segmentation.py`: the words of scripts without blanks
- `edited_words.py`: the words of an edited document beside those of its original
- `random_words.py`: the random words or sentences of the chance control
- `infill.py`: words of other texts in the place of removed ones
- `flips.py`: did the answer change: `faithful`, `abstain`, `madsen`, `faithful_given_valid`
- `samples.py`: several sampled answers to each question: their majority, and rates of the even and the odd ones
- `chance.py`: against random words and the best word: `lift`, `headroom`, `ccf` with its interval
- `counterfactual.py`: edit distance, minimality, validity under a budget, label words in the edit
- `erasure.py`: leave-one-out rank, comprehensiveness and sufficiency, CCT and φ-CCT
- `cues.py`: an inserted cue: is it taken, is it named, and φ and g-mean of the two
- `drift.py`: a trained checkpoint against its base: agreement, label entropy, rates of unknown and unread answers
- `measurability.py`: does the classifier classify: `obstacle` says why `faithful` and `lift` cannot be measured
- `plausibility.py`: overlap of the named words with the words that a person marked
- `bootstrap.py`: resampling of documents, intervals of any statistic, documents with missing values
- `statistics.py`: intervals of rates, paired tests, corrections, the smallest detectable difference

Import a function from here (``from faithfulness_metrics import ccf``) or from its module. A value that does not exist
is nan, never 0, and a nan that goes into a mean comes out of it. `bootstrap.complete` leaves incomplete documents out
and counts them. Neither torch nor lm_eval is imported, statsmodels only where it is used.
"""

from faithfulness_metrics.bootstrap import Interval, complete, paired_bootstrap
from faithfulness_metrics.chance import ccf, ccf_interval, ccf_stderr, describe_ccf, headroom, lift
from faithfulness_metrics.counterfactual import edit_distance, edit_fraction, label_leak, one_edit, valid_within
from faithfulness_metrics.drift import agreement, label_entropy, unknown_rate, unparsed_rate
from faithfulness_metrics.erasure import (
    aopc,
    cct,
    comprehensiveness,
    hit1,
    hit1_chance,
    label_mass,
    label_probability,
    loo_percentile,
    phi_cct,
    redundant,
    sufficiency,
)
from faithfulness_metrics.flips import abstain, faithful, faithful_given_valid, madsen
from faithfulness_metrics.measurability import Answers, Obstacle, answer_share, count_answers, obstacle
from faithfulness_metrics.plausibility import iou, token_f1
from faithfulness_metrics.statistics import (
    Difference,
    McNemar,
    NoiseFloor,
    detectable_difference,
    difference,
    holm,
    mcnemar,
    noise_floor,
    wilson,
)

__all__ = [
    "Answers", "Difference", "Interval", "McNemar", "NoiseFloor", "Obstacle", "abstain", "agreement", "answer_share",
    "aopc", "ccf", "ccf_interval", "ccf_stderr", "cct", "complete", "comprehensiveness", "count_answers",
    "describe_ccf", "detectable_difference", "difference", "edit_distance", "edit_fraction", "faithful",
    "faithful_given_valid", "headroom", "hit1", "hit1_chance", "holm", "iou", "label_entropy", "label_leak",
    "label_mass", "label_probability", "lift", "loo_percentile", "madsen", "mcnemar", "noise_floor", "obstacle",
    "one_edit", "paired_bootstrap", "phi_cct", "redundant", "sufficiency", "token_f1", "unknown_rate",
    "unparsed_rate", "valid_within", "wilson",
]  # fmt: skip
