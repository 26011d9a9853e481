"""`faithful-se attribute --plan`: what an attribution will ask, and how long it will take, from a few of its texts."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence

from faithful_se.errors import UsageError
from lm_eval_tasks.calls import as_chat
from lm_eval_tasks.cost import types_of
from lm_eval_tasks.document import Document
from lm_eval_tasks.work import LEAST_SECONDS, Work, plan_table, spread, weight
from training.attribution.choices import AnyAttributor
from training.attribution.inputs import Source
from training.attribution.options import AttributionOptions

# Texts of each dataset that are attributed; and so many where these take few seconds.
TEXTS, MORE_TEXTS = 8, 48


def plan_attribution(sources: Sequence[Source], attributors: Sequence[AnyAttributor]) -> Iterator[str]:
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
        work, texts, took = attribution_work(attributor, source)
        works[source.name] = len(source.documents), work
        seconds, most = seconds + took, max(most, texts)
    yield from plan_table(works, f"up to {most} texts of each dataset, of all lengths, in {seconds:.0f} seconds")


def attribution_work(attributor: AnyAttributor, source: Source) -> tuple[Work, int, float]:
    """The work on all documents, the number of those that were attributed, and the seconds that these took.

    Each text that the model sees counts as a call, and its whole prompt as its tokens, although what texts share is
    computed once.
    """
    documents, options = source.documents, attributor.options
    attributor.use_prior()
    dict(attributor.stream(spread(documents, 1)))  # checks the forward pass
    for count in (TEXTS, MORE_TEXTS):
        chosen, started = spread(documents, count), time.monotonic()
        dict(attributor.stream(chosen))
        if (seconds := time.monotonic() - started) >= LEAST_SECONDS:
            break
    per_word = options.traits.masks == "one"
    scale = weight(documents, per_word) / max(1.0, weight(chosen, per_word))
    asked = [_texts_asked(options, source, text) for text in chosen]
    tokens = sum(texts * _prompt_tokens(attributor, source, text) for texts, text in zip(asked, chosen, strict=True))
    return Work(sum(asked), tokens, seconds).times(scale), len(chosen), seconds


def _texts_asked(options: AttributionOptions, source: Source, document: Document) -> int:
    """How many texts a method asks about: the text itself, and with something masked."""
    if options.traits.masks == "one":
        return 1 + types_of(source.spec, document)
    return 1 + (options.samples if options.traits.masks == "subsets" else 0)


def _prompt_tokens(attributor: AnyAttributor, source: Source, document: Document) -> int:
    renderer, chat = attributor.renderer, as_chat(source.spec.classify(document).messages)
    prompt = renderer.tokenizer.apply_chat_template(
        chat, tokenize=False, add_generation_prompt=True, **renderer.template_args
    )
    return len(renderer.tokenizer(prompt, add_special_tokens=False)["input_ids"])
