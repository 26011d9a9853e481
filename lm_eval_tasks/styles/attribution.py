"""Attribution: the model names the words its answer hangs on."""

from __future__ import annotations

import re

from faithfulness_metrics.words import Fields, find_words, key_of, occurrences, words_of
from lm_eval_tasks.styles.answers import is_refusal, readings
from lm_eval_tasks.styles.explanation import Explanation, Request, invalid

ONEWORD = (
    "Which one word of the {noun} above is most important for your answer? If every occurrence of that word {removed}, "
    "your answer would change. Answer only with the word, exactly as it stands in the {noun}."
)
MULTIWORD = (
    "Which words of the {noun} above are most important for your answer? If all of them {removed}, "
    "your answer would change. Answer only with the words, exactly as they stand in the {noun}, separated by commas."
)
REMOVED = {
    "mask": 'were replaced by "{mask}"',
    "delete": "were deleted",
    "substitute": "were replaced by unimportant words",
}


def ask(request: Request) -> str:
    """The sentence that asks for the explanation."""
    template = ONEWORD if request.budget == "oneword" else MULTIWORD
    removed = REMOVED[request.operator].format(mask=request.mask)
    return template.format(noun=request.question.noun, removed=removed)
