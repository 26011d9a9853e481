"""How words are scored: what a user can choose, checked before anything is loaded."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from faithful_se.errors import UsageError
from lm_eval_tasks.options import FEWSHOT_SEED, RANKED
from training.attribution.methods import METHODS, Method
from training.command_line import switch_off

TARGETS = ("normalized", "logprob", "margin")


@dataclass(frozen=True)
class LabelOptions:
    """How the model is asked for labels, as in the evaluation. Attributions always rank labels.

    Attributes:
        classifier: loglikelihood, or calibrated: minus a prior for each label.
        prior: of calibrated: texts of another split (default), contextual or domain.
        prior_texts: texts that the prior is measured on (default: 64).
        num_fewshot: labelled examples before the question, from the training split.
        fewshot_seed: seed of the examples, the fourth of --seed in lm_eval (default: 1234).
    """

    classifier: str = "loglikelihood"
    prior: str | None = None
    prior_texts: int | None = None
    num_fewshot: int = 0
    fewshot_seed: int | None = None

    def __post_init__(self) -> None:
        if self.classifier not in RANKED:
            raise UsageError(
                f"--classifier {self.classifier}: attributions rank the labels: give one of {', '.join(RANKED)}"
            )
        if self.num_fewshot < 0:
            raise UsageError(f"--num-fewshot {self.num_fewshot}: give a whole number from 0")
        if self.fewshot_seed is not None and not self.num_fewshot:
            raise UsageError("--fewshot-seed is for --num-fewshot: leave it out")

    @property
    def task_options(self) -> dict[str, Any]:
        """The options of the task, as `lm_eval_tasks.read_options.read_options` takes them."""
        values = {"classifier": self.classifier, "prior": self.prior, "prior_texts": self.prior_texts}
        return {name: value for name, value in values.items() if value is not None}

    @property
    def settings(self) -> dict[str, int]:
        """What settings record besides the options of the task: the seed of the examples, where there are some."""
        return {"fewshot_seed": self.seed} if self.num_fewshot else {}

    @property
    def seed(self) -> int:
        """The seed of the examples."""
        return FEWSHOT_SEED if self.fewshot_seed is None else self.fewshot_seed


@dataclass(frozen=True)
class AttributionOptions:
    """How words are scored.

    Attributes:
        method: occlusion, ig, cascade, ixg, shapley, lime, kernel_shap, random or lowest.
        target: the number that is attributed to the words. ``normalized``: log-probability of the predicted label among
            the labels; ``logprob``: among all tokens; ``margin``: nats above the best other label.
        steps: integration steps of `ig`. 16 are enough to screen; take 32 where the top word must hold.
        finalists: words that the gradient leaves to occlusion in `cascade`.
        samples: permutations of `shapley`; perturbed texts of `lime` and `kernel_shap`.
        pool: a word stands for all its occurrences, as in the evaluation; else every occurrence is scored alone.
        suffix_only: occlusion recomputes a text from the masked word on; else the whole text.
        check_flips: ask the model whether masking the top word changes its answer, where the method does not know.
        whole_answer: score the end of the answer's turn as a part of every label.
        seed: seed of the methods that draw.
    """

    method: str = "occlusion"
    target: str = "normalized"
    steps: int = 16
    finalists: int = 5
    samples: int = 25
    pool: bool = switch_off("--per-occurrence", "score every occurrence of a word alone")
    suffix_only: bool = switch_off("--full-recompute", "occlusion without reusing keys and values")
    check_flips: bool = False
    whole_answer: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise UsageError(f"method {self.method}: give one of {', '.join(METHODS)}")
        if self.target not in TARGETS:
            raise UsageError(f"target {self.target}: give one of {', '.join(TARGETS)}")
        for name in ("steps", "finalists", "samples"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} {getattr(self, name)}: give a whole number from 1")

    @property
    def traits(self) -> Method:
        """What the rest of the package must know about the method."""
        return METHODS[self.method]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for rows and settings. `suffix_only` cannot change a score and is left out."""
        options = asdict(self)
        del options["suffix_only"]
        return options
