"""What a chat template that knows thoughts does to the rows: it may open a thought, or write an empty one.

Qwen3's template writes "<think>\\n\\n</think>\\n\\n" before the last answer, after the end of the prompt.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from faithful_se.errors import UsageError
from lm_eval_tasks.thoughts import ends_after_thought, opening_of, switch_of
from training.attribution.prompt.chat_template import template_option
from training.trainer.rows import TrainingRow

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

logger = logging.getLogger(__name__)

OPTION = "--chat_template_args"


def learns_empty_thought(
    tokenizer: PreTrainedTokenizerBase, row: TrainingRow, arguments: Mapping[str, Any], template: str | None = None
) -> bool:
    """Whether an empty thought that the template writes before an answer is learnt with it; warns if so.

    Args:
        tokenizer: as the trainer has it.
        row: any; the template treats all alike.
        arguments: of the chat template.
        template: the template that the trainer uses instead of the tokenizer's; None where it uses that.

    Raises:
        UsageError: the template opens a thought before the answer, so the answer would be trained inside it.
    """

    def write(messages: Any, switch: Mapping[str, Any], prompt: bool) -> str:
        options = {**arguments, **switch} | ({"chat_template": template} if template else {})
        return str(tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=prompt, **options))

    prompt = write(row["prompt"], {}, True)
    switch = switch_of(lambda other: write(row["prompt"], other, True))
    if opening := opening_of(prompt):
        remedy = f"add {template_option(switch, OPTION)}" if switch else "give --chat_template_path without one"
        raise UsageError(
            f"the chat template opens a thought ({opening.strip()}), and answers would be trained inside it: {remedy}"
        )
    whole = write([*row["prompt"], *row["completion"]], {}, False)
    before = whole.removeprefix(prompt).partition(row["completion"][0]["content"].strip())[0]
    if not whole.startswith(prompt) or not ends_after_thought(before):
        return False
    remedy = f": {template_option(switch, OPTION)} leaves it out of the loss" if switch else ""
    logger.warning("the chat template writes an empty thought before each answer, which is learnt with it%s", remedy)
    return True
