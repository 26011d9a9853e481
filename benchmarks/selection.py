"""What a choice by greedy answers costs: do words that change an answer change it under other prompts, too?

```
python benchmarks/selection.py --model DIR --rows DIR [--data DIR] [--rows-limit N] [--words-limit N]
```

`build` keeps the explanations that change the model's answer, and the oracle takes any word that does. The same greedy
answers choose and score. Here the question is asked in other ways. The README.md of this folder explains the rows.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from statistics import fmean

from transformers import AutoModelForCausalLM, AutoTokenizer

from faithful_se.model_backend import Respond, responder
from faithfulness_metrics.statistics import wilson
from faithfulness_metrics.words import positions_by_key
from lm_eval_tasks.calls import Classify
from lm_eval_tasks.data import dataset_spec, load
from lm_eval_tasks.document import Document
from lm_eval_tasks.options import Options
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.styles import BUDGETS, STYLES
from lm_eval_tasks.styles.explanation import Explanation

STYLE = next(name for name, style in STYLES.items() if style.REMOVES_WORDS)
AS_BUILT = "as built"

# What differs from the question that build asks: options, and the template of the classification. The mini model reads
# each sentence of its prompts as one token, so these are the ways to ask that it can read.
WAYS = {
    AS_BUILT: (Options(), ""),
    "`[MASK]` for a word": (Options(mask="[MASK]"), ""),
    "`___` for a word": (Options(mask="___"), ""),
    "“unknown” offered": (Options(unknown=True), ""),
    "labels before the question": (
        Options(),
        "Answer only with {labels}. {question} {mask_note}Do not explain the answer.\n\n{text}",
    ),
    "without the last sentence": (Options(), "{question} {mask_note}Answer only with {labels}.\n\n{text}"),
}

Label = str | None


class Way:
    """One way to ask the question of a dataset."""

    def __init__(self, dataset: str, data: str, name: str, classifier: str) -> None:
        options, template = WAYS[name]
        question = dataset_spec(dataset).question
        if template:
            question = replace(question, prompts=(*question.prompts, ("classify", template)))
        self.spec = TaskSpec(question, STYLE, BUDGETS[0], replace(options, data=data, classifier=classifier))

    def calls(self, document: Document, words: Sequence[Sequence[int]]) -> list[Classify]:
        """The classification of a document, and of it without the words at each of these positions."""
        perturb_at = STYLES[STYLE].perturb_at
        texts = (perturb_at(document, Explanation(True), positions, self.spec.options) for positions in words)
        return [self.spec.classify(document), *(self.spec.classify(document.with_fields(text)) for text in texts)]


def labels_of(
    respond: Respond, way: Way, cases: Sequence[tuple[Document, list[list[int]]]]
) -> list[tuple[Label, list[Label]]]:
    """The label of each document, and its labels without each of some words."""
    calls = [way.calls(document, words) for document, words in cases]
    distinct = list(dict.fromkeys(call for some in calls for call in some))
    labels = {call: answer.label for call, answer in zip(distinct, respond(distinct), strict=True)}
    return [(labels[first], [labels[call] for call in others]) for first, *others in calls]


def occurrences(document: Document, word: str) -> list[int]:
    """All positions of a word, as it is written or as words are compared."""
    key = next(each.key for each in document.words if word in (each.text, each.key))
    return list(positions_by_key(document.words)[key])


def flips(before: Label, after: Label) -> bool:
    """Whether a read answer changed."""
    return None not in (before, after) and before != after


def rows_of(folder: Path, limit: int) -> dict[str, dict[str, tuple[str, bool]]]:
    """Dataset -> hash of a text -> the word that build took, and whether it kept the row; at most so many of each."""
    words: dict[str, dict[str, tuple[str, bool]]] = defaultdict(dict)
    for line in (folder / "train.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        if (row["style"], row["budget"]) == (STYLE, BUDGETS[0]) and len(words[row["dataset"]]) < limit:
            words[row["dataset"]][row["hash"]] = row["words"][0], True
    rejected = Counter[str]()
    for line in (folder / "rejected.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        if row["style"] == STYLE and rejected[row["dataset"]] < limit:
            rejected[row["dataset"]] += 1
            words[row["dataset"]][row["hash"]] = row["best"], False
    return words


def documents_by_hash(dataset: str, data: str) -> dict[str, Document]:
    """The texts that rows are made of."""
    source = dataset_spec(dataset)
    documents = (source.document(row) for row in load(source, data, "train"))
    return {document.hash: document for document in documents}


def percent(values: Sequence[bool]) -> str:
    """A rate with Wilson's interval."""
    low, high = wilson(sum(values), len(values))
    return f"{fmean(values):.3f} [{low:.3f}, {high:.3f}] of {len(values)}" if values else "–"


def table_of_rows(respond: Respond, folder: Path, data: str, classifier: str, limit: int) -> Iterator[str]:
    """Rows of build under each way to ask."""
    yield from ("| the question | accuracy | same answer | kept rows | rejected rows |", "|---|---|---|---|---|")
    by_dataset, first = rows_of(folder, limit), dict[str, list[Label]]()
    documents = {dataset: documents_by_hash(dataset, data) for dataset in by_dataset}
    for name in WAYS:
        right, same, kept, rejected = list[bool](), list[bool](), list[bool](), list[bool]()
        for dataset, rows in by_dataset.items():
            cases, flags = [], []
            for key, (word, is_kept) in rows.items():
                document = documents[dataset][key]
                cases.append((document, [occurrences(document, word)]))
                flags.append(is_kept)
            labels = labels_of(respond, Way(dataset, data, name, classifier), cases)
            of_first = first.setdefault(dataset, [before for before, _ in labels])
            for (document, _), (before, (after,)), is_kept, label in zip(cases, labels, flags, of_first, strict=True):
                right.append(before == document.gold)
                same.append(before == label)
                (kept if is_kept else rejected).append(flips(before, after))
        yield f"| {name} | {fmean(right):.3f} | {fmean(same):.3f} | {percent(kept)} | {percent(rejected)} |"


def table_of_words(respond: Respond, folder: Path, data: str, classifier: str, limit: int) -> Iterator[str]:
    """The oracle of single words, on the first training texts: chosen and scored by one way to ask, and by two."""
    own, other, random = list[float](), list[float](), list[float]()
    for dataset in rows_of(folder, 1):
        documents = list(documents_by_hash(dataset, data).values())[:limit]
        cases = [(document, list(map(list, positions_by_key(document.words).values()))) for document in documents]
        tried = {
            name: [
                [flips(before, after) for after in others]
                for before, others in labels_of(respond, Way(dataset, data, name, classifier), cases)
            ]
            for name in WAYS
        }
        for chooser, scorer in [*permutations(WAYS, 2), *zip(WAYS, WAYS, strict=True)]:
            for chosen, scored in zip(tried[chooser], tried[scorer], strict=True):
                best = [flip for is_best, flip in zip(chosen, scored, strict=True) if is_best] or scored
                (own if chooser == scorer else other).append(fmean(best))
                random.append(fmean(scored))
    yield from ("| words chosen by | change the answer |", "|---|---|")
    yield f"| the answers that score them | {fmean(own):.3f} |"
    yield f"| answers to another way of asking | {fmean(other):.3f} |"
    yield f"| chance | {fmean(random):.3f} |"


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="the model that build asked")
    parser.add_argument("--rows", required=True, type=Path, help="a folder of faithful-se build")
    parser.add_argument("--data", default="mini", help="where the texts are from")
    parser.add_argument("--classifier", default=Options.classifier, help="as build had it")
    parser.add_argument("--rows-limit", type=int, default=200, help="kept rows a dataset, and rejected ones")
    parser.add_argument("--words-limit", type=int, default=50, help="texts a dataset whose every word is tried")
    options = parser.parse_args()
    model, tokenizer = AutoModelForCausalLM.from_pretrained(options.model), AutoTokenizer.from_pretrained(options.model)
    with responder(model, tokenizer, 64) as respond:
        for table, limit in ((table_of_rows, options.rows_limit), (table_of_words, options.words_limit)):
            print("\n".join(table(respond, options.rows, options.data, options.classifier, limit)), "\n")


if __name__ == "__main__":
    main()
