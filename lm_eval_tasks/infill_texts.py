"""The texts that the operator `infill` takes words from: of another split than the evaluation's."""

from __future__ import annotations

from functools import lru_cache
from itertools import islice

from faithful_se.errors import UsageError
from faithfulness_metrics.infill import OtherTexts
from lm_eval_tasks.data import DatasetSpec
from lm_eval_tasks.other_split import draw_documents

# Texts that are drawn, at most.
TEXTS = 256

REMEDY = "take another operator than infill"


@lru_cache(maxsize=16)
def infill_texts(dataset: DatasetSpec, data: str) -> OtherTexts:
    """The words of a seeded draw of texts, the same in every run. None of the texts is in the evaluation.

    Args:
        dataset: whose texts.
        data: ``hub``, ``mini`` or a folder.

    Raises:
        UsageError: no other split, or every text of it is in the evaluation too.
    """
    documents = islice(draw_documents(dataset, data, "infill", (), REMEDY), TEXTS)
    others = OtherTexts.of(document.fields for document in documents)
    if not others.words:
        name = dataset.question.dataset
        raise UsageError(f"{name}: every text of the other split is in the evaluation too: {REMEDY}")
    return others
