"""The model before the training answers the classifications, in the main process; the others read what it wrote."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from faithful_se.errors import UsageError
from training.build.backend import responder_of
from training.grpo.answers import BaseAnswers, collect_answers
from training.grpo.arguments import GrpoArguments
from training.grpo.texts import Texts
from training.measurability import why_nothing_to_learn
from training.models.loading import load_model
from training.trainer.folder import TrainingFolder

if TYPE_CHECKING:
    from trl import GRPOConfig, ModelConfig


def base_answers(
    folder: TrainingFolder,
    texts: Sequence[Texts],
    arguments: GrpoArguments,
    training: GRPOConfig,
    model: ModelConfig,
    template_args: Mapping[str, Any],
    say: Callable[[str], None],
) -> dict[str, BaseAnswers]:
    """The base's answers about each dataset, of an earlier call where there was one.

    Args:
        folder: of the training, which this opens.
        texts, arguments, training, model, template_args: of the training.
        say: called with a warning where nothing can be learnt of the answers.

    Raises:
        UsageError: no such model, or one without a chat template.
    """
    base = _Base(model, arguments, template_args)

    def collect() -> dict[str, BaseAnswers]:
        return {part.name: collect_answers(folder.path, part, training.seed, base) for part in texts}

    with training.main_process_first(local=False, desc="the base's answers"):
        if training.process_index == 0:
            with folder.open():
                answers = collect()
        else:
            answers = collect()
    base.close()
    for name, of_dataset in answers.items():
        asked = [each for each in of_dataset.trained if not each.masked]
        labels, golds = [each.answer.label for each in asked], [each.source.gold for each in asked]
        classifier, examples = arguments.task_options.classifier, bool(arguments.num_fewshot)
        if reason := why_nothing_to_learn(labels, golds, classifier, examples=examples):
            say(f"warning: {name}: {reason}")
    return answers


class _Base:
    """The model, loaded when it is first asked: the trainer loads its own."""

    def __init__(self, model: ModelConfig, arguments: GrpoArguments, template_args: Mapping[str, Any]) -> None:
        self.model, self.batch_size, self.template_args = model, arguments.judge_batch_size, template_args
        self._respond: Any = None

    def __call__(self, calls: Any) -> Any:
        """Answer calls."""
        if self._respond is None:
            name = self.model.model_name_or_path
            if not name:
                raise UsageError("give --model_name_or_path: the model to train")
            loaded, tokenizer = load_model(name, dtype=self.model.dtype or "auto")
            if not getattr(tokenizer, "chat_template", None):
                raise UsageError(f"{name} has no chat template: give an instruction-tuned model")
            self._respond = responder_of(loaded, tokenizer, self.batch_size, self.template_args)
        return self._respond(calls)

    def close(self) -> None:
        """Free its memory."""
        self._respond = None
        gc.collect()
