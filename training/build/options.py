"""What a user can choose about the rows, checked before anything is loaded."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from faithful_se.errors import UsageError
from lm_eval_tasks.options import CHOICES
from lm_eval_tasks.styles import BUDGETS, EXPLANATION_STYLES, STYLES
from training.command_line import include_path, metavar, switch_off

ARMS = ("word", "random", "lowest", "answers")

# Share of classifications among the rows, where nobody says how many; pairs had none before there was a choice.
REPLAY = 0.25


@dataclass(frozen=True)
class SourceOptions:
    """What the rows are built from, and where they go.

    Attributes:
        attributions: folder of faithful-se attribute.
        model: the model that was attributed: folder or hub name.
        out: folder to write to, or to resume in.
        adapter: a peft adapter to put on the model, if it was attributed with one.
        datasets: only these (default: all there are).
        without: not these: leave a dataset out.
        include_path: folder of datasets outside the package (default: as attributed; give it where that was moved).
        data: where the evaluation's texts are, to keep apart: hub, mini or a folder (default: as attributed).
        limit: only the first texts of each dataset.
        chat_template_args: further arguments of the chat template as JSON (default: as attributed; others are refused).
    """

    attributions: Path
    model: str
    out: Path
    adapter: str = ""
    datasets: tuple[str, ...] = metavar("DATASET", ())
    without: tuple[str, ...] = metavar("DATASET", ())
    include_path: str = include_path()
    data: str = ""
    limit: int | None = None
    chat_template_args: str = metavar("JSON", "")

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 1:
            raise UsageError(f"--limit {self.limit}: give a whole number from 1")


@dataclass(frozen=True)
class BuildOptions:
    """How explanations are made and which become rows.

    Attributes:
        styles: attribution, redaction, counterfactual.
        budget: oneword, or multiword: the fewest best words, at most five, that change the answer.
        arm: word: the best word of the attribution. Controls on the same texts: random and lowest name another word,
            answers only classifies.
        filtered: keep only explanations that change the model's answer; else all that obey their format.
        replay: share of classifications among the rows, labelled by the model itself, half with one masked word. Among
            pairs they prefer the model's answer to another label (default: 0.25, of pairs 0).
        candidates: replacement words that a counterfactual tries before the model's own proposal.
        specific: counterfactuals: prefer a word that reaches the target at its position only, and at none of the
            evaluation's random positions.
        pairs: preference pairs: each row prefers such an explanation to the model's own untrue one.
        context: same or fresh conversation, as in the evaluation.
        classifier: how the answers are made that are explained, as in the evaluation: generate, loglikelihood or
            calibrated (default: calibrated for calibrated attributions, else generate).
        seed: seed of what is drawn: random words, replayed texts, masked words.
    """

    styles: tuple[str, ...] = metavar("STYLE", EXPLANATION_STYLES)
    budget: str = "oneword"
    arm: str = "word"
    filtered: bool = switch_off("--unfiltered", "keep explanations that do not change the answer too")
    replay: float | None = None
    candidates: int = 8
    specific: bool = False
    pairs: bool = False
    context: str = "same"
    classifier: str = ""
    seed: int = 0

    def __post_init__(self) -> None:
        for name, value, choices in (
            *(("--styles", style, EXPLANATION_STYLES) for style in self.styles),
            ("--budget", self.budget, BUDGETS),
            ("--arm", self.arm, ARMS),
            ("--context", self.context, CHOICES["context"]),
            ("--classifier", self.classifier or "generate", CHOICES["classifier"]),
        ):
            if value not in choices:
                raise UsageError(
                    f"{name} {value}: give {'some' if name == '--styles' else 'one'} of {', '.join(choices)}"
                )
        if not self.styles or len(set(self.styles)) < len(self.styles):
            raise UsageError(f"--styles {' '.join(self.styles)}: give each style once")
        if not 0 <= self.replayed < 1:
            raise UsageError(f"--replay {self.replay}: give a share of all rows, from 0 to below 1")
        if self.candidates < 0:
            raise UsageError(f"--candidates {self.candidates}: give a whole number from 0")
        if self.specific and not any(STYLES[style].WANTS_TARGET for style in self.styles):
            raise UsageError("--specific chooses the new word of counterfactuals, and --styles has none: leave it out")

        if self.pairs and not self.filtered:
            raise UsageError("--pairs prefers a true explanation, and --unfiltered takes untrue ones: leave one out")
        if self.pairs and self.arm == "answers":
            raise UsageError("--pairs compares explanations, and --arm answers has none: give another --arm")

    def as_dict(self) -> dict[str, Any]:
        """Plain values for rows, settings and cards. Without pairs as versions wrote them that knew none."""
        values = {**asdict(self), "styles": list(self.styles)}
        if not values["pairs"]:
            del values["pairs"]
        return values

    @property
    def replayed(self) -> float:
        """Share of classifications among the rows."""
        return (0.0 if self.pairs else REPLAY) if self.replay is None else self.replay

    def resolved(self, classifier: str) -> BuildOptions:
        """The options with what follows from others: the classifier, and the share of classifications."""
        return replace(self, classifier=classifier, replay=self.replayed)


@dataclass(frozen=True)
class MachineOptions:
    """How the machine is used. None of these changes a row beyond rounding.

    Attributes:
        batch_size: prompts at once.
        dtype: as in the attribution; auto takes the stored one.
        device: cpu, cuda, cuda:1 (default: a GPU if there is one).
        plan: only build for a few texts, and print calls, tokens and minutes for all.
    """

    batch_size: int = 64
    dtype: str = "auto"
    device: str = ""
    plan: bool = False

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise UsageError(f"--batch-size {self.batch_size}: give a whole number from 1")
