"""What there is: datasets, styles, budgets, metric keys, attribution methods. All are tuples of names."""

from lm_eval_tasks.data import dataset_names
from lm_eval_tasks.metrics import METRICS as _METRICS
from lm_eval_tasks.styles import BUDGETS as BUDGETS
from lm_eval_tasks.styles import STYLES as _STYLES

DATASETS = dataset_names()
STYLES = tuple(_STYLES)
METRICS = tuple(_METRICS)
