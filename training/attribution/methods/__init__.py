"""All attribution methods, by name, and what the rest of the package must know about each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from training.attribution.engine.document_batch import DocumentBatch

# Scores of each document's words, [n_documents][n_words]; None for words that the method skipped.
Scores = Sequence[Sequence[float | None]]


@dataclass(frozen=True)
class Method:
    """An attribution method."""

    # "module.function" in this package; takes a `DocumentBatch` and returns `Scores`, or these and the completeness
    # delta of each document. Named, not imported: torch and captum take seconds to load, and the help lists methods.
    function: str
    # It scores every occurrence of a word by itself, and the score of the word is their sum. Other methods mask all
    # occurrences at once, and every occurrence carries the score of that.
    additive: bool = False
    whole_words: bool = False  # it scores words even where the user wants occurrences scored alone
    gradients: bool = False  # it takes gradients, so the model's activations need memory
    # The texts it asks about: with one word masked at a time, with any subsets masked, or none.
    masks: Literal["one", "subsets", "none"] = "one"

    def score(self, batch: DocumentBatch) -> tuple[Scores, Sequence[float | None]]:
        """Scores of each document's words, and its completeness delta, in nats, where the method has one."""
        module, _, name = self.function.rpartition(".")
        result = getattr(import_module(f"{__name__}.{module}"), name)(batch)
        return result if isinstance(result, tuple) else (result, [None] * len(batch.prompts))


METHODS = {
    "occlusion": Method("occlusion.occlusion"),
    "ig": Method("gradients.integrated_gradients", additive=True, gradients=True, masks="none"),
    "cascade": Method("occlusion.cascade", gradients=True),
    "ixg": Method("gradients.input_x_gradient", additive=True, gradients=True, masks="none"),
    "shapley": Method("sampling.shapley", masks="subsets"),
    "lime": Method("sampling.lime", masks="subsets"),
    "kernel_shap": Method("sampling.kernel_shap", masks="subsets"),
    "random": Method("control_methods.random_scores", whole_words=True, masks="none"),
    "lowest": Method("control_methods.lowest"),
}
