"""Score the words of a few texts: on which one does the model's answer hang?"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from faithful_se.documents import Text, documents_of
from faithful_se.errors import UsageError, require_packages, warn_user
from faithful_se.given_texts import without_asked
from faithful_se.model_backend import check_loaded
from faithful_se.task_settings import QUESTION_SETTINGS, QuestionSettings, check_names, task_of
from lm_eval_tasks.turn_breaks import turn_breaks
from training.models.modes import unchanged

if TYPE_CHECKING:
    import altair as alt
    from typing_extensions import Unpack

    from training.attribution.options import AttributionOptions
    from training.runs.artefacts import AttributionRow, WordScore

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Attribution:
    """The words of one text and what they did to the answer.

    Attributes:
        row: everything, as `faithful-se attribute` writes it (docs/attribution.md says what every field is).
    """

    row: AttributionRow

    @property
    def words(self) -> list[WordScore]:
        """Every occurrence in order: text, field, start, end, key, score. A score is None where none was computed."""
        return self.row["words"]

    @property
    def scores(self) -> dict[str, float]:
        """Word, as it is compared (lower case) -> score, the highest first. All occurrences count as one word."""
        return self.row["types"]

    @property
    def top(self) -> str | None:
        """The word with the highest score, as written; None where the text could not be scored (`problem`)."""
        return self.row["top"]["text"] if self.row["top"] else None

    @property
    def prediction(self) -> str | None:
        """The answer that is attributed to the words: the label that the model ranks first."""
        return self.row["prediction"]

    @property
    def problem(self) -> str:
        """Why the text has no scores, in a few words; empty where it has some."""
        return self.row["problem"]

    def plot(self) -> alt.LayerChart:
        """The text with its words coloured by their scores: an altair chart; ``.save("words.png")`` or ``.html``."""
        require_packages("board", "altair", "vl_convert")
        from faithful_se.attribution_plot import plot_words

        return plot_words(self)


def attribute(
    model: Any,
    tokenizer: Any,
    texts: Sequence[Text],
    *,
    method: str | AttributionOptions = "occlusion",
    chat_template_args: Mapping[str, Any] | None = None,
    **settings: Unpack[QuestionSettings],
) -> list[Attribution]:
    """Score every word of the texts by what it does to the model's answer.

    The model is frozen meanwhile. Afterwards it is as it was.

    Args:
        model: a Hugging Face causal model, loaded.
        tokenizer: its tokenizer, fast and with a chat template.
        texts: strings; or mappings from fields to strings; or documents (`read_documents`).
        method: one of `METHODS`, or `AttributionOptions` with the method's steps, samples and so on.
        chat_template_args: further arguments of the chat template, such as ``{"enable_thinking": False}``.
        settings: what is asked, see `QuestionSettings`: `labels` or `dataset`, `question`, `noun`, …

    Raises:
        UsageError: wrong input, or a model that attributions do not know; one line.
    """
    require_packages("train", "torch", "transformers", "captum")
    from training.attribution.attributor import Attributor
    from training.attribution.options import AttributionOptions
    from training.attribution.prompt.thoughts import thinking_switch

    check_names("attribute", settings, QUESTION_SETTINGS)
    check_loaded(model, tokenizer)
    documents = documents_of("attribute", texts, None, settings)
    spec = task_of("attribute", tuple(documents[0].fields), {"classifier": "loglikelihood", **settings})
    if not spec.options.ranked:
        raise UsageError("attribute: classifier='generate': attributions rank the labels: leave it out")
    if not spec.question.labels:
        raise UsageError(
            "attribute: the texts have labels of their own: give labels=[…] and texts of one choice at a time"
        )
    spec = without_asked("attribute", spec, documents)
    if warning := turn_breaks(tokenizer, documents).describe([f"text {number}" for number in range(len(documents))]):
        warn_user(f"attribute: {warning}")
    options = AttributionOptions(method) if isinstance(method, str) else method
    with unchanged(model):
        attributor = Attributor(model, tokenizer, spec, options, template_args=chat_template_args)
        if switch := thinking_switch(attributor.renderer):
            logger.warning("labels are ranked where this model may begin a thought: give chat_template_args=%s", switch)
        rows = attributor.rows(documents)
    return [Attribution(row) for row in rows]
