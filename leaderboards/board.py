"""The board as data: what the analysis fills in, what page and tables show, and what `board.json` holds.

Every table of a board has the same axes: a row is a checkpoint, a column is a task, a cell is one checkpoint on one
task. All values are plain, so that `dataclasses.asdict` gives the file. An undefined number is None, never nan, because
JSON has no nan. Its `note` says why it is undefined.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from leaderboards.lm_eval_files.option_defaults import has_cue

# <breaking>.<added>: raise it with any change of a field's name or meaning.
SCHEMA_VERSION = "1.6"


@dataclass(frozen=True)
class Estimate:
    """A number over documents with its confidence interval.

    Attributes:
        estimate, low, high: None where undefined.
        n: number of different documents, which the bootstrap draws. In a mean over tasks, a text that six tasks share
            counts once.
        note: why the number is undefined, such as "not measurable (headroom 0.03)", or "not measurable: " and the
            reason of the cell. Otherwise a caveat: fewer documents or tasks than usual, or an interval without width
            because every document gave the same value.
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
        id: unique on the board: `<dataset>_<style>_<budget>`. Further variants of a name end in `~2`, `~3` and so on.
        name: task name in lm-eval.
        dataset, style, budget: of the task.
        labels: the verbalizers.
        titles: names of the text fields as a person reads them, in order.
        version: of the task.
        options: as recorded in the configuration of the results.
        limit: number of documents that `--limit` left; None for all documents.
        n: documents.
        variant: what distinguishes it from tasks of the same name, in words: "limit 50", "classifier=loglikelihood".
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

    @property
    def unit(self) -> str:
        """What an explanation names: ``word`` or ``sentence``."""
        return str(self.options.get("unit", "word"))

    @property
    def is_variant(self) -> bool:
        """Whether this is a further variant (`~2`) of a task. Variants do not count in means over tasks.

        Neither does a task that asks whether answers would change, whose explanation is that of another style, nor one
        whose texts have a cue.
        """
        return "~" in self.id or bool(self.options.get("simulates")) or has_cue(self.options)


@dataclass(frozen=True)
class Training:
    """What a checkpoint was trained on, from its `train_info.json`, its model card, or `--train-info`.

    Attributes:
        base: name of the base model.
        datasets, styles: trained on; styles are empty for a training without explanations.
        budget: of the explanations.
        arm: "word" (the best word), "dpo" and "grpo" (the same, trained so), or a control: "random", "lowest",
            "answers". Several are joined by "+".
        filtered: whether only explanations that change the answer were trained on; None if unknown or mixed.
        method: of the attributions.
        source: the file that was read.
        extra: all other fields of that file.
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
    def trainer(self) -> str:
        """``dpo`` or ``grpo``; empty where explanations were imitated, or the file does not say it."""
        return str(self.extra.get("trainer") or "")

    @property
    def control(self) -> bool:
        """Whether this is a control arm (random word, lowest word, answers only)."""
        return self.arm in ("random", "lowest", "answers")


@dataclass(frozen=True)
class Checkpoint:
    """A row: one model as lm-eval recorded it.

    Attributes:
        id: unique on the board: "c0", "c1" and so on, in the order of the page.
        name: short and unique. Models that share a name get what distinguishes them appended.
        model: lm-eval's backend, such as "hf".
        arguments: its model_args, as text.
        base: id of the checkpoint that it is compared with; None for a base.
        training: None if unknown.
        date: of its newest run, ISO 8601.
        files: result files that were read.
        means: unweighted means over task groups ("all", "trained", "in distribution", "several words", "unseen"), as
            group -> metric -> Estimate. The intervals come from a paired bootstrap.
        gains: mean of `faithful` minus the base's mean, per group, over the tasks that both have. The interval is
            paired. Empty for a base.
        over_controls: id of a control arm of the same base -> `faithful` minus its own, over the tasks of both.
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
    over_controls: dict[str, Estimate] = field(default_factory=dict)


@dataclass(frozen=True)
class BaseComparison:
    """A checkpoint against its base, on the documents of one task that both have.

    Source: docs/metrics.md, "Statistics"; docs/metrics.md, "8. Checkpoint drift panel".

    Attributes:
        n: number of shared documents.
        faithful, lift, acc: checkpoint minus base, paired bootstrap.
        only_checkpoint, only_base: documents on which only one of the two is faithful.
        p: exact McNemar test on `faithful`; None where the test is impossible.
        p_holm: adjusted over all tasks of this checkpoint.
        marker: "better", "worse", or "" (not significant at the board's level after Holm).
        detectable: smallest difference that this many documents would show at 80 % power; None if there is none.
        agreement: share of equal predictions on unmasked text.
        entropy, entropy_base: of the predicted labels, in nats.
        unknown, unknown_base: share of "unknown" answers on unmasked text.
        unparsed, unparsed_base: share of answers from which no label could be parsed.
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
        date, file: of the run that the numbers come from.
        metrics: by lm-eval's metric key: faithful, valid, acc, faithful_random, lift, faithful_oracle, ccf, and
            everything else that the run recorded; also `faithful_given_valid`, `acc_majority` and `answer_share`.
        rules: the same answers under other scoring rules (strict, given valid, abstention counted, madsen): rule ->
            Estimate. The smallest and largest of them are the rule-sensitivity band.
        missing: number of documents without a value of `faithful`.
        versus: None for a base, and without shared documents.
        not_measurable: why `faithful` and `lift` cannot be measured, and what to do; "" where they can. Means, gains
            and ranks leave the cell out.
        answers: label -> texts that the model answers with it, the most frequent first; "" for unread answers. Empty
            without samples.
    """

    checkpoint: str
    task: str
    date: str
    file: str
    metrics: dict[str, Estimate]
    rules: dict[str, Estimate]
    missing: int
    versus: BaseComparison | None
    not_measurable: str = ""
    answers: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class ExplainerCell:
    """Another's explanations of a checkpoint's answers on one task.

    Attributes:
        task: id.
        file: of the run that the numbers come from.
        metrics: as those of a `Cell`.
        own_versus: the checkpoint's own explanations minus these, on the same documents; Holm is over the tasks of one
            explainer. "better" means that its own are.
        not_measurable: as of a `Cell`.
    """

    task: str
    file: str
    metrics: dict[str, Estimate]
    own_versus: BaseComparison | None
    not_measurable: str = ""


@dataclass(frozen=True)
class Explainer:
    """Another's explanations of a checkpoint's answers (`explanations=SOURCE`), beside its own.

    Source: docs/metrics.md, "9. Own-vs-other and the word list".

    Attributes:
        checkpoint: id of the one whose answers are explained.
        explained_by: who explains, in a few words.
        means: metric -> unweighted mean over its tasks, variants left out.
        own_means: the same of the checkpoint's own explanations, over the same tasks.
        own_leads: faithful and lift -> own minus other, mean over the tasks, with a paired interval.
        cells: one per task.
    """

    checkpoint: str
    explained_by: str
    means: dict[str, Estimate]
    own_means: dict[str, Estimate]
    own_leads: dict[str, Estimate]
    cells: tuple[ExplainerCell, ...]


@dataclass(frozen=True)
class WordingBand:
    """A checkpoint's lift under several wordings of the request for an explanation (`template`).

    Source: docs/protocol.md, "Other wordings".

    Attributes:
        checkpoint: id.
        lifts: wording -> mean lift over the tasks. The smallest, the mean and the largest of them are the band.
        tasks: id of the column with the first of these wordings -> wording -> lift, on the same documents.
    """

    checkpoint: str
    lifts: dict[str, Estimate]
    tasks: dict[str, dict[str, Estimate]]


@dataclass(frozen=True)
class Transfer:
    """How much of a training's gain transfers: the summary of one row of the generalization matrix.

    Attributes:
        checkpoint: id.
        label: what the checkpoint was trained on, in a few words.
        control: whether it is a control arm.
        trained: ids of the tasks whose style, dataset and budget were all trained on.
        on: mean gain over those tasks.
        off: mean gain over all other tasks, by what is new in them: "style", "dataset", "budget" or "several".
        ratio: mean gain over the other tasks divided by `on`. Its note says why there is none.
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
    """A piece of a text: a word with its position over all fields, or the text between words (position None)."""

    text: str
    position: int | None


@dataclass(frozen=True)
class CardEntry:
    """What one checkpoint did with one document.

    Attributes:
        checkpoint: id.
        prediction: parsed label; None if there was none.
        explanation: the model's complete answer.
        valid, reason: result of the format check.
        words, positions: named or changed by the explanation.
        target: label that a counterfactual had to reach, else "".
        edited: text per field that the explanation leads to (masked, redacted or edited).
        after: parsed label of the edited text; None if there was none, or if the model was not asked.
        faithful: 1, 0 or None.
        effects: position -> effect of masking only that word. 1 if the answer flips, else 0. With label probabilities,
            the drop of the predicted label's probability. Empty if the run has no oracle.
        transcript: prompts and answers in order, as (role, text). Very long ones end with a note.
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
class DocumentCard:
    """One document of one task, and what the checkpoints did with it.

    Attributes:
        task: id.
        key: doc_hash of the document.
        fields: title -> segments.
        gold: label.
        rationale: positions that people marked; None if there are no annotations.
        entries: one per checkpoint that saw the document.
    """

    task: str
    key: str
    fields: dict[str, tuple[Segment, ...]]
    gold: str
    rationale: tuple[int, ...] | None
    entries: tuple[CardEntry, ...]


@dataclass(frozen=True)
class Skipped:
    """A file or a run that is not on the board. The reason is one line and ends with the remedy."""

    path: str
    reason: str


@dataclass(frozen=True)
class Settings:
    """Options of the analysis.

    Attributes:
        confidence: of the intervals.
        alpha: significance level of the markers, after Holm.
        draws, seed: of the bootstraps.
        headroom: below it, ccf is "not measurable".
        cards: largest number of documents per task on the page.
    """

    confidence: float = 0.95
    alpha: float = 0.05
    draws: int = 2000
    seed: int = 0
    headroom: float = 0.05
    cards: int = 40


@dataclass(frozen=True)
class Board:
    """The complete leaderboard.

    Attributes:
        documents: the cards, each one document of one task.
        documents_total: different documents of all tasks. A text that six tasks share counts once.
        skipped: what could not be used.
        notes: what a reader must know: what was kept apart, sampled or not compared.
        pairs_total: documents with samples, added up over the tasks: the number of possible cards. None in files before
            schema 1.1, in which `documents_total` and the `n` of means counted this way.
        explainers: whose explanations were judged in place of a checkpoint's own.
        wordings: of checkpoints that were asked for explanations in several wordings.
    """

    title: str
    created: str
    package: str
    settings: Settings
    checkpoints: tuple[Checkpoint, ...]
    tasks: tuple[Task, ...]
    cells: tuple[Cell, ...]
    matrix: tuple[Transfer, ...]
    documents: tuple[DocumentCard, ...]
    documents_total: int
    skipped: tuple[Skipped, ...]
    notes: tuple[str, ...]
    schema_version: str = SCHEMA_VERSION
    pairs_total: int | None = None
    explainers: tuple[Explainer, ...] = ()
    wordings: tuple[WordingBand, ...] = ()
