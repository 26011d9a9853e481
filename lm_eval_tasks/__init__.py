"""Self-explanation tasks for lm-evaluation-harness: the protocol, the styles, the datasets.

`protocol.self_explain` takes one document through the protocol, `scheduler.run` takes many at once.
`task.SelfExplainTask` and `lm_eval_backend` fit both into lm-eval. `datasets/` holds one folder per dataset, and is the
folder for `--include_path`.
"""

from pathlib import Path

DATASETS = Path(__file__).parent / "datasets"

# A child of lm-eval's own logger, so that lm-eval's command line shows it at the level that the user has set.
LOGGER = "lm_eval.faithful_se"
