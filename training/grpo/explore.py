"""Explanations that are drawn: a policy that is sure of its explanation would never write another, and learn nothing.

A share of the completions of each prompt names words of the text that are drawn. Their reward says what they are worth,
as that of any other completion. Of a classification that must stay, the share is the base's own answer. Without it a
policy that has lost an answer would never be rewarded for it again.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Sequence
from typing import Any

from faithfulness_metrics.words import seed_of
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.styles import STYLES
from training.grpo.rows import Subject
from training.trainer.rows import TrainingRow

# Words of a drawn explanation with several words, at most.
MOST_WORDS = 3

RolloutFunction = Callable[[list[Any], Any], dict[str, Any]]


def draw_explanations(subject: Subject, count: int, draw: random.Random) -> list[str]:
    """Explanations that name drawn words of the text, or sentences, as their style writes them.

    No word comes again before all of them were drawn: as many different words as there can be are tried.
    """
    spec, document = subject.spec, subject.document
    written = {unit.key: unit.text for unit in reversed(document.units)}
    pool: list[str] = []
    texts: list[str] = []
    for _ in range(count):
        size = min(1 if spec.budget == "oneword" else draw.randint(1, MOST_WORDS), len(written))
        if len(pool) < size:
            pool = draw.sample(sorted(written), len(written))
        keys = [pool.pop() for _ in range(size)]
        texts.append(STYLES[spec.style].write(document.fields, [written[key] for key in keys], spec.request(document)))
    return texts


def can_explore(spec: TaskSpec) -> bool:
    """Whether words of the text are all that an explanation needs; an edit needs a new word too."""
    return STYLES[spec.style].REMOVES_WORDS


def exploring(rows: Sequence[TrainingRow], subjects: Sequence[Subject], share: float, seed: int) -> RolloutFunction:
    """TRL's own generation, with drawn explanations in the place of some completions.

    Args:
        rows, subjects: of the training.
        share: of the completions of a prompt that are drawn; the last ones.
        seed: of the draw, which also depends on step and process.
    """
    by_prompt = {_key(row["prompt"]): subjects[row["subject"]] for row in rows}

    def rollout(prompts: list[Any], trainer: Any) -> dict[str, Any]:
        """Completions of the prompts, each of which stands there as often as it has completions."""
        prompt_ids, images, fields = trainer._tokenize_prompts(prompts)
        group = trainer.num_generations
        completion_ids, logprobs = trainer._generate_single_turn(prompt_ids, images, fields, group)
        first = trainer.accelerator.process_index * len(prompts)
        own = math.ceil(group * (1 - share))
        for place, prompt in enumerate(prompts):
            subject, number = by_prompt[_key(prompt)], (first + place) % group - own
            if number < 0 or (subject.explains and not can_explore(subject.spec)):
                continue
            # The same draw for all completions of a prompt, also where they are in several processes.
            draw = random.Random(seed_of(f"{seed} {trainer.state.global_step} {subject.document.hash}"))
            text = draw_explanations(subject, group - own, draw)[number] if subject.explains else subject.wording
            completion_ids[place] = _tokens(trainer, prompt, prompt_ids[place], text)
        return {"prompt_ids": prompt_ids, "completion_ids": completion_ids, "logprobs": logprobs}

    return rollout


def _key(prompt: Any) -> str:
    return json.dumps([[message["role"], message["content"]] for message in prompt])


def _tokens(trainer: Any, prompt: Any, prompt_ids: Sequence[int], text: str) -> list[int]:
    """The tokens of an answer as the chat template writes it, up to the end of its turn."""
    tokenizer = trainer.processing_class
    ids: list[int] = tokenizer.apply_chat_template(
        [*prompt, {"role": "assistant", "content": text}], return_dict=True, **trainer.chat_template_kwargs
    )["input_ids"]
    if ids[: len(prompt_ids)] != list(prompt_ids):
        ids = [*prompt_ids, *tokenizer(text, add_special_tokens=False)["input_ids"], trainer.eos_token_ids[0]]
    answer = ids[len(prompt_ids) :]
    end = next((place for place, token in enumerate(answer) if token in trainer.eos_token_ids), len(answer) - 1)
    return answer[: min(end + 1, trainer.max_completion_length)]
