"""The quality gate of a mini model: does it classify, rewrite and explain well enough to be measured on?

Documents go through the evaluation's own procedure, backend and scoring rules.
"""

from __future__ import annotations

from dataclasses import dataclass

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from lm_eval_tasks import scoring
from lm_eval_tasks.options import Options
from lm_eval_tasks.protocol import self_explain
from lm_eval_tasks.scheduler import run
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.styles import EXPLANATION_STYLES, STYLES, Style
from training.build.backend import responder_of
from training.mini.lexicon import LEXICONS
from training.mini.prompts import spec_of
from training.mini.write_data import shipped_rows

# What a base must reach on the validation split, in each task. The oracle can reach .92 (see grammar.MIX), and shares
# of 150 documents have a standard error of .02. A model that does not react to masks stays far below .80.
GATE = {"acc": 0.97, "faithful_oracle": 0.80}

BATCH = 128


def valid_gate(style: Style) -> float:
    """The least `valid`: a word is easier to write than a copied text, and a copy is easier than an edited text."""
    if not style.ANSWERS_WITH_TEXT:
        return 0.95
    return 0.80 if style.REMOVES_WORDS else 0.70


@dataclass(frozen=True)
class Measurement:
    """Shares of the documents of one task and style, under the names of the evaluation's metrics."""

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
        if not style.REMOVES_WORDS:  # its oracle tries the model's own new word, which is often a weak one
            del bars["faithful_oracle"]
        low = {key: bar for key, bar in bars.items() if getattr(self, key) < bar}
        return [f"{self.task} {self.style} {key} {getattr(self, key):.2f} < {bar:.2f}" for key, bar in low.items()]


def measure(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    split: str = "validation",
    limit: int = 150,
    budget: str = "oneword",
    options: Options | None = None,
) -> list[Measurement]:
    """Run the evaluation's procedure in every task and style, on the first `limit` documents of a shipped split.

    The `options` are those of the tasks; both controls by default.
    """
    options = options or Options(data="mini", controls=("random", "oracle"))
    tasks = [(task, style) for task in LEXICONS for style in EXPLANATION_STYLES]
    specs = [TaskSpec(spec_of(task).question, style, budget, options) for task, style in tasks]
    rows = {task: shipped_rows(task, split)[:limit] for task in LEXICONS}
    procedures = [
        self_explain(spec, spec_of(task).document(row))
        for (task, _), spec in zip(tasks, specs, strict=True)
        for row in rows[task]
    ]
    transcripts = iter(run(procedures, responder_of(model, tokenizer, BATCH)))
    rules = (scoring.accuracy, scoring.valid, scoring.faithful, scoring.faithful_random, scoring.faithful_oracle)
    measurements = []
    for task, style in tasks:
        of_task = [next(transcripts) for _ in rows[task]]
        shares = (sum(map(rule, of_task)) / len(of_task) for rule in rules)
        measurements.append(Measurement(task, style, len(of_task), *shares))
    return measurements
