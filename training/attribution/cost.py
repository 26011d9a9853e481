"""What an attribution costs, said before it: a method that masks asks about every different word, or sentence."""

from __future__ import annotations

from collections.abc import Sequence

from lm_eval_tasks.cost import MANY, types_of
from training.attribution.inputs import Source
from training.attribution.options import AttributionOptions


def cost_lines(sources: Sequence[Source], options: AttributionOptions) -> list[str]:
    """One line for each dataset of long texts, or of sentences: how often the model reads a text."""
    lines = []
    for source in sources:
        unit = source.spec.options.unit
        counts = [types_of(source.spec, document) for document in source.documents]
        mean = sum(counts) / max(1, len(counts))
        if unit == "word" and mean < MANY:
            continue
        asked = f"; {options.method} reads each text as often" if options.traits.masks == "one" else ""
        if options.method == "cascade":
            asked = f"; cascade reads each text at most {options.finalists} times"
        remedy = "; --unit sentence asks about sentences" if unit == "word" and asked else ""
        lines.append(
            f"{source.name}: {len(counts)} texts of {mean:.0f} different {unit}s on average, at most "
            f"{max(counts, default=0)}{asked}{remedy}"
        )
    return lines
