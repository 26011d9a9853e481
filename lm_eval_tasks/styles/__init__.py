"""The explanation styles: one file each, listed here once. `lm_eval_tasks.styles.style.Style` says what a style is."""

from lm_eval_tasks.styles import attribution, counterfactual, redaction
from lm_eval_tasks.styles.explanation import BUDGETS
from lm_eval_tasks.styles.style import Style

STYLES: dict[str, Style] = {"attribution": attribution, "redaction": redaction, "counterfactual": counterfactual}

__all__ = ["BUDGETS", "STYLES", "Style"]
