"""The prior of `--classifier calibrated`, measured with the attribution's own forward pass, and what rows say of it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lm_eval_tasks.calls import Answer
from lm_eval_tasks.document import Document
from lm_eval_tasks.forward_pass.batching import TokenBudget, in_order
from lm_eval_tasks.label_prior import mean_logprobs, prior_calls
from lm_eval_tasks.lm_eval_backend import CLASSIFY_TOKENS
from lm_eval_tasks.spec import TaskSpec
from training.attribution.engine.forward import EmbeddedBatch, Forward
from training.attribution.prompt.renderer import Renderer

TOO_LONG = "the text is longer than the model's context"


def measure_prior(forward: Forward, renderer: Renderer, budget: TokenBudget) -> dict[str, float]:
    """Mean log-probability of each label, in nats, over the questions that the evaluation asks for it.

    The evaluation's own prior is the same but for rounding.

    Raises:
        UsageError: no question fits into the model's context, or a number is not finite.
    """
    calls = prior_calls(renderer.spec, Document(dict.fromkeys(renderer.spec.question.fields, "")))
    rows = renderer.tokens([renderer.render_messages(call.messages) for call in calls])["input_ids"]
    fitting = [ids for ids in rows if forward.limits.fits(len(ids) + CLASSIFY_TOKENS)]

    def ask(batch: list[list[int]]) -> list[Tensor]:
        ids, lengths = forward.pad(batch)
        with torch.no_grad():
            logprobs, _ = forward(EmbeddedBatch(forward.embed(ids), lengths, False))
        return list(logprobs)

    logprobs = in_order(budget.batches(fitting, len, ask))
    labels = forward.tree.labels
    answers = [Answer("", logprobs=dict(zip(labels, map(float, row), strict=True))) for row in logprobs]
    return mean_logprobs(calls, answers or [Answer("", problem=TOO_LONG)])


def label_settings(spec: TaskSpec) -> dict[str, Any]:
    """How the labels of a task are asked for, as rows and settings record it."""
    options, settings = spec.options, dict[str, Any]()
    settings["classifier"] = options.classifier if options.ranked else "loglikelihood"
    if spec.calibrated:
        settings["prior"] = options.prior
        if options.prior == "texts":
            settings["prior_texts"] = options.prior_texts
    settings["num_fewshot"] = len(spec.examples) // 2
    return settings
