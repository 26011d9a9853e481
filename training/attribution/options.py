"""What a user can choose about attributions, checked before anything is loaded."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from faithful_se.errors import UsageError

TARGETS = ("normalized", "logprob", "margin")


@dataclass(frozen=True)
class AttributionOptions:
    """How words are scored.

    Attributes:
        method: a key of `training.attribution.methods.METHODS`.
        target: the number that is attributed to the words: ``normalized`` (log-probability of the predicted label among
            the labels: monotone in the p(x) of the metrics), ``logprob`` (among all tokens), ``margin`` (nats above
            the best other label).
        steps: integration steps of `ig`: 16 to screen, 32 where the top word must hold.
        finalists: how many words the gradient leaves to occlusion in `cascade`.
        samples: permutations of `shapley`; perturbed texts of `lime` and `kernel_shap`.
        pool: a word stands for all its occurrences, as in the evaluation; else every occurrence is scored alone.
        suffix_only: occlusion recomputes only from the masked word on.
        check_flips: ask the model whether masking the top word changes its answer, where the method does not know.
        whole_answer: score the end of the answer's turn as a part of every label.
        seed: of the methods that draw.
    """

    method: str = "occlusion"
    target: str = "normalized"
    steps: int = 16
    finalists: int = 5
    samples: int = 25
    pool: bool = True
    suffix_only: bool = True
    check_flips: bool = False
    whole_answer: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        from training.attribution.methods import METHODS

        if self.method not in METHODS:
            raise UsageError(f"--method {self.method}: give one of {', '.join(METHODS)}")
        if self.target not in TARGETS:
            raise UsageError(f"--target {self.target}: give one of {', '.join(TARGETS)}")
        for name in ("steps", "finalists", "samples"):
            if getattr(self, name) < 1:
                raise UsageError(f"--{name} {getattr(self, name)}: give a whole number from 1")

    def as_dict(self) -> dict[str, Any]:
        """Plain values for the rows and the settings of a folder. What cannot change a score is left out."""
        told = asdict(self)
        del told["suffix_only"]
        return told
