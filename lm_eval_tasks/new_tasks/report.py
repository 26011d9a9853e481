"""What `faithful-se new` has understood: rows, labels, lengths, how answers are read, the prompts, the next command."""

from __future__ import annotations

import shlex
import statistics
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from lm_eval_tasks.choices import LETTERS
from lm_eval_tasks.classification import Question
from lm_eval_tasks.dataset_spec import DatasetSpec
from lm_eval_tasks.declaration import SPLITS
from lm_eval_tasks.document import Document
from lm_eval_tasks.label_reading import parse_label
from lm_eval_tasks.languages import ENGLISH, answer_forms_of
from lm_eval_tasks.new_tasks.new_dataset import NewDataset
from lm_eval_tasks.options import Options
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.styles import BUDGETS, EXPLANATION_STYLES, STYLES

# Characters of a text that are shown in a prompt, and texts that lengths are measured on.
LONGEST_TEXT, MEASURED = 300, 5000
# Words of a text from which sentences are the better unit.
LONG = 300


def report(dataset: NewDataset, out: Path) -> Iterator[str]:
    """The lines to print, once the folder is written into `out`."""
    spec = dataset.declaration.spec()
    first = spec.document(dataset.splits["test"][0])
    yield f"{dataset.source}: {len(dataset.rows()):,} rows"
    yield from (f"note: {note}" for note in dataset.notes)
    yield ""
    yield from _label_table(dataset, spec)
    yield ""
    yield from _lengths(dataset, spec)
    yield ""
    if first.labels:
        yield "of the first text:"
    yield from reading_table(spec.question.about(first))
    yield ""
    yield from _prompts(spec, first)
    yield ""
    yield f"written: {out / dataset.declaration.dataset}"
    yield "next:"
    yield from ("  " + line for line in _next_command(dataset.declaration.dataset, out))


def _label_table(dataset: NewDataset, spec: DatasetSpec) -> Iterator[str]:
    """How often each label is right in each split; of multiple choice, each letter."""
    splits = [split for split in SPLITS if dataset.splits.get(split)]
    documents = {split: list(map(spec.document, dataset.splits[split])) for split in splits}
    counts = {split: Counter(document.gold for document in documents[split]) for split in splits}
    offered = {len(document.labels) for of_split in documents.values() for document in of_split}
    labels = spec.question.labels or LETTERS[: max(offered)]
    if spec.choices:
        yield f"choices of a text: {min(offered)}" + (f" to {max(offered)}" if len(offered) > 1 else "")
    width = max(map(len, (*labels, "label")))
    yield "  ".join([f"{'label':<{width}}", *(f"{split:>10}" for split in splits)])
    for label in labels:
        yield "  ".join([f"{label:<{width}}", *(f"{counts[split][label]:>10,}" for split in splits)])
    yield "  ".join([f"{'':<{width}}", *(f"{len(dataset.splits[split]):>10,}" for split in splits)])


def _lengths(dataset: NewDataset, spec: DatasetSpec) -> Iterator[str]:
    documents = [spec.document(row) for row in dataset.rows()[:MEASURED]]
    counts = [len(document.words) for document in documents]
    median = statistics.median(counts)
    yield f"words of a text: {min(counts):,} to {max(counts):,}, median {median:,.0f}"
    if median > LONG:
        yield "note: one word hardly decides so long a text: evaluate with --metadata unit=sentence (docs/units.md)"


def reading_table(question: Question) -> Iterator[str]:
    """Which label an answer in each of the common shapes is read as: "=" for the label that it names, "-" for none."""
    labels, noun, forms_of_language = question.labels, question.noun, answer_forms_of(question.language)
    denials = None if question.language == ENGLISH else question.phrases("denials")
    width = max(map(len, (*labels, "an answer that names")))
    forms = [form.format(label="X", noun=noun) for form in forms_of_language]
    yield "  ".join([f"{'an answer that names':<{width}}", *forms, "is read as (= X, - none)"])
    for label in labels:
        cells = []
        for form, heading in zip(forms_of_language, forms, strict=True):
            named = parse_label(form.format(label=label, noun=noun), labels, question.synonyms, denials)
            cells.append(f"{'=' if named == label else named or '-':^{len(heading)}}")
        yield "  ".join([f"{label:<{width}}", *cells]).rstrip()


def _prompts(spec: DatasetSpec, document: Document) -> Iterator[str]:
    """The first prompt of each style."""
    fields = {
        name: text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + " …"
        for name, text in document.fields.items()
    }
    document = replace(document, fields=fields, rationale=None)
    for number, style in enumerate(EXPLANATION_STYLES):
        task = TaskSpec(spec.question, style, BUDGETS[0], Options())
        if not number:
            yield "the classification of the first text:"
            yield from ("  | " + line for line in task.classify(document).messages[-1][1].splitlines())
        target = task.target(document, task.question_about(document).labels[0])
        yield f"then, {style}:"
        yield from ("  | " + line for line in STYLES[style].ask(task.request(document, target)).splitlines())


def _next_command(name: str, out: Path) -> Iterator[str]:
    yield "faithful-se eval run --model hf --model_args pretrained=MODEL \\"
    yield f"    --include_path {shlex.quote(str(out))} --tasks faithful-se-{name} \\"
    yield "    --apply_chat_template --log_samples --output_path results"
