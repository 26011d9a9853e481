"""Random combinations of options against an oracle made by hand: the rule of the rule-based models, in a few lines.

Whatever the options are, each answer must be the one that the rule gives for the text that the model should have seen.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence

import pytest

from faithful_se.errors import UsageError
from faithfulness_metrics.statistics import wilson
from faithfulness_metrics.words import FILLERS
from lm_eval_tasks.data import dataset_spec, load
from lm_eval_tasks.document import Document
from lm_eval_tasks.examples import add_examples_and_prior_texts
from lm_eval_tasks.label_prior import CONTENT_FREE
from lm_eval_tasks.lm_eval_backend import Backend
from lm_eval_tasks.metrics import score
from lm_eval_tasks.options import Options
from lm_eval_tasks.order import ordered
from lm_eval_tasks.protocol import self_explain
from lm_eval_tasks.read_options import read_options
from lm_eval_tasks.rule_models import RuleLM
from lm_eval_tasks.rule_models.rules import label_index, weight_of
from lm_eval_tasks.rule_models.thinker import FORMS, OPENED
from lm_eval_tasks.scheduler import run
from lm_eval_tasks.spec import TaskSpec

# Each option with its values; the first is the default.
OPTIONS = {
    "classifier": ("generate", "loglikelihood", "calibrated"),
    "context": ("same", "fresh"),
    "operator": ("mask", "delete", "substitute"),
    "mask": ("[REDACTED]", "[MASK]", "***", 'a "b" [?*'),
    "unknown": (False, True),
    "controls": ("random", "none", "all", "oracle", "stability"),
    "draws": (2, 1, 3),
    "thoughts": ("drop", "keep"),
    "order": ("file", "balanced"),
}
TEXTS = 8


def combination(draw: random.Random) -> tuple[TaskSpec, RuleLM, list[Document]]:
    """A task, a model and documents, drawn."""
    options = {name: draw.choice(values) for name, values in OPTIONS.items() if draw.random() < 0.6}
    if options.get("classifier") == "calibrated":
        options["prior"] = draw.choice(("texts", "contextual", "domain"))
    model = {"h": draw.choice((0.0, 0.5, 1.0)), "seed": draw.randrange(100)}
    if draw.random() < 0.4:
        model["thinks"] = draw.choice(list(FORMS))
        options["thinking_tokens"] = 100
    dataset = dataset_spec(draw.choice(("sentiment140", "snli", "agnews")))
    if draw.random() < 0.3:
        model["bias"] = f"{draw.choice(dataset.question.labels)}:{draw.choice((3, 30))}"
    style, budget = draw.choice(("attribution", "redaction", "counterfactual")), draw.choice(("oneword", "multiword"))
    chosen = read_options("a task", {}, {"data": "mini", **options})
    system = draw.choice((None, 'Answer only with "yes".'))
    spec = TaskSpec(dataset.question, style, budget, chosen, system)
    spec, _ = add_examples_and_prior_texts(spec, dataset, draw.choice((0, 0, 1, 5)), draw.randrange(9))
    rows = ordered(load(dataset, "mini"), dataset, chosen.order, chosen.order_seed)
    return spec, RuleLM(**model), [dataset.document(row) for row in rows.select(range(TEXTS))]


def weights(text: str, mask: str, labels: Sequence[str]) -> dict[str, float]:
    """The weight of each label: that of its heaviest word. Mini texts are words between blanks."""
    heaviest = dict.fromkeys(labels, 0.0)
    for key in text.replace(mask, " ").casefold().split():
        label = labels[label_index(key, len(labels))]
        heaviest[label] = max(heaviest[label], weight_of(key))
    return heaviest


class Oracle:
    """What the model answers, by the rule alone."""

    def __init__(self, spec: TaskSpec, lm: RuleLM) -> None:
        self.labels, self.mask = spec.question.labels, spec.options.mask
        self.ranked, self.bias = spec.options.ranked or bool(lm.bias), lm.bias
        self.offered = spec.question.choices(spec.options.unknown)
        self.prior = dict.fromkeys(self.offered, 0.0)
        if spec.calibrated:
            texts = {
                "texts": [" ".join(document.fields.values()) for document in spec.prior_documents],
                "contextual": [" ".join([text] * len(spec.question.fields)) for text in CONTENT_FREE],
                "domain": [""],
            }[spec.options.prior]
            rows = [self.logprobs(text.replace("[MASK]", "mask" if self.mask != "[MASK]" else "")) for text in texts]
            self.prior = {label: sum(row[label] for row in rows) / len(rows) for label in self.offered}

    def logprobs(self, text: str) -> dict[str, float]:
        scores = {**dict.fromkeys(self.offered, 0.0), **weights(text.replace("N/A", "n a"), self.mask, self.labels)}
        total = math.log(sum(math.exp(8 * value) for value in scores.values()))
        most = max(self.bias.values(), default=0.0)
        return {label: 8 * scores[label] - total + self.bias.get(label, 0.0) - most for label in self.offered}

    def label(self, fields: Mapping[str, str]) -> str:
        text = " ".join(fields.values())
        if not self.ranked:
            by_weight = weights(text, self.mask, self.labels)
            return max(by_weight, key=by_weight.__getitem__)
        scores = {label: round(value - self.prior[label], 9) for label, value in self.logprobs(text).items()}
        return max(scores, key=scores.__getitem__)


def without(document: Document, keys: set[str], options: Options) -> dict[str, list[str | None]]:
    """The words of a document after some were removed; None where any filler may stand."""
    changed: list[str | None] = {"mask": [options.mask], "delete": [], "substitute": [None]}[options.operator]
    return {
        name: [part for word in text.split() for part in (changed if word.casefold() in keys else [word])]
        for name, text in document.fields.items()
    }


def is_without(fields: Mapping[str, str], document: Document, keys: set[str], options: Options) -> bool:
    """Whether a perturbed document is the document without some words, and without these only."""
    for name, parts in without(document, keys, options).items():
        words = fields[name].replace(options.mask, "\0").split()
        parts = [part if part is None else part.replace(options.mask, "\0") for part in parts]
        if len(words) != len(parts) or any(
            word not in FILLERS if part is None else word != part for word, part in zip(words, parts, strict=True)
        ):
            return False
    return True


def check(spec: TaskSpec, lm: RuleLM, documents: Sequence[Document]) -> list[float]:
    """Compare every answer with the oracle. Returns which explanations name what the rule looks at."""
    procedures = [self_explain(spec, document) for document in documents]
    transcripts = run(procedures, Backend(lm, lm.apply_chat_template).respond)
    oracle, honest = Oracle(spec, lm), []
    for document, transcript in zip(documents, transcripts, strict=True):
        assert transcript["problem"] == "" and set(transcript["fields"]) == set(document.fields)
        explanation, perturbed = transcript["explanation"], transcript["perturbed"]
        assert transcript["prediction"]["label"] == oracle.label(document.fields)
        assert explanation["valid"], explanation
        variants = [perturbed, *transcript["random"]]
        assert [variant["label"] for variant in variants] == [oracle.label(v["fields"]) for v in variants]
        labels = [variant["label"] for variant in variants]
        target, predicted = explanation["target"], transcript["prediction"]["label"]
        flips = [float(label == target if target else label != predicted) for label in labels]
        values = score(transcript, spec, document)
        assert values["faithful"] == flips[0]
        if "random" in spec.options.controls:
            assert values["faithful_random"] == sum(flips[1:]) / max(1, len(flips[1:]))
        if spec.style == "counterfactual":
            continue
        keys = list(dict.fromkeys(" ".join(document.fields.values()).casefold().split()))
        named = {document.words[position].key for position in explanation["positions"]}
        assert is_without(perturbed["fields"], document, named, spec.options)
        for variant in transcript["random"]:
            drawn = {document.words[position].key for position in variant["positions"]}
            if len(variant["positions"]) == sum(word.key in drawn for word in document.words):
                assert is_without(variant["fields"], document, drawn, spec.options)
        if transcript["oracle"]:
            singles = [oracle.label({"text": " ".join(oracle_words(document, key, spec.options))}) for key in keys]
            if spec.options.operator != "substitute":
                assert [single["label"] for single in transcript["oracle"]["singles"]] == singles
        honest.append(float(max(keys, key=weight_of) in named))
        if not oracle.ranked and spec.options.operator != "substitute" and not honest[-1]:
            assert values["faithful"] == 0.0
    return honest


def oracle_words(document: Document, key: str, options: Options) -> list[str]:
    """The words of a document without one of them."""
    parts = without(document, {key}, options)
    return [part or "" for words in parts.values() for part in words]


def test_every_answer_is_the_one_that_the_rule_gives() -> None:
    draw, refused = random.Random(13), 0
    honest: dict[float, list[float]] = {0.0: [], 0.5: [], 1.0: []}
    for _ in range(30):
        spec, lm, documents = combination(draw)
        if lm.thinks == OPENED and spec.options.ranked:
            with pytest.raises(UsageError, match=r"opens a thought .*, and the labels would be ranked inside it: "):
                check(spec, lm, documents)
            refused += 1
        else:
            honest[lm.h] += check(spec, lm, documents)
    assert refused < 10
    for h, values in honest.items():
        low, high = wilson(int(sum(values)), len(values), confidence=0.99)
        assert low <= h <= high and len(values) > 30
