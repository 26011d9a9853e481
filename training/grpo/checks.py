"""Checks of a policy on held-out texts: are its answers those of the base, and are its explanations truer?

Both go through the evaluation's own procedure, greedily. A training stops where its accuracy falls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from transformers import TrainerCallback

from lm_eval_tasks import scheduler, scoring
from lm_eval_tasks.calls import Answer
from lm_eval_tasks.protocol import self_explain
from training.grpo.answers import Asked, BaseAnswers, classify
from training.grpo.reward import Respond
from training.grpo.texts import Texts

# Names in the log of the training.
ACCURACY, SAME, VALID, LIFT = "held_out/accuracy", "held_out/same_answers", "held_out/valid", "held_out/lift"


@dataclass(frozen=True)
class HeldOut:
    """What is asked about the held-out texts, and what the base answered."""

    texts: Sequence[Texts]
    answers: Mapping[str, BaseAnswers]

    @property
    def base_accuracy(self) -> float | None:
        """Accuracy of the base; None where no text has a gold label."""
        return _accuracy([(each, each.answer) for each in self._asked()])

    def measure(self, respond: Respond) -> dict[str, float]:
        """Accuracy, share of answers that are the base's (of texts and masked texts), `valid` and `lift`."""
        asked = list(self._asked())
        classified = [
            classify(part.specs[0], each.document) for part in self.texts for each in self.answers[part.name].held_out
        ]
        explained = [
            self_explain(spec, document) for part in self.texts for spec in part.specs for document in part.held_out
        ]
        results: list[Any] = list(scheduler.run([*classified, *explained], respond))  # type: ignore[list-item]
        answers, transcripts = results[: len(asked)], results[len(asked) :]
        pairs = list(zip(asked, answers, strict=True))
        accuracy = _accuracy(pairs)
        values = {
            SAME: _mean([float(answer.label == each.answer.label) for each, answer in pairs]),
            VALID: _mean(list(map(scoring.valid, transcripts))),
            LIFT: _mean(list(map(scoring.lift, transcripts))),
        }
        return values if accuracy is None else {ACCURACY: accuracy, **values}

    def _asked(self) -> Iterator[Asked]:
        for part in self.texts:
            yield from self.answers[part.name].held_out


class CheckHeldOut(TrainerCallback):  # type: ignore[misc]
    """Measure the policy before the first step, every so many steps and after the last; stop it where accuracy falls.

    Args:
        measure: measures the policy as it is, in the process where it can; all processes get the same values.
        base_accuracy: of the base; None where it is not known.
        steps: between two checks.
        most_lost: of accuracy; beyond it the training stops.
        record: called with the values, for the log.
        say: called with a line.
    """

    def __init__(
        self,
        measure: Callable[[], dict[str, float]],
        base_accuracy: float | None,
        steps: int,
        most_lost: float,
        record: Callable[[dict[str, float]], None],
        say: Callable[[str], None],
    ) -> None:
        self.measure, self.base_accuracy, self.steps, self.most_lost = measure, base_accuracy, steps, most_lost
        self.record, self.say = record, say
        self.values: dict[str, float] = {}
        self.stopped = ""

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Called before the first step, and where a training resumes."""
        if state.global_step == 0:
            self._check(state)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Called after each optimizer step, once transformers has decided whether to save."""
        if state.global_step % self.steps and state.global_step < state.max_steps:
            return
        wanted = control.should_log  # transformers takes the values of the check for the entry that is due
        self._check(state)
        control.should_log = wanted
        if self.stopped:
            # Without a checkpoint of this step, a training that is killed now comes to this check again.
            control.should_training_stop, control.should_save = True, False

    def _check(self, state: Any) -> None:
        self.values = self.measure()
        self.record(self.values)
        self.say(f"step {state.global_step}: {line_of(self.values)}")
        accuracy = self.values.get(ACCURACY)
        if (
            accuracy is not None
            and self.base_accuracy is not None
            and round(self.base_accuracy - accuracy - self.most_lost, 9) > 0
        ):
            self.stopped = (
                f"stopped at step {state.global_step}: accuracy on held-out texts fell from {self.base_accuracy:.3f} "
                f"to {accuracy:.3f}, by more than --most_accuracy_lost {self.most_lost:g}: give a larger --beta or "
                "--replay, or a smaller --learning_rate"
            )
            self.say(self.stopped)


def last_check(history: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The values of the last check in a log: all that a training knows which was killed after its last checkpoint.

    >>> last_check([{"held_out/lift": 0.25, "step": 1}, {"loss": 0.5, "step": 1}])
    {'held_out/lift': 0.25}
    """
    checks = [{name: entry[name] for name in (ACCURACY, SAME, VALID, LIFT) if name in entry} for entry in history]
    return next(filter(None, reversed(checks)), {})


def line_of(values: Mapping[str, float]) -> str:
    """The values of a check in one line.

    >>> line_of({"held_out/accuracy": 1.0, "held_out/lift": 0.25})
    'held-out texts: accuracy 1.000, lift 0.250'
    """
    parts = (f"{name.partition('/')[2].replace('_', ' ')} {value:.3f}" for name, value in values.items())
    return f"held-out texts: {', '.join(parts)}"


def _accuracy(pairs: Sequence[tuple[Asked, Answer]]) -> float | None:
    """Share of the texts as they are, not the masked ones, whose answer is the gold label."""
    known = [(each, answer) for each, answer in pairs if not each.masked and each.source.gold is not None]
    return _mean([float(answer.label == each.source.gold) for each, answer in known]) if known else None


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else float("nan")


__all__ = ["ACCURACY", "LIFT", "SAME", "VALID", "CheckHeldOut", "HeldOut", "last_check", "line_of"]
