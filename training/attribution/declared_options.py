"""Options whose default is the dataset's own: a declaration may say `unit: sentence`, and its tasks follow."""

from __future__ import annotations

from faithful_se.errors import UsageError
from lm_eval_tasks.dataset_spec import DatasetSpec
from lm_eval_tasks.options import Options
from lm_eval_tasks.read_options import read_options

# Options that change what a text is asked, and what is scored in it.
ASKED = ("mask", "unit", "unknown", "words_of", "answer_with", "operator")


def check_declared_options(dataset: DatasetSpec, options: Options) -> None:
    """Refuse to ask otherwise than the tasks of the dataset do without a word of the user.

    Raises:
        UsageError: names the option, and its value in the declaration.
    """
    name, defaults = dataset.question.dataset, dict(dataset.defaults)
    declared = read_options(name, defaults, {})
    for option in ASKED:
        value, asked = getattr(declared, option), getattr(options, option)
        if option in defaults and value != asked:
            raise UsageError(
                f"{name}: its tasks declare {option}={defaults[option]}, and this asks with {option}={asked}: give the "
                "option as declared, or take it out of the declaration"
            )
