"""Rule-based language models: ground truth for the metrics, and a model without weights to try the tasks with.

`faithful-se eval --model faithful-se-rules --model_args strategy=honest,h=0.6 …`, or `RuleLM(...)` from Python.
"""

import lm_eval.models  # noqa: F401  lm-eval registers its own models only while the registry is empty
from lm_eval.api.registry import register_model

from lm_eval_tasks.rule_models.rule_lm import RuleLM

register_model("faithful-se-rules")(RuleLM)

__all__ = ["RuleLM"]
