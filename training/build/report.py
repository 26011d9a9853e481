"""`report.json`: how many texts of a build became rows, and why the others did not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from faithful_se.files import parse_json_object
from training.build.rows import CLASSIFICATION, Row
from training.build.verify import OTHER_ANSWER
from training.runs.artefacts import BuildSettings

if TYPE_CHECKING:
    from typing_extensions import NotRequired

REPORT = "report.json"

Counts = dict[str, dict[str, int]]
SPECIFIC, NOT_SPECIFIC = "specific", "not specific"

# From this share on, texts that are lost because two classifiers disagree are worth a line.
MANY = 0.1


class ShardLine(TypedDict):
    """A line of a shard: what became of one text in one style. `rejected.jsonl` holds those without a row."""

    dataset: str
    style: str
    hash: str
    best: NotRequired[str]  # its best word; absent in lines of classifications
    reason: str  # why there is no row
    row: Row | None


@dataclass(frozen=True)
class BuildCounts:
    """Counts of a build.

    Attributes:
        accepted: dataset -> style -> rows.
        rejected: dataset -> style -> texts without a row; by reason in `reasons`.
        reasons: ``dataset style`` -> reason -> texts.
        held_out: dataset -> reason -> texts left out because of the evaluation.
        replayed: dataset -> classification rows.
        new_words: dataset -> ``specific`` (the new word reaches the target at its position and at none of the random
            ones) or ``not specific`` -> rows. Empty where that was not asked.
    """

    accepted: Counts = field(default_factory=dict)
    rejected: Counts = field(default_factory=dict)
    reasons: Counts = field(default_factory=dict)
    held_out: Counts = field(default_factory=dict)
    replayed: dict[str, int] = field(default_factory=dict)
    new_words: Counts = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """All rows."""
        return self.explanations + sum(self.replayed.values())

    @property
    def explanations(self) -> int:
        """Rows without replay."""
        return sum(sum(styles.values()) for styles in self.accepted.values())

    def most_rejected(self) -> str:
        """The three most frequent reasons why texts have no row, in words."""
        total = sum(map(Counter, (*self.reasons.values(), *self.held_out.values())), Counter[str]())
        return "; ".join(f"{reason} ({n})" for reason, n in total.most_common(3)) or "there are no texts"


class Report(TypedDict):
    """The content of `report.json`: the fields of `BuildCounts`, and what was offered."""

    rows: int
    explanations: int
    accepted: Counts
    rejected: Counts
    reasons: Counts
    held_out: Counts
    replayed: dict[str, int]
    new_words: Counts
    predictions: Counts  # dataset -> label -> texts that the model answers with it; "" for texts without attribution
    evaluation: str  # where the evaluation's texts are
    replacements: Mapping[str, Mapping[str, Sequence[str]]]  # dataset -> label -> words offered to counterfactuals


def make_report(
    counts: BuildCounts,
    settings: BuildSettings,
    replacements: Mapping[str, Mapping[str, Sequence[str]]],
    predictions: Counts,
) -> Report:
    """The report of a build."""
    return {
        "rows": counts.rows,
        "explanations": counts.explanations,
        "accepted": counts.accepted,
        "rejected": counts.rejected,
        "reasons": counts.reasons,
        "held_out": counts.held_out,
        "replayed": counts.replayed,
        "new_words": counts.new_words,
        "predictions": predictions,
        "evaluation": settings.get("data", settings["attributions"].get("data", "hub")),
        "replacements": replacements,
    }


def read_counts(path: Path) -> BuildCounts | None:
    """The counts of `report.json`; None if it is missing or damaged."""
    names = BuildCounts.__dataclass_fields__
    with suppress(OSError):
        report = parse_json_object(path.read_bytes()) or {}
        if all(isinstance(report.get(name), dict) for name in names):
            return BuildCounts(**{name: report[name] for name in names})
    return None


def lost_answers(counts: BuildCounts, classifier: str) -> str:
    """One line where many texts have no row because the model generates another label than it ranks first; else ""."""
    reasons = [reason for by_reason in counts.reasons.values() for reason in by_reason.items()]
    lost = sum(n for reason, n in reasons if reason == OTHER_ANSWER)
    total = sum(counts.accepted[name][style] + n for name, rows in counts.rejected.items() for style, n in rows.items())
    if classifier != "generate" or lost <= MANY * total:
        return ""
    return (
        f"{lost} of {total} texts and styles have no row: the model generates another label than it ranks first. "
        "--classifier loglikelihood explains the ranked labels; evaluate with classifier=loglikelihood then"
    )


def count_lines(lines: Iterable[ShardLine], held_out: Counts | None = None) -> BuildCounts:
    """Count the lines of shards."""
    counts = BuildCounts(held_out=held_out or {})
    for line in lines:
        dataset, style, row = line["dataset"], line["style"], line["row"]
        if style == CLASSIFICATION:
            counts.replayed[dataset] = counts.replayed.get(dataset, 0) + 1
            continue
        for styles, increment in ((counts.accepted, row is not None), (counts.rejected, row is None)):
            of_dataset = styles.setdefault(dataset, {})
            of_dataset[style] = of_dataset.get(style, 0) + increment
        if row is None:
            reasons = counts.reasons.setdefault(f"{dataset} {style}", {})
            reasons[line["reason"]] = reasons.get(line["reason"], 0) + 1
        elif row.get("elsewhere") is not None:
            words = counts.new_words.setdefault(dataset, {SPECIFIC: 0, NOT_SPECIFIC: 0})
            words[SPECIFIC if row["flips"] and not row["elsewhere"] else NOT_SPECIFIC] += 1
    return counts
