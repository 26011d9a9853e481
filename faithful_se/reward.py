"""The evaluation as a reward for reinforcement learning: plain functions, in the signature that TRL calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from faithful_se.errors import UsageError
from faithful_se.evaluation import read_task
from faithful_se.task_settings import TaskSettings
from lm_eval_tasks.operators import read_operators
from training.grpo.judge import Judge
from training.grpo.reward import (
    RewardFunction,
    RewardOptions,
    Written,
    completion_text,
    is_valid,
    log_parts,
    score_explanations,
)

if TYPE_CHECKING:
    from typing_extensions import Unpack

# Columns of the rows that say what is asked about a text, where it is not the same for all.
TASK_COLUMNS = ("dataset", "style", "budget")


def faithfulness_reward(
    model: Any,
    tokenizer: Any = None,
    *,
    effect: str = "flip",
    invalid: str = "chance",
    frozen: bool = False,
    batch_size: int = 64,
    chat_template: bool | None = None,
    chat_template_args: Mapping[str, Any] | None = None,
    **settings: Unpack[TaskSettings],
) -> RewardFunction:
    """Make a reward: what the named words do to the judge's answer, minus what as many random words do on average.

    The reward of an explanation is the `lift` that `evaluate` gives the document with that explanation. The function
    takes ``completions`` (strings, or conversations of one message) and the column ``text``, with the text of each
    completion. Columns ``dataset``, ``style`` and ``budget`` say what was asked, where `settings` does not. A column
    ``prediction`` names the label that an explanation is about. The reward is None where the judge answers otherwise.
    TRL passes ``log_metric``, which gets the effect and its chance; other arguments are ignored.

    Args:
        model, tokenizer: the judge, see `evaluate`: the policy itself, a frozen copy of it, or another model.
        effect: ``flip`` (does the answer change?) or ``probability``: how much of it the label loses, or the target
            gains. The latter needs ``classifier="loglikelihood"`` or ``"calibrated"``.
        invalid: what an explanation without a readable format gets. ``chance`` is an effect of 0, minus chance, as in
            the evaluation; ``zero`` is 0.
        frozen: the judge's weights never change: its answers are kept for later calls.
        batch_size, chat_template, chat_template_args: see `evaluate`.
        settings: what is asked, see `TaskSettings`; without `controls`, as random words are the baseline.

    Raises:
        UsageError: wrong input; one line that says what is wrong.
    """
    caller, options = "faithfulness_reward", RewardOptions(effect, invalid)
    _check(caller, settings)
    options.check(ranked=settings.get("classifier", "generate") != "generate")
    judge = Judge(
        model,
        tokenizer,
        batch_size,
        chat_template=chat_template,
        template_args=chat_template_args,
        frozen=frozen,
    )

    def faithfulness(prompts: Any = None, completions: Any = None, **columns: Any) -> list[float | None]:
        """Rewards, one for each completion."""
        scored = score_explanations(_written(caller, settings, completions, columns), judge, options)
        log_parts(scored, columns.get("log_metric"))
        return [each.reward for each in scored]

    return faithfulness


def format_reward(**settings: Unpack[TaskSettings]) -> RewardFunction:
    """Make the reward of the format alone: 1 for an explanation that `valid` counts, else 0. It asks no model.

    Columns and settings are those of `faithfulness_reward`.
    """
    _check("format_reward", settings)

    def form(prompts: Any = None, completions: Any = None, **columns: Any) -> list[float | None]:
        """Rewards, one for each completion."""
        return [float(is_valid(each)) for each in _written("format_reward", settings, completions, columns)]

    return form


def _check(caller: str, settings: Mapping[str, Any]) -> None:
    if "controls" in settings:
        raise UsageError(f"{caller}: controls=…: leave it out: random words are the baseline of the reward")
    if len(operators := read_operators(caller, settings.get("operator", "mask")).split("+")) > 1:
        raise UsageError(f"{caller}: {len(operators)} operators: give one: a reward is one number")


def _written(caller: str, settings: Mapping[str, Any], completions: Any, columns: Mapping[str, Any]) -> list[Written]:
    """The explanations of a call. Those that were asked for alike are read together."""
    if not isinstance(completions, Sequence) or isinstance(completions, str):
        raise UsageError(f"{caller}: give completions=[…], the explanations")
    texts = columns.get("text")
    if texts is None:
        raise UsageError(f"{caller}: give text=[…], the text of each completion: the rows need a column of that name")
    for name, values in columns.items():
        if name in ("text", "prediction", *TASK_COLUMNS) and len(values) != len(completions):
            raise UsageError(f"{caller}: {len(completions)} completions, {len(values)} of {name}: give one for each")
    own = [name for name in TASK_COLUMNS if name in columns]
    groups: dict[tuple[Any, ...], list[int]] = {}
    for index in range(len(completions)):
        groups.setdefault(tuple(columns[name][index] for name in own), []).append(index)
    answers, written = columns.get("prediction"), dict[int, Written]()
    for values, indices in groups.items():
        asked = {**settings, "controls": "random", **dict(zip(own, values, strict=True))}
        spec, documents = read_task(caller, [_text(texts[index]) for index in indices], None, asked)
        for index, document in zip(indices, documents, strict=True):
            answer = str(answers[index] or "") if answers is not None else ""
            written[index] = Written(spec, document, completion_text(completions[index]), answer)
    return [written[index] for index in range(len(completions))]


def _text(text: Any) -> Any:
    """A text of a row. In a column of mappings, `datasets` gives every row the fields of all."""
    if isinstance(text, Mapping):
        return {name: value for name, value in text.items() if value is not None}
    return text
