"""The help of `faithful-se eval`: examples, tasks and their options first, lm-eval's arguments after them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from textwrap import fill

from faithful_se.attribute_helps import attribute_helps
from lm_eval_tasks.options import Options

# What lm-eval can be asked for besides a run.
OTHER_COMMANDS = ("ls", "validate")

# The options of this command, which lm-eval does not have.
OWN_OPTIONS = {
    "--plan": "only ask about a few texts, and print calls, tokens and minutes for all",
    "--trust_cache": "read a --use_cache file of another user or an older version",
    "--same_versions": "refuse a --use_cache file of other versions of the libraries",
}

TEXT = """\
usage: faithful-se eval --model MODEL --model_args NAME=VALUE … --tasks TASK … [ARGUMENTS OF lm_eval]

Evaluate a model: does it change its answer as its own explanation of that answer says? This is lm_eval with the
faithful_se tasks, and with rule-based models that need no weights.

examples:
  faithful-se eval --model faithful-se-rules --model_args strategy=honest,h=0.6 \\
      --tasks faithful_se --apply_chat_template --metadata data=mini
  faithful-se eval --model hf --model_args pretrained=MODEL --tasks faithful_se --apply_chat_template \\
      --batch_size 16 --log_samples --output_path results
  faithful-se eval --model hf --model_args pretrained=MODEL --tasks 'faithful_se_snli_*' --apply_chat_template \\
      --limit 200 --metadata controls=random+oracle classifier=loglikelihood --log_samples --output_path results

tasks (`faithful-se eval ls tasks` lists all):
  faithful_se                         the nine one-word tasks of the paper, with their averages
  faithful_se_DATASET_STYLE_BUDGET    one task; in quotes with * for some: 'faithful_se_snli_*'
{names}

options of the tasks, after --metadata (docs/protocol.md):
{options}

options of this command (plain lm_eval has the tasks too, and not these):
{own}

arguments of lm_eval:
"""


def wants_help(argv: Sequence[str]) -> bool:
    """Whether the help of an evaluation is asked for, not that of another command of lm-eval."""
    return not argv or list(argv) == ["run"] or (bool({"-h", "--help"} & set(argv)) and argv[0] not in OTHER_COMMANDS)


def help_text() -> str:
    """The help, up to where lm-eval's own begins."""
    from lm_eval_tasks.data import dataset_names
    from lm_eval_tasks.styles import BUDGETS, STYLES

    names = {"DATASET": dataset_names(), "STYLE": list(STYLES), "BUDGET": list(BUDGETS)}
    helps = attribute_helps(Options)
    options = {f"{field.name}={_typed(field.default)}": helps[field.name] for field in fields(Options)}
    return TEXT.format(
        names="\n".join(_entry(name, ", ".join(values), 38) for name, values in names.items()),
        options="\n".join(_entry(name, help, 24) for name, help in options.items()),
        own="\n".join(_entry(name, help, 24) for name, help in OWN_OPTIONS.items()),
    )


def _typed(default: object) -> str:
    """A default as it would be typed."""
    if isinstance(default, bool):
        return str(default).lower()
    return "+".join(map(str, default)) if isinstance(default, tuple) else str(default)


def _entry(name: str, text: str, column: int) -> str:
    indent = " " * column
    return fill(text, 110, initial_indent=f"  {name}".ljust(column), subsequent_indent=indent)
