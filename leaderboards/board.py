"""The board as data: what readers and statistics fill, what page and tables show, what `board.json` holds.

Plain values only, so that `dataclasses.asdict` is the file. A number that does not exist is None (never nan: JSON has
none), and `note` says why.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

# Rises with any change of a field's name or meaning: <breaking>.<added>.
SCHEMA_VERSION = "1.1"


@dataclass(frozen=True)
class Estimate:
    """A number over documents with its interval.

    Attributes:
        estimate, low, high: None where undefined.
        n: different documents it is over: what the bootstrap draws. Of a mean over tasks a text that six of them share
            counts once.
        note: why it is undefined, such as "not measurable (headroom 0.03)"; or what to know of it, such as that it is
            over fewer documents or tasks, or that its interval has no width since every document gave the same.
    """

    estimate: float | None
    low: float | None
    high: float | None
    n: int
    note: str = ""


@dataclass(frozen=True)
class Task:
    """A column: one task with one set of options, on one set of documents.

    Attributes:
        id: unique on the board: `<dataset>_<style>_<budget>`, with `~2`, `~3` … for further variants of one name.
        name: as lm-eval knows it.
        dataset, style, budget: what it tests.
        labels: the verbalizers.
        titles: names of the text fields as a person reads them, in order.
        version: of the task.
        options: as recorded in the results' configuration.
        limit: documents that `--limit` left of it; None for all.
        n: documents.
        variant: in words what sets it apart from the task of the same name: "limit 50", "classifier=loglikelihood".
        trained_on: whether any checkpoint of the board was trained on this dataset.
    """

    id: str
    name: str
    dataset: str
    style: str
    budget: str
    labels: tuple[str, ...]
    titles: tuple[str, ...]
    version: float
    options: dict[str, Any]
    limit: int | None
    n: int
    variant: str = ""
    trained_on: bool = False


@dataclass(frozen=True)
class Training:
    """What a checkpoint was trained on: from its `train_info.json`, its card, or `--train-info`.

    Attributes:
        base: as its card names it.
        datasets, styles: trained on; no styles for an arm without explanations.
        budget: of the explanations.
        arm: "word" (the best word), or a control: "random", "lowest", "answers"; several joined by "+".
        filtered: only explanations that change the answer.
        method: of the attributions.
        source: the file it was read from.
        extra: the rest of that file.
    """

    base: str
    datasets: tuple[str, ...]
    styles: tuple[str, ...]
    budget: tuple[str, ...]
    arm: str
    filtered: bool | None
    method: str
    source: str
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def control(self) -> bool:
        """Whether the training is there to show what a training of no use does."""
        return self.arm in ("random", "lowest", "answers")


@dataclass(frozen=True)
class Checkpoint:
    """A row: one model as lm-eval recorded it.

    Attributes:
        id: unique on the board, "c0", "c1" …, in the order of the page.
        name: short and unique; two models of one name get what tells them apart.
        model: lm-eval's backend, such as "hf".
        arguments: its model_args, as text.
        base: id of the checkpoint that it is compared with; None for a base.
        training: None where nothing is known.
        date: of its newest run, ISO 8601.
        files: result files that it was read from.
        means: unweighted means over the task groups a reader asks for first, by group ("all", "in distribution",
            "several words", "unseen"): metric -> Estimate. Intervals: paired bootstrap within tasks.
        gains: over the same groups: mean of `faithful` minus the base's, over the tasks that both have, with its
            paired interval. Empty for a base.
    """

    id: str
    name: str
    model: str
    arguments: str
    base: str | None
    training: Training | None
    date: str
    files: tuple[str, ...]
    means: dict[str, dict[str, Estimate]]
    gains: dict[str, Estimate] = field(default_factory=dict)


@dataclass(frozen=True)
class Versus:
    """A checkpoint against its base on the documents that both have. metrics.md, "Statistics" and section 8.

    Attributes:
        n: documents in common.
        faithful, lift, acc: checkpoint minus base, paired bootstrap.
        only_checkpoint, only_base: documents where only one of the two is faithful.
        p: exact McNemar on `faithful`; None where it could not be made.
        p_holm: adjusted over dataset x style x budget of this checkpoint.
        marker: "better", "worse" or "" (not significant after Holm at the board's level).
        detectable: smallest difference that this n would have found at 80 % power; None where none can be.
        agreement: share of equal predictions on unmasked text.
        entropy, entropy_base: of the predicted labels, nats.
        unknown, unknown_base: share answered "unknown" on unmasked text.
        unparsed, unparsed_base: share of answers that could not be read.
    """

    n: int
    faithful: Estimate
    lift: Estimate | None
    acc: Estimate
    only_checkpoint: int
    only_base: int
    p: float | None
    p_holm: float | None
    marker: str
    detectable: float | None
    agreement: float | None
    entropy: float | None
    entropy_base: float | None
    unknown: float | None
    unknown_base: float | None
    unparsed: float | None
    unparsed_base: float | None


@dataclass(frozen=True)
class Cell:
    """One checkpoint on one task.

    Attributes:
        checkpoint, task: ids.
        date, file: of the run it comes from.
        metrics: by lm-eval's metric key: faithful, valid, acc, faithful_random, lift, faithful_oracle, ccf, and
            whatever else the run recorded; besides `faithful_given_valid`.
        rules: the same answers under other rules (strict, given valid, abstentions counted too, Madsen's):
            rule -> Estimate. Its smallest and largest estimate are the rule-sensitivity band.
        missing: documents without a value of `faithful`.
        versus: None for a base, or without documents in common.
    """

    checkpoint: str
    task: str
    date: str
    file: str
    metrics: dict[str, Estimate]
    rules: dict[str, Estimate]
    missing: int
    versus: Versus | None


@dataclass(frozen=True)
class Transfer:
    """A row of the generalization matrix beyond its cells: mean gains and their ratio.

    Attributes:
        checkpoint: id.
        label: what it was trained on, in a few words.
        control: a control arm.
        trained: ids of the tasks whose style, dataset and budget are all among those trained on.
        on: mean gain over them.
        off: by what is new ("style", "dataset", "budget", "several"): mean gain over the tasks of that kind.
        ratio: mean gain off the diagonal over mean gain on it; note where the diagonal gain is not above 0.
    """

    checkpoint: str
    label: str
    control: bool
    trained: tuple[str, ...]
    on: Estimate | None
    off: dict[str, Estimate]
    ratio: Estimate | None


@dataclass(frozen=True)
class Segment:
    """A piece of a text: a word with its position over all fields, or what stands between words (position None)."""

    text: str
    position: int | None


@dataclass(frozen=True)
class Entry:
    """What one checkpoint did with one document.

    Attributes:
        checkpoint: id.
        prediction: parsed label; None if unread.
        explanation: the model's answer, whole.
        valid, reason: the format check.
        words, positions: named or changed.
        target: of a counterfactual, else "".
        edited: texts by field that the explanation leads to (masked, redacted or edited).
        after: parsed label there; None if unread or never asked.
        faithful: 1, 0 or None.
        effects: position -> effect of masking that word alone: 1 flips, 0 does not; with label probabilities the drop
            of the predicted label's. Empty where the run has no oracle.
        transcript: prompts and answers in order, (role, text); very long ones end with a note.
    """

    checkpoint: str
    prediction: str | None
    explanation: str
    valid: bool
    reason: str
    words: tuple[str, ...]
    positions: tuple[int, ...]
    target: str
    edited: dict[str, str]
    after: str | None
    faithful: float | None
    effects: dict[int, float]
    transcript: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Document:
    """A card: one document of one task and what the checkpoints did with it.

    Attributes:
        task: id.
        key: its doc_hash.
        fields: title -> segments.
        gold: label.
        rationale: positions that people marked; None where nobody did.
        entries: one per checkpoint that saw it.
    """

    task: str
    key: str
    fields: dict[str, tuple[Segment, ...]]
    gold: str
    rationale: tuple[int, ...] | None
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Skipped:
    """A file, or a run in it, that is not on the board, and why, in one line with the remedy."""

    path: str
    reason: str


@dataclass(frozen=True)
class Settings:
    """How the numbers were made.

    Attributes:
        confidence: of intervals.
        alpha: level of the markers, after Holm.
        draws, seed: of the bootstraps.
        headroom: below it ccf is "not measurable".
        cards: cap on documents per task on the page.
    """

    confidence: float = 0.95
    alpha: float = 0.05
    draws: int = 2000
    seed: int = 0
    headroom: float = 0.05
    cards: int = 40


@dataclass(frozen=True)
class Board:
    """Everything.

    Attributes:
        documents: the cards, each one document in one task.
        documents_total: different documents of all tasks: a text that six tasks share counts once.
        notes: sentences that a reader must see: what was kept apart, sampled or not compared.
        pairs_total: documents of each task with samples, added up: how many cards there could be. None in files before
            schema 1.1, whose documents_total, and `n` of means over tasks, counted so.
    """

    title: str
    created: str
    package: str
    settings: Settings
    checkpoints: tuple[Checkpoint, ...]
    tasks: tuple[Task, ...]
    cells: tuple[Cell, ...]
    matrix: tuple[Transfer, ...]
    documents: tuple[Document, ...]
    documents_total: int
    skipped: tuple[Skipped, ...]
    notes: tuple[str, ...]
    schema_version: str = SCHEMA_VERSION
    pairs_total: int | None = None
