"""What the demo trains and evaluates, in three sizes."""

from __future__ import annotations

from dataclasses import dataclass

from lm_eval_tasks.styles import STYLES

TRAINED = ("sentiment140", "agnews", "snli")


@dataclass(frozen=True)
class Arm:
    """One training run.

    Attributes:
        name: names its folders and its row on the board.
        build: further arguments of `faithful-se build`.
        purpose: what the rows are, in a few words.
    """

    name: str
    build: tuple[str, ...] = ()
    purpose: str = ""


WORD = Arm("word", (), "the word that the attribution found")
RANDOM = Arm("random", ("--arm", "random"), "control: any word of the text, the same formats")
FURTHER_ARMS = (
    Arm("lowest", ("--arm", "lowest"), "control: the word with the lowest score"),
    Arm("answers", ("--arm", "answers"), "control: classifications only"),
    Arm("unfiltered", ("--unfiltered",), "explanations kept whether or not they change the answer"),
    Arm("specific", ("--specific",), "counterfactuals whose new word works at this position only"),
    *(Arm(f"only-{style}", ("--styles", style), f"one style: {style}") for style in STYLES),
    *(Arm(f"without-{name}", ("--without", name), f"{name} left out") for name in TRAINED),
)


@dataclass(frozen=True)
class Size:
    """How much of everything.

    Attributes:
        texts: training texts per dataset.
        tests: test texts per task.
        trained: datasets to train on.
        tasks: patterns or tags of the tasks to evaluate, on datasets with and without training.
        epochs: passes over the rows.
        arms: what is trained; the first two are `WORD` and `RANDOM`.
        minutes: roughly how long it takes on two cores, without the base.
    """

    texts: int
    tests: int
    trained: tuple[str, ...]
    tasks: tuple[str, ...]
    epochs: float
    arms: tuple[Arm, ...]
    minutes: str


QUICK_TASKS = ("faithful_se_sentiment140_*_oneword", "faithful_se_trec_*_oneword")
MINI_TASKS = ("faithful-se-mini",)
SIZES = {
    "quick": Size(100, 60, ("sentiment140",), QUICK_TASKS, 3, (WORD, RANDOM), "2"),
    "default": Size(700, 300, TRAINED, MINI_TASKS, 3, (WORD, RANDOM), "8"),
    "full": Size(700, 300, TRAINED, MINI_TASKS, 3, (WORD, RANDOM, *FURTHER_ARMS), "19"),
}
