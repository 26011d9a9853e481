"""The questions that tasks of this process ask, beside those of the package's datasets.

Rule-based models read prompts back. They know the questions of the package, and learn here those of a user's own tasks.
"""

from __future__ import annotations

from lm_eval_tasks.classification import Question

_QUESTIONS: dict[Question, None] = {}


def note_question(question: Question) -> None:
    """Remember a question that a task asks, as the newest."""
    _QUESTIONS.pop(question, None)
    _QUESTIONS[question] = None


def noted_questions() -> tuple[Question, ...]:
    """The questions of the tasks of this process, the oldest first."""
    return tuple(_QUESTIONS)
