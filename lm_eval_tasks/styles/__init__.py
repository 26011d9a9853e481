"""The explanation styles: one file each, listed once."""

from lm_eval_tasks.styles import attribution, counterfactual, redaction

STYLES = {"attribution": attribution, "redaction": redaction, "counterfactual": counterfactual}
