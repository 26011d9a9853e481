"""The texts of a tuning: those of the training split that may be learnt, and held-out ones of the validation split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from faithful_se.errors import UsageError
from lm_eval_tasks.data import DatasetSpec, dataset_spec
from lm_eval_tasks.document import Document
from lm_eval_tasks.options import Options
from lm_eval_tasks.order import balanced_order
from lm_eval_tasks.spec import TaskSpec
from training.attribution.inputs import load_split
from training.build.decontaminate import EvaluationTexts
from training.tune.options import RowOptions, SourceOptions

LONG, EMPTY, REPEATED = "longer than --max-chars", "no words", "twice in the split"


@dataclass(frozen=True)
class Texts:
    """The texts of one dataset.

    Attributes:
        dataset: how it is declared.
        spec: its classification, as the evaluation asks it, with ranked labels.
        gold: texts whose gold answers are learnt, balanced over the labels.
        replayed: texts whose explanations are learnt, as balanced, others than `gold` as far as there are some.
        examples: texts of the worked examples, in none of the rows.
        held_out: texts of the validation split, for the report.
        left_out: reason -> texts that were not taken.
        wanted: gold rows that were asked for.
    """

    dataset: DatasetSpec
    spec: TaskSpec
    gold: list[Document]
    replayed: list[Document]
    examples: list[Document]
    held_out: list[Document]
    left_out: dict[str, int] = field(default_factory=dict)
    wanted: int = 0

    @property
    def name(self) -> str:
        """Name of the dataset."""
        return self.dataset.question.dataset


def read_texts(name: str, rows: int, source: SourceOptions, options: RowOptions) -> Texts:
    """Read the texts of a dataset: no text of the evaluation's split, nor of the validation split, becomes a row.

    Raises:
        UsageError: labels that differ from text to text, a split that is missing, or a label without a text.
    """
    dataset = dataset_spec(name, source.include_path)
    if dataset.choices:
        raise UsageError(f"{name}: each text has labels of its own; a tuning needs one set of labels for all texts")
    task_options = Options(
        data=source.data, classifier="loglikelihood", mask=options.mask, unknown=options.unknown, controls=()
    )
    spec = TaskSpec(dataset.question, options.styles[0], options.budgets[0], task_options, source.system or None)
    tests, validation = (_documents(dataset, source.data, split) for split in ("test", "validation"))
    in_tests = EvaluationTexts(tests)
    held_out = [text for text in _balanced(validation, options.seed) if text.words and not in_tests.reason(text)]
    if not held_out:
        raise UsageError(f"{name}: no text of the validation split is left that is not in the evaluation: give more")
    left_out = Counter[str]()
    wanted = options.own_examples + rows + options.replay
    candidates = _usable(
        _balanced(_documents(dataset, source.data, "train"), options.seed),
        EvaluationTexts([*tests, *validation]),
        options.max_chars,
        left_out,
    )
    texts = _take(candidates, dataset.question.labels, wanted)
    if missing := [label for label in dataset.question.labels if label not in {text.gold for text in texts}]:
        raise UsageError(
            f"{name}: no training text of {', '.join(missing)} is left ({_listed(left_out)}): give a larger --max-chars"
        )
    examples, rest = texts[: options.own_examples], texts[options.own_examples :]
    gold = rest[:rows]
    # Small splits have not enough texts for both.
    others = rest[len(gold) :] + gold
    held_out, replayed = held_out[: options.held_out], others[: options.replay]
    return Texts(dataset, spec, gold, replayed, examples, held_out, dict(left_out), rows)


def _documents(dataset: DatasetSpec, data: str, split: str) -> list[Document]:
    return [dataset.document(row) for row in load_split(dataset, data, split)]


def _balanced(documents: list[Document], seed: int) -> list[Document]:
    return [documents[index] for index in balanced_order([document.gold for document in documents], seed)]


def _usable(
    documents: Iterable[Document], others: EvaluationTexts, longest: int, left_out: Counter[str]
) -> Iterator[Document]:
    """Documents that may be learnt, each once; the others are counted by reason."""
    seen = set[str]()
    for document in documents:
        reason = EMPTY if not document.words else ""
        reason = reason or (LONG if sum(map(len, document.fields.values())) > longest else "")
        reason = reason or (REPEATED if document.hash in seen else "") or others.reason(document)
        seen.add(document.hash)
        if reason:
            left_out[reason] += 1
        else:
            yield document


def _take(documents: Iterable[Document], labels: tuple[str, ...], count: int) -> list[Document]:
    """At most `count` documents, in rounds of one of each label; it ends where a label has no text left."""
    waiting: dict[str, list[Document]] = {label: [] for label in labels}
    texts: list[Document] = []
    for document in documents:
        waiting[str(document.gold)].append(document)
        while len(texts) < count and all(waiting.values()):
            texts += [of_label.pop(0) for of_label in waiting.values()]
        if len(texts) >= count:
            return texts[:count]
    # The last round may be a part of one.
    texts += [of_label.pop(0) for of_label in waiting.values() if of_label]
    return texts[:count]


def _listed(counts: Counter[str]) -> str:
    return "; ".join(f"{reason}: {n}" for reason, n in counts.items()) or "there is none"
