"""`faithful-se attribute --plan`: what an attribution will ask, and how long it will take, from a few of its texts."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence

from faithful_se.errors import UsageError
from lm_eval_tasks.document import Document
from lm_eval_tasks.work import LEAST_SECONDS, Work, plan_table, spread, weight
from training.attribution.attributor import Attributor
from training.attribution.inputs import Source

# Texts of each dataset that are attributed; and so many where these take few seconds.
TEXTS, MORE_TEXTS = 8, 48


def plan_attribution(sources: Sequence[Source], attributors: Sequence[Attributor]) -> Iterator[str]:
    """The plan of an attribution, line by line.

    Args:
        sources: the texts of each dataset.
        attributors: one for each of them.

    Raises:
        UsageError: in one of several processes.
    """
    if os.environ.get("WORLD_SIZE", "1") != "1":
        raise UsageError(
            "--plan measures one process: start it without accelerate, and divide the minutes by processes"
        )
    works, seconds, most = dict[str, tuple[int, Work]](), 0.0, 0
    for source, attributor in zip(sources, attributors, strict=True):
        work, texts, took = attribution_work(attributor, source.documents)
        works[source.name] = len(source.documents), work
        seconds, most = seconds + took, max(most, texts)
    yield from plan_table(works, f"up to {most} texts of each dataset, of all lengths, in {seconds:.0f} seconds")


def attribution_work(attributor: Attributor, documents: Sequence[Document]) -> tuple[Work, int, float]:
    """The work on all documents, the number of those that were attributed, and the seconds that these took.

    Each text that the model sees counts as a call, and its whole prompt as its tokens, although what texts share is
    computed once.
    """
    attributor.use_prior()
    attributor.rows(spread(documents, 1))  # checks the forward pass
    for count in (TEXTS, MORE_TEXTS):
        chosen, started = spread(documents, count), time.monotonic()
        attributor.rows(chosen)
        if (seconds := time.monotonic() - started) >= LEAST_SECONDS:
            break
    per_word = attributor.options.traits.masks == "one"
    scale = weight(documents, per_word) / max(1.0, weight(chosen, per_word))
    asked = [_texts_asked(attributor, document) for document in chosen]
    prompts = [0 if prompt is None else len(prompt.ids) for prompt in attributor.renderer.encode(chosen)]
    tokens = sum(texts * length for texts, length in zip(asked, prompts, strict=True))
    return Work(sum(asked), tokens, seconds).times(scale), len(chosen), seconds


def _texts_asked(attributor: Attributor, document: Document) -> int:
    """How many texts a method asks about: the text itself, and with words masked."""
    options, keys = attributor.options, [word.key for word in document.words]
    masked = len(set(keys) if options.pool else keys)
    return 1 + {"one": masked, "subsets": options.samples, "none": 0}[options.traits.masks]
