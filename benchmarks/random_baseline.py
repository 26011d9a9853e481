"""Our random baseline against ICE's, on the same words, texts and answers.

```
python benchmarks/ice.py [--texts N] [--permutations N] [--model DIR --data DIR [--dtype TYPE]]
```

The peer is `ice.stats.randomization_test` of ICE (`pip install -c constraints.txt ice-faithfulness`). The README.md of
this folder explains the columns.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch

from faithfulness_metrics.erasure import label_probability
from faithfulness_metrics.random_words import random_positions
from faithfulness_metrics.words import seed_of
from lm_eval_tasks.data import dataset_spec, load
from lm_eval_tasks.document import Document
from lm_eval_tasks.lm_eval_backend import Backend
from lm_eval_tasks.options import Options
from lm_eval_tasks.protocol import self_explain
from lm_eval_tasks.rule_models import RuleLM
from lm_eval_tasks.scheduler import run
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.styles import STYLES
from lm_eval_tasks.styles.explanation import Explanation

DATASET = "agnews"
# Random sets of our control for each text, as many as ICE's permutations.
PERMUTATIONS = 50
# ICE calls a text significant below this p.
ALPHA = 0.10


@dataclass(frozen=True)
class Text:
    """A text whose explanation names one word, which stands once.

    Attributes:
        document: the text.
        named: position of the word.
        scores: score -> what removing each word alone does: `flip` (the answer changes), `drop` (of its probability).
    """

    document: Document
    named: int
    scores: Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Compared:
    """One text by one score: the named word, and both baselines."""

    named: float
    ours: float  # mean over our random words
    ice: float  # mean over ICE's
    win_rate: float  # share of ICE's random words that score lower
    significant: bool  # by ICE's p


def texts_of(backend: Backend, spec: TaskSpec, documents: Sequence[Document]) -> Iterator[Text]:
    """The texts whose explanation names one word that stands once, and what removing each of their words does."""
    style, nothing = STYLES[spec.style], Explanation(True)
    transcripts = run([self_explain(spec, document) for document in documents], backend.respond)
    for document, transcript in zip(documents, transcripts, strict=True):
        explanation = transcript["explanation"]
        if not explanation or not explanation["valid"] or len(explanation["positions"]) != 1 or len(document.words) < 2:
            continue
        removed = (style.perturb_at(document, nothing, [place], spec.options) for place in range(len(document.words)))
        answers = backend.respond([spec.classify(document.with_fields(fields)) for fields in removed])
        label, before = transcript["prediction"]["label"], transcript["prediction"]["logprobs"]
        flips = [float(answer.label != label) for answer in answers]
        drops = [label_probability(before, label) - label_probability(answer.logprobs, label) for answer in answers]
        yield Text(document, explanation["positions"][0], {"flip": flips, "drop": drops})


def compare(text: Text, score: str, draws: int) -> Compared:
    """Both baselines of a text."""
    from ice.stats import randomization_test

    scores, document = text.scores[score], text.document
    seed = seed_of(document.hash, "random")
    ours = [scores[place] for (place,) in random_positions(document.compared, [text.named], draws, seed)]
    test = randomization_test(
        scores[text.named],
        torch.arange(len(scores)),
        torch.ones(len(scores)),
        1,
        lambda mask: scores[int(mask.argmax())],
        draws,
        ALPHA,
        seed % 2**32,
    )
    wins = float(np.mean(test.null_scores < test.observed_score))
    return Compared(
        test.observed_score, float(np.mean(ours)), float(np.mean(test.null_scores)), wins, bool(test.is_significant)
    )


def rows(explainer: str, texts: Sequence[Text], draws: int) -> Iterator[str]:
    """A line of the table for each score."""
    words = np.mean([len(text.document.words) for text in texts])
    for score in ("flip", "drop"):
        compared = [compare(text, score, draws) for text in texts]
        named, ours, ice, wins, significant = (
            float(np.mean([getattr(each, name) for each in compared]))
            for name in ("named", "ours", "ice", "win_rate", "significant")
        )
        yield (
            f"| {explainer} | {score} | {len(texts)} | {words:.1f} | {named:.3f} | {ours:.3f} | {ice:.3f} | "
            f"{named - ours:.3f} | {named - ice:.3f} | {wins:.0%} | {significant:.0%} |"
        )


HEAD = "explainer | score | texts | words | named | chance, ours | chance, ICE"
HEAD += " | lift, ours | lift, ICE | win rate, ICE | p < .10, ICE"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=100, help="texts of the dataset")
    parser.add_argument("--permutations", type=int, default=PERMUTATIONS, help="random words of either baseline")
    parser.add_argument("--dataset", default=DATASET, help="a dataset of the tasks")
    parser.add_argument("--data", default="mini", help="where its texts are, as --metadata data=")
    parser.add_argument("--model", help="a local model instead of the rule-based ones")
    parser.add_argument("--dtype", default="float32", help="of --model")
    arguments = parser.parse_args()
    dataset = dataset_spec(arguments.dataset)
    documents = [dataset.document(row) for row in islice(load(dataset, arguments.data), arguments.texts)]
    options = Options(data=arguments.data, classifier="loglikelihood", controls=())
    spec = TaskSpec(dataset.question, "attribution", "oneword", options)
    models: dict[str, Any] = {f"rules, {name}": RuleLM(name) for name in ("honest", "random")}
    if arguments.model:
        from lm_eval.models.huggingface import HFLM

        models = {"itself": HFLM(pretrained=arguments.model, dtype=arguments.dtype, batch_size=16)}
    print(f"| {HEAD} |\n{'|---' * len(HEAD.split(' | '))}|")
    for name, model in models.items():
        texts = list(texts_of(Backend(model, model.apply_chat_template), spec, documents))
        print("\n".join(rows(name, texts, arguments.permutations)))


if __name__ == "__main__":
    main()
