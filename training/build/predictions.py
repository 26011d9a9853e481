"""The model's answers on the texts of a build: what its report counts, and why there may be nothing to learn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from faithfulness_metrics.measurability import remedy
from training.build.attributions import AttributedText, Attributions
from training.build.options import BuildOptions
from training.build.pairs import OWN_NOT_VALID, OWN_TRUE
from training.build.report import BuildCounts, Counts
from training.build.verify import UNPARSED
from training.measurability import counted_answers, why_nothing_to_learn

# Why most texts may give no pair, and what to do.
OF_PAIRS = {
    OWN_TRUE: "There is nothing to prefer to them: the model explains these texts truly already",
    OWN_NOT_VALID: "Teach the model the format first: `faithful-se sft` on rows that were built without --pairs",
}

MORE = "Look at the model's answers, or take more texts or --unfiltered"


def prediction_counts(texts: Mapping[str, Sequence[AttributedText]]) -> Counts:
    """Dataset -> label -> texts that the model answers with it; "" for texts without attribution."""
    return {name: counted_answers([text.prediction for text in of_dataset]) for name, of_dataset in texts.items()}


def warnings(attributions: Attributions, counts: BuildCounts, options: BuildOptions) -> list[str]:
    """A line for each dataset whose answers no explanation can be learnt of."""
    scoring = attributions.manifest["options"]
    classifier, examples = scoring.get("classifier", "loglikelihood"), bool(scoring.get("num_fewshot"))
    changes, lines = _changed_shares(counts) if options.filtered else {}, []
    for name, of_dataset in attributions.texts.items():
        answered = [text for text in of_dataset if text.prediction is not None]
        predictions, golds = [text.prediction for text in answered], [text.document.gold for text in answered]
        reason = why_nothing_to_learn(predictions, golds, classifier, examples=examples, changes=changes.get(name))
        lines += [f"{name}: {reason}"] if reason else []
    return lines


def _changed_shares(counts: BuildCounts) -> dict[str, float]:
    """Dataset -> largest share of its texts whose answer an explanation of one style changes."""
    shares: dict[str, float] = {}
    for name, styles in counts.accepted.items():
        totals = {style: rows + counts.rejected[name][style] for style, rows in styles.items()}
        own = {style: counts.reasons.get(f"{name} {style}", {}) for style in styles}
        changed = {style: rows + own[style].get(OWN_TRUE, 0) for style, rows in styles.items()}
        asked = {style: total - own[style].get(OWN_NOT_VALID, 0) for style, total in totals.items()}
        shares[name] = max(changed[style] / max(1, asked[style]) for style in styles)
    return shares


def why_no_row(counts: BuildCounts, lines: Sequence[str], options: BuildOptions) -> str:
    """What to do where no text became a row: the real reason, if the model's answers say it.

    `lines` are those of `warnings`.
    """
    if lines:
        return "; ".join(lines)
    reasons = [reason for by_reason in counts.reasons.values() for reason in by_reason.items()]
    total = sum(n for _, n in reasons)
    for own, what_to_do in OF_PAIRS.items():
        if 2 * sum(n for reason, n in reasons if reason == own) > total:
            return what_to_do
    if 2 * sum(n for reason, n in reasons if reason == UNPARSED) > total:
        what_to_do = remedy("unread", options.classifier or "generate", interface="command")
        return what_to_do[0].upper() + what_to_do[1:]
    return MORE
