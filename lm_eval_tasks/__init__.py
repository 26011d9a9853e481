"""Self-explanation tasks for lm-evaluation-harness: the protocol, the styles, the datasets.

`protocol.self_explain` takes one document through the protocol, and `scheduler.run` takes many at once. `task`,
`request_type` and `lm_eval_backend` connect both to lm-eval. `datasets/` holds one folder per dataset, with the task
files that lm-eval reads.
"""

from pathlib import Path

# The folder to give to --include_path or TaskManager(include_path=…).
DATASETS = Path(__file__).parent / "datasets"

# Below lm-eval's own logger: the command line shows its messages, at the level that the user sets.
LOGGER = "lm_eval.faithful_se"
