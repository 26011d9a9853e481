"""The explanation styles: one file each, listed here once. `lm_eval_tasks.styles.style.Style` says what a style is."""

from lm_eval_tasks.styles import attribution, counterfactual, redaction, simulation
from lm_eval_tasks.styles.explanation import BUDGETS
from lm_eval_tasks.styles.style import Style

STYLES: dict[str, Style] = {
    "attribution": attribution,
    "redaction": redaction,
    "counterfactual": counterfactual,
    "simulation": simulation,
}

# The styles that ask for an explanation in words of their own: those that a model can be trained on.
EXPLANATION_STYLES = tuple(name for name, style in STYLES.items() if not style.SIMULATES)

__all__ = ["BUDGETS", "EXPLANATION_STYLES", "STYLES", "Style"]
