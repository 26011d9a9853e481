"""Explanations that a model must not unlearn: its own from before, and drawn ones where these are not valid.

The texts are those of the training split, with their gold label as the answer that is explained. The model is asked
once for each text, style and budget, with worked examples before the question.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product

from faithful_se.files import jsonl_line, read_jsonl, write_atomic
from faithful_se.progress import Progress
from faithfulness_metrics.words import key_of
from lm_eval_tasks.calls import Answer, Generate, Messages
from lm_eval_tasks.document import Document
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.styles import STYLES
from training.build.backend import Respond
from training.runs.shards import ShardedFolder
from training.tune.drawn_words import content_words, draw_explanation
from training.tune.options import RowOptions
from training.tune.rows import DRAWN, OWN, TuneRow, tune_row
from training.tune.texts import Texts

SHARD_SIZE = 32

# Why an explanation that the parser calls valid is not taken: @dog I love my cat, after an example about @dog
COPIED = "a word of a worked example"

# (style, budget, hash) -> the model's own answer, where it is valid.
OwnExplanations = dict[tuple[str, str, str], str]


def specs_of(texts: Texts, options: RowOptions) -> list[TaskSpec]:
    """The tasks whose explanations are replayed and measured: every style with every budget."""
    return [
        replace(texts.spec, style=style, budget=budget) for style, budget in product(options.styles, options.budgets)
    ]


def worked_examples(spec: TaskSpec, texts: Texts, by_label: dict[str, list[Document]], seed: int) -> Messages:
    """Turns of question, gold answer, request and explanation, one after the other.

    The explanations have drawn words, because nobody knows which words decide.
    """
    turns: list[tuple[str, str]] = []
    for document in texts.examples:
        explanation = draw_explanation(spec, document, by_label, f"example {seed}")
        if explanation:
            request = explain(replace(spec, system=None), document)
            turns += [*request.messages, ("assistant", explanation.completion)]
    return tuple(turns)


def explain(spec: TaskSpec, document: Document) -> Generate:
    """The request for an explanation of a text's gold label."""
    gold = str(document.gold)
    return spec.explain(document, Answer(gold, gold), spec.target(document, gold))


def collect_own(
    folder: ShardedFolder[dict[str, object]], respond: Respond, texts: Texts, options: RowOptions
) -> OwnExplanations:
    """Ask the untuned model for its explanations; those of an earlier call are read from their shards."""
    by_label, own = texts_by_label(texts), OwnExplanations()
    tasks = [
        (spec, replace(spec, examples=worked_examples(spec, texts, by_label, options.seed)))
        for spec in specs_of(texts, options)
    ]
    with Progress(f"tune: own explanations, {texts.name}", len(texts.replayed)) as progress:
        for start in range(0, len(texts.replayed), SHARD_SIZE):
            part = texts.replayed[start : start + SHARD_SIZE]
            path = folder.shard(texts.name, f"own-{start:08d}-{len(part)}")
            if path.exists():
                progress.skip(len(part))
            else:
                write_atomic(path, map(jsonl_line, _ask(respond, tasks, part)))
                progress.update(len(part))
            own |= {
                (line["style"], line["budget"], line["hash"]): line["answer"]
                for line in read_jsonl(path)
                if not line["reason"]
            }
    return own


def replay_rows(texts: Texts, options: RowOptions, own: OwnExplanations) -> Iterator[TuneRow]:
    """The rows of a dataset, without the worked examples: the model's own explanation, or else a drawn one."""
    by_label = texts_by_label(texts)
    for document, spec in product(texts.replayed, specs_of(texts, options)):
        prompt, target = explain(spec, document).messages, spec.target(document, str(document.gold))
        answer = own.get((spec.style, spec.budget, document.hash))
        if answer is not None:
            explanation = STYLES[spec.style].parse(answer, document.fields, spec.request(document, target))
            yield tune_row(spec, document, prompt, answer, source=OWN, words=list(explanation.words), target=target)
        elif drawn := draw_explanation(spec, document, by_label, f"replay {options.seed}", options.drawn):
            details = {"words": list(drawn.words), "new": drawn.new, "target": drawn.target}
            yield tune_row(spec, document, prompt, drawn.completion, source=DRAWN, **details)


def texts_by_label(texts: Texts) -> dict[str, list[Document]]:
    """Label -> the texts that are learnt, from which new words are drawn."""
    by_label: defaultdict[str, list[Document]] = defaultdict(list)
    for document in (*texts.gold, *texts.replayed):
        by_label[str(document.gold)].append(document)
    return dict(by_label)


def _ask(
    respond: Respond, tasks: Sequence[tuple[TaskSpec, TaskSpec]], documents: Sequence[Document]
) -> Iterator[dict[str, str]]:
    """A line for each text, style and budget: the answer, and why it is not valid."""
    pairs = [(spec, with_examples, document) for document in documents for spec, with_examples in tasks]
    answers = respond([explain(with_examples, document) for _, with_examples, document in pairs])
    for (spec, with_examples, document), answer in zip(pairs, answers, strict=True):
        request = spec.request(document, spec.target(document, str(document.gold)))
        explanation = STYLES[spec.style].parse(answer.reply, document.fields, request)
        copied = _words_of_examples(with_examples).intersection(key_of(edit.text) for edit in explanation.edits)
        yield {
            "style": spec.style,
            "budget": spec.budget,
            "hash": document.hash,
            "answer": answer.reply.strip(),
            "reason": answer.problem or explanation.reason or (COPIED if copied else ""),
        }


def _words_of_examples(spec: TaskSpec) -> set[str]:
    """The keys of the content words of the worked examples' answers, which a small model writes into the next text."""
    answers = " ".join(content for role, content in spec.examples if role == "assistant")
    return set(map(key_of, content_words(Document({"answers": answers}))))
