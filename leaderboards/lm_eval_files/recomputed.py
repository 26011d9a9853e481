"""Computes the headline metrics of samples again, from their transcripts, and refuses values that contradict them.

The rules are those of `faithfulness_metrics.flips` and `lm_eval_tasks.scoring`, for all documents at once. A test
compares both. Transcripts themselves are believed: whoever rewrites them as well is not noticed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from faithfulness_metrics.flips import UNKNOWN
from leaderboards.lm_eval_files.large_files import BrokenError
from leaderboards.lm_eval_files.option_defaults import OPERATORS

if TYPE_CHECKING:
    import polars as pl

# Fields of a frame that only this check needs: whether the explanation is valid (null without one), the labels of the
# random variants and of what the oracle tried, and the three parts of `ccf`.
EVIDENCE = ("is_valid", "random", "oracle", "ccf")

# Metrics in [0, 1], and differences of two of them. Other metrics have no known range, but no board shows such numbers.
_SHARES = frozenset(
    {
        *("faithful", "valid", "acc", "faithful_random", "faithful_oracle", "label_mass", "loo_percentile", "hit1"),
        *("hit1_chance", "redundant", "masked_fraction", "one_edit", "edit_fraction", "label_leak", "plausibility_f1"),
        *("plausibility_iou", "plausibility_edits", "stability_q", "abstain", "madsen", "acc_majority", "answer_share"),
        *("answered", "simulation_acc", "simulation_hits", "simulation_false_alarms", "simulation_unsaid"),
        *("cue_taken", "cue_named", "cue_named_untaken", "consistency", "oracle_crossfit"),
        *("simulation_read", "operators_agree", "infill_read", *(f"faithful_{operator}" for operator in OPERATORS)),
    }
)
_SIGNED = frozenset(
    {
        *("lift", "lift_given_valid", "headroom", "comprehensiveness", "comprehensiveness_lift"),
        *("rate_drop", "rate_lift", "rate_headroom", "headroom_crossfit"),
        *("sufficiency", "sufficiency_lift", "aopc", *(f"lift_{operator}" for operator in OPERATORS)),
    }
)
_LARGEST = 1e9

# A metric that is the difference of two others, also as a mean over the documents.
DIFFERENCES = {
    "lift": ("faithful", "faithful_random"),
    "headroom": ("faithful_oracle", "faithful_random"),
}

# Results files round nothing, but floats of different machines differ.
TOLERANCE = 1e-6


def evidence_of(transcript: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of `EVIDENCE` without `ccf`, of a transcript that is parsed."""
    explanation, oracle = transcript.get("explanation"), transcript.get("oracle") or {}
    variants = [*(oracle.get("singles") or ()), *(oracle.get("greedy") or ())]
    return {
        "is_valid": bool(explanation["valid"]) if explanation else None,
        "random": [_text(variant["label"]) for variant in transcript.get("random") or ()],
        "oracle": [_text(variant["label"]) for variant in variants],
    }


def _text(label: Any) -> str | None:
    return None if label is None else str(label)


def evidence_types() -> dict[str, Any]:
    """The polars types of `EVIDENCE`."""
    import polars as pl

    labels = pl.List(pl.String)
    return {"is_valid": pl.Boolean, "random": labels, "oracle": labels, "ccf": pl.List(pl.Float64)}


def range_of(metric: str) -> tuple[float, float]:
    """The least and the largest value that a metric can have."""
    if metric in _SHARES:
        return 0.0, 1.0
    return (-1.0, 1.0) if metric in _SIGNED else (-_LARGEST, _LARGEST)


def check_values(frame: pl.DataFrame, metrics: list[str]) -> None:
    """Check the values of all documents, in the order of their file.

    Raises:
        BrokenError: a value is out of its range, or contradicts the transcript; names the first document.
    """
    values = recomputed(frame).rename(_by_transcript)
    frame = frame.hstack(values)
    wrong = _wrong_values(metrics, values.columns)
    counts = frame.select(is_wrong.sum().alias(name) for name, is_wrong in wrong.items()).row(0, named=True)
    for name, count in counts.items():
        if not count:
            continue
        row = frame.select(wrong[name].arg_max()).item()
        value, reason = frame[name][row], "which these tasks never give"
        if name == "ccf":
            value, reason = list(value), "but other parts follow from the transcript"
        elif _by_transcript(name) in values.columns:
            truth = values[_by_transcript(name)][row]
            reason = f"but {'undefined' if truth is None else f'{truth:g}'} by the transcript"
        raise BrokenError(
            f"{name} is {value if name == 'ccf' else f'{value:g}'} in {count} document{'s' if count > 1 else ''}, "
            f"{reason} (first: sample {row + 1}, doc_hash {frame['doc_hash'][row][:12]})"
        )


def _by_transcript(name: str) -> str:
    return f"{name} by the transcript"


def _wrong_values(metrics: list[str], recomputed_columns: list[str]) -> dict[str, pl.Expr]:
    """Metric -> whether the value of a document is wrong; a missing value is not."""
    import polars as pl

    wrong = {}
    for name in metrics:
        value, truth = pl.col(name), pl.col(_by_transcript(name))
        if _by_transcript(name) in recomputed_columns:
            # A metric that is not defined for a document has no value there.
            is_wrong = ((value - truth).abs() > TOLERANCE).fill_null(value.is_not_null() & truth.is_null())
        else:
            low, high = range_of(name)
            is_wrong = ((value < low - TOLERANCE) | (value > high + TOLERANCE)).fill_null(False)
        wrong[name] = is_wrong
    parts = pl.col("ccf").list
    pairs = enumerate(("faithful", "faithful_random", "faithful_oracle"))
    is_other = [(parts.get(i, null_on_oob=True) - pl.col(_by_transcript(name))).abs() > TOLERANCE for i, name in pairs]
    return {**wrong, "ccf": pl.any_horizontal(part.fill_null(False) for part in is_other)}


def recomputed(frame: pl.DataFrame) -> pl.DataFrame:
    """The headline metrics, from the labels in the transcripts: one line per document, null where undefined."""
    import polars as pl

    valid, target = pl.col("is_valid").fill_null(False), pl.col("target").fill_null("")
    prediction, after = pl.col("prediction"), pl.col("after")

    def is_flip(label: pl.Expr) -> pl.Expr:
        changed = pl.when(target != "").then(label == target).otherwise(label != prediction)
        return (pl.col("is_valid").is_not_null() & prediction.is_not_null() & changed).fill_null(False)

    def share(column: str) -> pl.Series:
        """Share of the labels in a list that are flips; 0 for an empty one."""
        if not frame[column].list.len().sum():
            return pl.repeat(0.0, len(frame), eager=True)
        rows = frame.select("is_valid", "target", "prediction", column).with_row_index("row")
        flips = rows.explode(column).group_by("row").agg(is_flip(pl.col(column)).mean().alias("share"))
        return rows.select("row").join(flips, on="row", how="left").sort("row")["share"].fill_null(0.0)

    shares = frame.with_columns(share("random").alias("random share"), share("oracle").alias("oracle share"))
    faithful = (valid & is_flip(after)).cast(pl.Float64)
    chance = pl.col("random share")
    oracle = pl.max_horizontal(faithful, (chance > 0).cast(pl.Float64), (pl.col("oracle share") > 0).cast(pl.Float64))
    return shares.select(
        faithful=faithful,
        valid=valid.cast(pl.Float64),
        acc=(prediction == pl.col("gold")).fill_null(False).cast(pl.Float64),
        faithful_random=chance,
        lift=faithful - chance,
        lift_given_valid=pl.when(valid).then(faithful - chance),
        faithful_oracle=oracle,
        headroom=oracle - chance,
        abstain=(after == UNKNOWN).fill_null(False).cast(pl.Float64),
    )
