"""The report of a tuning: its rows, the model before and after, and whether it is fit to be a subject."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypedDict

from training.build.rows import CLASSIFICATION
from training.tune.measure import Measurement, accuracy_text, by_style, share_text
from training.tune.options import GateOptions
from training.tune.rows import DRAWN, OWN, TuneRow

# What rows of drawn words are, in the words of the card and the report.
FORM = "plausible form, no truth"


class Report(TypedDict):
    """The content of `report.json`."""

    rows: int
    gold: dict[str, dict[str, int]]  # dataset -> label -> classifications
    masked: dict[str, int]  # dataset -> classifications with masked words
    replay: dict[str, dict[str, dict[str, int]]]  # dataset -> "style budget" -> "own" or "drawn" -> explanations
    drawn_rows: str  # what the drawn explanations are
    left_out: dict[str, dict[str, int]]  # dataset -> reason -> training texts
    dtype: str  # number format of OUT/model
    training: dict[str, Any]  # steps, rows a step, learning rate, loss, …
    before: dict[str, Measurement]  # dataset -> the untuned model
    after: dict[str, Measurement]  # dataset -> OUT/model
    gate: list[str]  # what failed; empty where the model passed


def count_rows(rows: Iterable[TuneRow]) -> dict[str, Any]:
    """The parts of a report that follow from the rows."""
    gold: dict[str, Counter[str]] = {}
    masked, replay, total = Counter[str](), dict[str, dict[str, Counter[str]]](), 0
    for row in rows:
        total += 1
        name = row["dataset"]
        if row["style"] == CLASSIFICATION:
            gold.setdefault(name, Counter())[row["prediction"]] += 1
            masked[name] += bool(row["words"])
        else:
            of_dataset = replay.setdefault(name, {})
            of_dataset.setdefault(f"{row['style']} {row['budget']}", Counter({OWN: 0, DRAWN: 0}))[row["source"]] += 1
    return {"rows": total, "gold": gold, "masked": masked, "replay": replay}


def gate_failures(after: Mapping[str, Measurement], labels: Mapping[str, int], gate: GateOptions) -> list[str]:
    """What the tuned model does not reach, each with its number.

    Args:
        after: dataset -> the tuned model.
        labels: dataset -> number of its labels.
        gate: the thresholds.
    """
    failures = []
    accuracies, frequencies = gate.accuracy_of(list(after)), gate.frequency_of(labels)
    for name, measured in after.items():
        accuracy = measured["right"] / measured["n"]
        if accuracy < accuracies.get(name, 0):
            failures.append(f"{name} accuracy {share_text(accuracy)} < {share_text(accuracies[name])}")
        label, count = next(iter(measured["answers"].items()))
        if count / measured["n"] > frequencies[name]:
            share = share_text(count / measured["n"])
            failures.append(f'{name} answers "{label}" for {share} > {share_text(frequencies[name])}')
    for style, (valid, n) in by_style(list(after.values())).items():
        if valid / n < gate.least_valid:
            failures.append(f"{style} valid {share_text(valid / n)} < {share_text(gate.least_valid)}")
    return failures


def gate_line(failures: list[str]) -> str:
    """The last line of the command."""
    return f"gate failed: {'; '.join(failures)}" if failures else "gate passed"


def row_table(report: Report) -> Iterator[str]:
    """The rows, as lines of a Markdown table."""
    yield "| dataset | rows | of them |"
    yield "|---|---|---|"
    for name, labels in report["gold"].items():
        listed = "; ".join(f"{label}: {n}" for label, n in labels.items())
        listed += f"; with masked words: {report['masked'][name]}"
        yield f"| {name} | {sum(labels.values())} gold answers | {listed} |"
        for style, sources in report["replay"].get(name, {}).items():
            listed = f"the model's own: {sources[OWN]}; drawn words: {sources[DRAWN]}"
            yield f"| {name} | {sum(sources.values())} explanations, {style} | {listed} |"


def measurement_table(report: Report) -> Iterator[str]:
    """The model before and after, as lines of a Markdown table."""
    yield "| dataset | | before | after |"
    yield "|---|---|---|---|"
    for name, before in report["before"].items():
        both = before, report["after"][name]
        cells = {
            f"accuracy of {before['n']}": map(accuracy_text, both),
            "answers": (_answers(measurement) for measurement in both),
            "label mass": (share_text(measurement["label_mass"]) for measurement in both),
        }
        for what, (earlier, now) in cells.items():
            yield f"| {name} | {what} | {earlier} | {now} |"
        for style, counts in before["valid"].items():
            earlier, now = (_validity(measurement, style) for measurement in both)
            yield f"| {name} | {style}, valid of {counts['n']} | {earlier} | {now} |"


def _answers(measurement: Measurement) -> str:
    return "; ".join(f"{label or 'unread'}: {n}" for label, n in measurement["answers"].items())


def _validity(measurement: Measurement, style: str) -> str:
    counts = measurement["valid"][style]
    reason = next(iter(counts["reasons"]), "")
    return share_text(counts["valid"] / counts["n"]) + (f" ({reason})" if reason else "")
