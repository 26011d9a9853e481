"""The reward functions that TRL's trainer calls: of explanations, of their format, of answers that must stay."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from faithfulness_metrics.words import seed_of
from lm_eval_tasks.classification import parse_label
from training.grpo.reward import (
    Respond,
    RewardFunction,
    RewardOptions,
    Written,
    completion_text,
    is_valid,
    log_parts,
    score_explanations,
)
from training.grpo.rows import Subject

# Names in TRL's log: rewards/faithfulness/mean, …
NAMES = ("faithfulness", "form", "same_answer")


def reward_functions(
    subjects: Sequence[Subject], respond: Respond, options: RewardOptions, drawn: bool = False, seed: int = 0
) -> list[RewardFunction]:
    """The three functions, in the order of `NAMES`. Each returns None for rows that are not its own.

    Args:
        subjects: of the rows, by the number in their column `subject`.
        respond: the judge.
        options: how explanations are rewarded.
        drawn: reward explanations by a number that is drawn instead: a control.
        seed: of that draw.
    """

    def written(completions: Sequence[Any], subject: Sequence[int]) -> dict[int, Written]:
        """The explanations among the completions, by their place."""
        places = [place for place, number in enumerate(subject) if subjects[number].explains]
        return {place: _written(subjects[subject[place]], completions[place]) for place in places}

    def faithfulness(prompts: Any, completions: Any, subject: Any, **columns: Any) -> list[float | None]:
        """The reward of explanations."""
        explanations = written(completions, subject)
        rewards: list[float | None] = [None] * len(completions)
        scored = score_explanations(list(explanations.values()), respond, options)
        for place, each in zip(explanations, scored, strict=True):
            rewards[place] = each.reward
        log_parts(scored, columns.get("log_metric"))
        return rewards

    def drawn_number(prompts: Any, completions: Any, subject: Any, **columns: Any) -> list[float | None]:
        """A number from -1 to 1 for each explanation, another in each step."""
        step = getattr(columns.get("trainer_state"), "global_step", 0)
        return [
            random.Random(seed_of(f"{seed} {step} {place} {subjects[number].document.hash}")).uniform(-1, 1)
            if subjects[number].explains
            else None
            for place, number in enumerate(subject)
        ]

    def form(prompts: Any, completions: Any, subject: Any, **columns: Any) -> list[float | None]:
        """1 for an explanation that obeys its format, else 0."""
        explanations = written(completions, subject)
        return [
            float(is_valid(explanations[place])) if place in explanations else None for place in range(len(completions))
        ]

    def same_answer(prompts: Any, completions: Any, subject: Any, **columns: Any) -> list[float | None]:
        """1 for a classification with the base's answer, else 0."""
        rewards: list[float | None] = []
        for completion, number in zip(completions, subject, strict=True):
            about = subjects[number]
            if about.explains:
                rewards.append(None)
                continue
            call = about.spec.classify(about.document)
            label = parse_label(completion_text(completion), call.labels, call.synonyms, call.denials)
            rewards.append(float(label == about.answer))
        return rewards

    drawn_number.__name__ = "random"
    return [drawn_number if drawn else faithfulness, form, same_answer]


def _written(subject: Subject, completion: Any) -> Written:
    return Written(subject.spec, subject.document, completion_text(completion), subject.answer)
