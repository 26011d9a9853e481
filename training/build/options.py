"""What a user can choose about the rows, checked before anything is loaded."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from faithful_se.errors import UsageError
from lm_eval_tasks.styles import BUDGETS, STYLES

# word: the word that the attribution found. The others are controls, on the documents and in the formats of `word`:
# random, lowest: the same explanation of another word. answers: the same documents, only classified.
ARMS = ("word", "random", "lowest", "answers")

# Rewriting five words of a text of fifteen is no explanation any more.
MOST_WORDS = 5


@dataclass(frozen=True)
class BuildOptions:
    """How explanations are made and which are kept.

    Attributes:
        styles: of `lm_eval_tasks.styles.STYLES`.
        budget: ``oneword`` or ``multiword``: the fewest best words, up to `MOST_WORDS`, that change the answer.
        arm: one of `ARMS`.
        filtered: keep only explanations that change the model's answer; else all that obey their format.
        replay: share of classification rows among all rows, labelled by the model itself, half with a masked word.
        candidates: replacement words of other texts that a counterfactual tries before the model's own proposal.
        specific: of the candidates, prefer the first whose word reaches the target at the best word and not at the
            random places of the evaluation's chance control. Where there is none, the first that reaches it.
        context: ``same`` or ``fresh``, as in the evaluation.
        seed: of what is drawn: random words, replayed texts, masked words.
    """

    styles: tuple[str, ...] = tuple(STYLES)
    budget: str = "oneword"
    arm: str = "word"
    filtered: bool = True
    replay: float = 0.25
    candidates: int = 8
    specific: bool = False
    context: str = "same"
    seed: int = 0

    def __post_init__(self) -> None:
        for name, given, known in (
            *(("--styles", style, tuple(STYLES)) for style in self.styles),
            ("--budget", self.budget, BUDGETS),
            ("--arm", self.arm, ARMS),
            ("--context", self.context, ("same", "fresh")),
        ):
            if given not in known:
                raise UsageError(
                    f"{name} {given}: give {'some' if name == '--styles' else 'one'} of {', '.join(known)}"
                )
        if not self.styles or len(set(self.styles)) < len(self.styles):
            raise UsageError(f"--styles {' '.join(self.styles)}: give each style once")
        if not 0 <= self.replay < 1:
            raise UsageError(f"--replay {self.replay}: give a share of all rows, from 0 to below 1")
        if self.candidates < 0:
            raise UsageError(f"--candidates {self.candidates}: give a whole number from 0")
        if self.specific and not any(STYLES[style].WANTS_TARGET for style in self.styles):
            raise UsageError("--specific chooses the new word of counterfactuals, and --styles has none: leave it out")

    def as_dict(self) -> dict[str, Any]:
        """Plain values for rows, settings and cards."""
        return {**asdict(self), "styles": list(self.styles)}
