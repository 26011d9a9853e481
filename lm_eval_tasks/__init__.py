"""Self-explanation tasks for lm-evaluation-harness: the protocol, the styles, the datasets.

One document goes through `protocol.self_explain`; `lockstep.run` takes many through it at once; `task.SelfExplainTask`
and `host` fit both into lm-eval. `datasets/` holds one folder per dataset and is what `--include_path` wants.
"""

from pathlib import Path

DATASETS = Path(__file__).parent / "datasets"

# Below lm-eval's own logger: its command line shows what is below that, at the level that its user has set.
LOGGER = "lm_eval.faithful_se"
