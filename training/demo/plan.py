"""What the demo does, at which size."""

from __future__ import annotations

from dataclasses import dataclass

from lm_eval_tasks.styles import BUDGETS, STYLES

TRAINED = ("sentiment140", "agnews", "snli")
UNSEEN = ("trec", "sms_spam")


@dataclass(frozen=True)
class Arm:
    """One training: what is built and trained, and what it is there for.

    Attributes:
        name: of its folders.
        build: more arguments of `faithful-se build`.
        why: in a few words.
    """

    name: str
    build: tuple[str, ...] = ()
    why: str = ""


WORD = Arm("word", (), "the word that the attribution found")
RANDOM = Arm("random", ("--arm", "random"), "control: any word of the text, the same formats")
MATRIX = (
    Arm("lowest", ("--arm", "lowest"), "control: the word with the lowest score"),
    Arm("answers", ("--arm", "answers"), "control: classifications only"),
    Arm("unfiltered", ("--unfiltered",), "explanations kept whether or not they change the answer"),
    Arm("specific", ("--specific",), "counterfactuals whose new word works at this place only"),
    *(Arm(f"only-{style}", ("--styles", style), f"one style: {style}") for style in STYLES),
    *(Arm(f"without-{name}", ("--without", name), f"{name} left out") for name in TRAINED),
)


@dataclass(frozen=True)
class Size:
    """How much of everything.

    Attributes:
        texts: training texts per dataset.
        tests: test texts per task.
        trained, unseen: datasets to train on, and to test on besides.
        budgets: of the tests.
        epochs: of the training.
        arms: what is trained.
        minutes: about how long, on two cores.
    """

    texts: int
    tests: int
    trained: tuple[str, ...]
    unseen: tuple[str, ...]
    budgets: tuple[str, ...]
    epochs: float
    arms: tuple[Arm, ...]
    minutes: str


SIZES = {
    "quick": Size(100, 60, ("sentiment140",), ("trec",), ("oneword",), 3, (WORD, RANDOM), "2"),
    "usual": Size(700, 300, TRAINED, UNSEEN, BUDGETS, 3, (WORD, RANDOM), "8"),
    "full": Size(700, 300, TRAINED, UNSEEN, BUDGETS, 3, (WORD, RANDOM, *MATRIX), "19"),
}
