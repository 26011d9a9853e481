"""One row per text: from scores to what is written, how the top word is chosen, and a summary of a file of rows."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict, TypeVar, cast

from faithful_se.errors import UsageError
from faithful_se.files import read_jsonl
from faithfulness_metrics.erasure import label_mass
from faithfulness_metrics.measurability import is_tied, tie_line
from faithfulness_metrics.statistics import wilson
from lm_eval_tasks.document import Document
from training.attribution.engine.document_batch import DocumentBatch, Masking
from training.measurability import accuracy_line, counted_answers, why_nothing_to_learn
from training.runs.artefacts import AttributionRow, ScoringOptions, TopWord, WordScore
from training.runs.versions import package_versions

# Scores closer than this share of the largest one, or of the log-probabilities that they are differences of, are tied:
# batches of another size change the last digits.
TIE, TIE_LOGPROB = 1e-5, 1e-6
# Labels that a summary counts; the rest are those of texts with labels of their own.
MOST_LABELS = 8
# Significant digits that are written. They tell any two numbers in float32 apart.
DIGITS = 9

Number = TypeVar("Number", float, float | None)


class RunFields(TypedDict):
    """Fields that are the same in all rows of a run."""

    dataset: str
    method: str
    options: ScoringOptions
    model: str
    versions: dict[str, str]


def run_fields(dataset: str, options: Mapping[str, Any], model: str) -> RunFields:
    """The fields that all rows of a run share; `versions` names the packages that decide the numbers."""
    versions = package_versions("faithful-se", "torch", "transformers", "captum")
    scoring = cast(ScoringOptions, options)
    return RunFields(dataset=dataset, method=options["method"], options=scoring, model=model, versions=versions)


def empty_row(document: Document, index: int, run: RunFields, problem: str) -> AttributionRow:
    """The row of a text without scores; `index` is its number in the dataset."""
    row: AttributionRow = {
        "hash": document.hash,
        "dataset": run["dataset"],
        "index": index,
        "fields": dict(document.fields),
        "gold": document.gold,
        "problem": problem,
        "prediction": None,
        "logprobs": {},
        "words": [],
        "types": {},
        "top": None,
        "gap": None,
        "flips": None,
        "flipped_to": None,
        "delta": None,
        **run,  # type: ignore[typeddict-item]  # mypy misses keys that are not required
    }
    if document.labels:
        row["labels"], row["context"] = list(document.labels), dict(document.context)
    return row


def attribute_batch(batch: DocumentBatch, indices: Sequence[int], run: RunFields) -> list[AttributionRow]:
    """Attribute a batch of documents; `indices` are their numbers in the dataset.

    Raises:
        UsageError: a score or a probability is not finite. Names the text.
    """
    labels = batch.forward.tree.labels
    _check_finite(batch, dict(enumerate(batch.logprobs.tolist())))
    scores, deltas = batch.options.traits.score(batch)
    _check_finite(batch, dict(enumerate(scores)))
    rankings = [_rank_words(batch, index, row) for index, row in enumerate(scores)]
    labels_without_top = _labels_without_top_word(batch, [ranking[0][0] for ranking in rankings])
    rows = []
    for i, (prompt, ranking) in enumerate(zip(batch.prompts, rankings, strict=True)):
        label, words, (top, top_score) = int(batch.label[i]), prompt.document.units, ranking[0]
        positions = list(prompt.types[top])
        row = empty_row(prompt.document, indices[i], run, "")
        row["prediction"] = labels[label]
        row["logprobs"] = {name: _rounded(x) for name, x in zip(labels, batch.logprobs[i].tolist(), strict=True)}
        row["words"] = [
            WordScore(text=word.text, field=word.field, start=word.start, end=word.end, key=word.key, score=score)
            for word, score in zip(words, map(_rounded, scores[i]), strict=True)
        ]
        row["types"] = {key: _rounded(score) for key, score in ranking}
        row["top"] = TopWord(text=words[positions[0]].text, key=top, positions=positions, score=_rounded(top_score))
        row["gap"] = _rounded(max(0.0, top_score - ranking[1][1])) if len(ranking) > 1 else None
        row["delta"] = _rounded(deltas[i])
        if i in labels_without_top:
            row["flips"] = labels_without_top[i] != label
            row["flipped_to"] = labels[labels_without_top[i]] if row["flips"] else None
        rows.append(row)
    return rows


def _labels_without_top_word(batch: DocumentBatch, top_words: Sequence[str]) -> dict[int, int]:
    """Document -> predicted label without its top word; of all if `check_flips`, else where the model was asked."""
    maskings: list[Masking] = [
        (i, frozenset(prompt.types[top])) for i, (prompt, top) in enumerate(zip(batch.prompts, top_words, strict=True))
    ]
    if not batch.options.check_flips:
        maskings = [masking for masking in maskings if masking in batch.masked_logprobs]
    if not maskings:
        return {}
    logprobs = batch.with_masks(maskings)
    _check_finite(batch, dict(zip([i for i, _ in maskings], logprobs.tolist(), strict=True)))
    return {i: int(label) for (i, _), label in zip(maskings, batch.best_label(logprobs).tolist(), strict=True)}


def _rank_words(batch: DocumentBatch, index: int, scores: Sequence[float | None]) -> list[tuple[str, float]]:
    """(word, score), the highest first; among tied top words the one that stands first in the text."""
    options, types = batch.options, batch.prompts[index].types
    is_sum = options.traits.additive or not (options.pool or options.traits.whole_words)
    word_scores: dict[str, float] = {}
    for key, positions in types.items():
        values = [value for value in (scores[position] for position in positions) if value is not None]
        if values:
            word_scores[key] = math.fsum(values) if is_sum else values[0]
    ranked = sorted(word_scores.items(), key=lambda pair: -pair[1])
    noise = TIE_LOGPROB * float(batch.logprobs[index].abs().max())
    largest = max(map(abs, word_scores.values()))
    if options.target == "normalized":
        # The probability of a sure answer is 1 to many digits. Its errors shrink with its distance from 1.
        noise *= min(1.0, largest - float(batch.target_values()[index]))
    slack = max(TIE * largest, noise)
    order = list(types)
    tied = [pair for pair in ranked if pair[1] >= ranked[0][1] - slack]
    top = min(tied, key=lambda pair: order.index(pair[0]))
    return [top, *(pair for pair in ranked if pair is not top)]


def _rounded(value: Number) -> Number:
    return value if value is None else float(f"{value:.{DIGITS}g}")


def _check_finite(batch: DocumentBatch, values: Mapping[int, Sequence[float | None]]) -> None:
    for index, row in values.items():
        if any(value is not None and not math.isfinite(value) for value in row):
            raise UsageError(
                f"text {batch.prompts[index].document.hash}: the model's numbers are not finite in "
                f"{batch.forward.dtype}: try --dtype float32"
            )


def summarize(path: Path, prior: Mapping[str, float] | None = None, dtype: str = "") -> str:
    """A finished file in one line: what the texts were answered with, and how many answers change.

    An answer changes without the top word. The share is of all texts, with a 95 % Wilson interval. Accuracy stands
    beside the majority's. A line follows where the model gives nearly all texts one answer, and one where the best
    labels tie.

    Args:
        path: the file.
        prior: nats that were subtracted from each label's log-probability, if any.
        dtype: number type of the model; "" if unknown.

    Raises:
        UsageError: a damaged line.
    """
    counts: Counter[str] = Counter()
    predictions: list[str | None] = []
    golds: list[str | None] = []
    masses, classifier, examples = [], "loglikelihood", False
    for row in read_jsonl(path):
        counts["texts"] += 1
        counts["problems"] += bool(row["problem"])
        counts["asked"] += row["flips"] is not None
        counts["flips"] += bool(row["flips"])
        if prediction := row.get("prediction"):  # the others are the texts without attribution
            predictions.append(prediction)
            golds.append(row.get("gold"))
            masses.append(label_mass(row["logprobs"]))
            counts["tied"] += is_tied(row["logprobs"], prior)
            classifier = row["options"].get("classifier", classifier)
            examples = bool(row["options"].get("num_fewshot"))
    parts = [f"{counts['texts']} text{'' if counts['texts'] == 1 else 's'}"]
    if counts["problems"]:
        parts.append(f"{counts['problems']} without attribution")
    if predictions:
        labels = ", ".join(f'"{label}" {n}' for label, n in list(counted_answers(predictions).items())[:MOST_LABELS])
        parts.append("; ".join(filter(None, (f"answers {labels}", accuracy_line(predictions, golds)))))
        parts.append(f"the labels together hold {sum(masses) / len(masses):.2g} of the probability")
    changes = None
    # With occurrences scored one by one the model was asked about some texts only, so there is no rate of all.
    if counts["asked"] and counts["asked"] + counts["problems"] == counts["texts"]:
        low, high = wilson(counts["flips"], counts["texts"])
        share = changes = counts["flips"] / counts["texts"]
        parts.append(
            f"without its top word the answer changes for {counts['flips']} ({share:.1%}, {low:.1%} to {high:.1%})"
        )
    reason, ties = "", tie_line(counts["tied"], len(predictions), dtype, "--dtype float32")
    if predictions:
        reason = why_nothing_to_learn(predictions, golds, classifier, examples=examples, changes=changes)
    return "\n".join([f"{path}: " + "; ".join(parts), *(f"{path}: {line}" for line in (reason, ties) if line)])
