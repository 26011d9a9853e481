"""What a user can choose about a tuning, checked before anything is loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from faithful_se.errors import UsageError
from lm_eval_tasks.styles import BUDGETS, EXPLANATION_STYLES
from training.command_line import include_path, metavar

# Which content words a drawn explanation names: any, or those that the text begins with.
RANDOM, FIRST = "random", "first"
WAYS = (RANDOM, FIRST)

# Without a value of the user's: accuracy of these datasets, and the most frequent answer by the number of labels. Texts
# of the report are balanced over the labels.
LEAST_ACCURACY = {"sentiment140": 0.70, "snli": 0.60, "agnews": 0.80}
MOST_FREQUENT = {2: 0.65, 3: 0.50, 4: 0.45}


@dataclass(frozen=True)
class SourceOptions:
    """Which model is tuned on which texts.

    Attributes:
        model: folder or hub name of an instruction-tuned model.
        tasks: datasets, as in the names of the tasks.
        out: folder to write to, or to resume in.
        data: hub, mini or a folder (default: hub).
        include_path: folder of datasets outside the package, as faithful-se new writes them.
        system: a system message that opens every conversation, as in the evaluation.
        chat_template_args: further arguments of the chat template as JSON, as the evaluation has them, such as
            {"enable_thinking": false}.
    """

    model: str
    out: Path
    tasks: tuple[str, ...] = metavar("DATASET", ())
    data: str = "hub"
    include_path: str = include_path()
    system: str = ""
    chat_template_args: str = metavar("JSON", "")

    def __post_init__(self) -> None:
        if not self.tasks:
            raise UsageError("give --tasks DATASET …: the datasets to tune on")


@dataclass(frozen=True)
class RowOptions:
    """What the model is tuned on.

    Attributes:
        rows: gold answers of each dataset, balanced over its labels; a number, or DATASET=NUMBER for some.
        masked: share of them with one to three masked words, and the same label.
        max_chars: longest text, in characters.
        replay: explanations of each dataset, style and budget, which keep the ability to explain.
        own_examples: worked examples in the prompts that collect the model's own explanations; 0 draws all words.
        drawn: content words of drawn explanations: random, or first, those that the text begins with, and one new word
            for each label (default: random).
        styles: attribution, redaction, counterfactual.
        budgets: oneword, multiword, or both.
        mask: what is written in place of a word.
        unknown: offer "unknown" as a label.
        held_out: validation texts of each dataset that are classified before and after.
        explained: of these, texts whose explanations are asked for, at most.
        seed: seed of everything that is drawn; also of the training, where it is not 0.
    """

    rows: tuple[str, ...] = metavar("ROWS", ("2000",))
    masked: float = 0.3
    max_chars: int = 420
    replay: int = 300
    own_examples: int = 2
    drawn: str = metavar("WAY", RANDOM)
    styles: tuple[str, ...] = metavar("STYLE", EXPLANATION_STYLES)
    budgets: tuple[str, ...] = metavar("BUDGET", ("oneword",))
    mask: str = "[REDACTED]"
    unknown: bool = False
    held_out: int = 200
    explained: int = 100
    seed: int = 0

    def __post_init__(self) -> None:
        for option, values, choices in (
            ("--styles", self.styles, EXPLANATION_STYLES),
            ("--budgets", self.budgets, BUDGETS),
        ):
            if other := next((value for value in values if value not in choices), None):
                raise UsageError(f"{option} {other}: give some of {', '.join(choices)}")
            if not values or len(set(values)) < len(values):
                raise UsageError(f"{option} {' '.join(values)}: give each once")
        if self.drawn not in WAYS:
            raise UsageError(f"--drawn {self.drawn}: give {' or '.join(WAYS)}")
        for option, number, least in (
            ("--max-chars", self.max_chars, 1),
            ("--replay", self.replay, 0),
            ("--own-examples", self.own_examples, 0),
            ("--held-out", self.held_out, 1),
            ("--explained", self.explained, 0),
        ):
            if number < least:
                raise UsageError(f"{option} {number}: give a whole number from {least}")
        if not 0 <= self.masked <= 1:
            raise UsageError(f"--masked {self.masked}: give a share of the rows, from 0 to 1")
        if "\n" in self.mask or not self.mask.strip():
            raise UsageError("--mask: give a text of one line that is not empty")

    def rows_of(self, datasets: Sequence[str]) -> dict[str, int]:
        """Dataset -> gold rows."""
        values = per_dataset("--rows", self.rows, datasets)
        for name in datasets:
            if not values.get(name, 2000.0).is_integer() or values.get(name, 2000.0) < 2:
                raise UsageError(f"--rows {' '.join(self.rows)}: give a whole number from 2")
        return {name: int(values.get(name, 2000)) for name in datasets}

    def as_dict(self) -> dict[str, Any]:
        """Plain values for settings and reports."""
        return {**asdict(self), **{name: list(getattr(self, name)) for name in ("rows", "styles", "budgets")}}


@dataclass(frozen=True)
class GateOptions:
    """What the tuned model must reach to be the subject of a study.

    Attributes:
        least_accuracy: accuracy of each dataset; a number, or DATASET=NUMBER for some (default: sentiment140=.70
            snli=.60 agnews=.80, none for others).
        most_frequent: largest share of one answer; a number, or DATASET=NUMBER for some (default: .65 of two labels,
            .50 of three, .45 of four or more).
        least_valid: share of valid explanations in every style, over all datasets.
        strict: exit status 1 where the gate fails.
    """

    least_accuracy: tuple[str, ...] = metavar("SHARE", ())
    most_frequent: tuple[str, ...] = metavar("SHARE", ())
    least_valid: float = 0.8
    strict: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.least_valid <= 1:
            raise UsageError(f"--least-valid {self.least_valid}: give a share, from 0 to 1")

    def accuracy_of(self, datasets: Sequence[str]) -> dict[str, float]:
        """Dataset -> least accuracy; a dataset without one is missing."""
        values = per_dataset("--least-accuracy", self.least_accuracy, datasets, largest=1)
        return {name: share for name, share in {**LEAST_ACCURACY, **values}.items() if name in datasets}

    def frequency_of(self, labels: Mapping[str, int]) -> dict[str, float]:
        """Dataset -> largest share of one answer, from the number of its labels."""
        values = per_dataset("--most-frequent", self.most_frequent, list(labels), largest=1)
        return {name: values.get(name, MOST_FREQUENT[min(max(2, n), 4)]) for name, n in labels.items()}


@dataclass(frozen=True)
class MachineOptions:
    """How the model answers before and after, and how the training is written. Its number format is the stored one.

    Attributes:
        batch_size: prompts at once; a training has --per_device_train_batch_size.
        device: cpu, cuda, cuda:1, where the model answers (default: a GPU if there is one).
        merge_dtype: number format of OUT/model: auto (that of MODEL), float32, bfloat16 or float16.
    """

    batch_size: int = 32
    device: str = ""
    merge_dtype: str = "auto"

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise UsageError(f"--batch-size {self.batch_size}: give a whole number from 1")
        formats = ("auto", "float32", "bfloat16", "float16")
        if self.merge_dtype not in formats:
            raise UsageError(f"--merge-dtype {self.merge_dtype}: give one of {', '.join(formats)}")


def per_dataset(
    option: str, values: Sequence[str], datasets: Sequence[str], largest: float | None = None
) -> dict[str, float]:
    """Numbers as a user types them, one for all datasets and `DATASET=NUMBER` for some.

    Raises:
        UsageError: no number, a negative or too large one, or another dataset than those of the command.

    >>> per_dataset("--rows", ["100", "snli=300"], ["snli", "agnews"])
    {'snli': 300.0, 'agnews': 100.0}
    """
    numbers: dict[str, float] = {}
    for value in values:
        name, _, text = value.rpartition("=")
        if name and name not in datasets:
            raise UsageError(f"{option} {value}: --tasks has no {name}; give one of {', '.join(datasets)}")
        try:
            number = float(text)
        except ValueError:
            raise UsageError(f"{option} {value}: give a number, or DATASET=NUMBER") from None
        if not 0 <= number <= (1e9 if largest is None else largest):  # nan too
            raise UsageError(f"{option} {value}: give a number from 0{f' to {largest:g}' if largest else ''}")
        numbers[name] = number
    every = numbers.pop("", None)
    return {name: numbers.get(name, every) for name in datasets if numbers.get(name, every) is not None}  # type: ignore[misc]
