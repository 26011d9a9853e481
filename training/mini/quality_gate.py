"""Examine a mini model: does it classify, rewrite and explain well enough to be measured on?

Documents go through the evaluation's own procedure and its own rules; only the model is called directly, without a
host.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from lm_eval_tasks import scoring
from lm_eval_tasks.calls import Answer, Call, Classify, as_chat
from lm_eval_tasks.classification import parse_label
from lm_eval_tasks.options import Options
from lm_eval_tasks.protocol import self_explain
from lm_eval_tasks.scheduler import run
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.styles import STYLES, Style
from training.mini.lexicon import LEXICONS
from training.mini.prompts import spec_of
from training.mini.write_data import shipped

# What a base must reach on the validation split, each task for itself. The oracle can reach .92 (grammar.MIX), and
# 150 documents have a standard error of .02: the bar is where only a model that does not react to masks falls.
GATE = {"acc": 0.97, "faithful_oracle": 0.80}


def valid_gate(style: Style) -> float:
    """The least `valid`: words alone are easier to write than a copied text, and that is easier than an edited one."""
    if not style.ANSWERS_WITH_TEXT:
        return 0.95
    return 0.80 if style.REMOVES_WORDS else 0.70


@dataclass(frozen=True)
class Finding:
    """What was measured on one task and style, as shares of documents: the evaluation's keys of the same names."""

    task: str
    style: str
    n: int
    acc: float
    valid: float
    faithful: float
    faithful_random: float
    faithful_oracle: float

    def failures(self) -> list[str]:
        """What is below the gate, in words."""
        style = STYLES[self.style]
        bars = {**GATE, "valid": valid_gate(style)}
        if not style.REMOVES_WORDS:  # there the oracle tries the model's own new word, which is a weak one
            del bars["faithful_oracle"]
        low = {key: bar for key, bar in bars.items() if getattr(self, key) < bar}
        return [f"{self.task} {self.style} {key} {getattr(self, key):.2f} < {bar:.2f}" for key, bar in low.items()]


def examine(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    split: str = "validation",
    limit: int = 150,
    budget: str = "oneword",
    options: Options | None = None,
) -> list[Finding]:
    """Run the protocol on the shipped data, every task and style.

    Args:
        model, tokenizer: the mini model.
        split: of the shipped data.
        limit: documents per task, from the beginning.
        budget: ``oneword`` or ``multiword``.
        options: of the tasks; the default asks for both controls.
    """
    options = options or Options(data="mini", controls=("random", "oracle"))
    tasks = [(task, style) for task in LEXICONS for style in STYLES]
    specs = [TaskSpec(spec_of(task).question, style, budget, options) for task, style in tasks]
    owners, procedures = [], []
    for (task, _), spec in zip(tasks, specs, strict=True):
        for row in shipped(task, split)[:limit]:
            procedures.append(self_explain(spec, spec_of(task).document(row)))
            owners.append(spec)
    transcripts = run(procedures, responder(model, tokenizer))
    findings = []
    for (task, style), spec in zip(tasks, specs, strict=True):
        own = [t for t, owner in zip(transcripts, owners, strict=True) if owner is spec]
        rules = (scoring.accuracy, scoring.valid, scoring.faithful, scoring.faithful_random, scoring.faithful_oracle)
        findings.append(Finding(task, style, len(own), *(sum(rule(t) for t in own) / len(own) for rule in rules)))
    return findings


def responder(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, batch: int = 128, longest: int = 48
) -> Callable[[Sequence[Call]], list[Answer]]:
    """Answers calls by greedy decoding, `batch` at a time, similar lengths together.

    Args:
        longest: most tokens of an explanation; the longest text of the grammar has 24.
    """

    def respond(calls: Sequence[Call]) -> list[Answer]:
        prompts = [
            tokenizer.apply_chat_template(as_chat(call.messages), tokenize=False, add_generation_prompt=True)
            for call in calls
        ]
        ids = [tokenizer.encode(prompt, add_special_tokens=False) for prompt in prompts]
        short = [isinstance(call, Classify) for call in calls]
        order = sorted(range(len(calls)), key=lambda i: (short[i], len(ids[i])))
        texts = [""] * len(calls)
        for start in range(0, len(order), batch):
            # A batch that holds an explanation may not stop after the label.
            chosen = order[start : start + batch]
            tokens = 3 if all(short[i] for i in chosen) else longest
            padded = tokenizer.pad({"input_ids": [ids[i] for i in chosen]}, padding_side="left", return_tensors="pt")
            with torch.inference_mode():
                said = model.generate(  # type: ignore[operator]
                    **padded, max_new_tokens=tokens, do_sample=False
                )
            for i, row in zip(chosen, said[:, padded["input_ids"].shape[1] :], strict=True):
                texts[i] = str(tokenizer.decode(row, skip_special_tokens=True))
        return [
            Answer(text, parse_label(text, call.labels) if isinstance(call, Classify) else None)
            for text, call in zip(texts, calls, strict=True)
        ]

    return respond
