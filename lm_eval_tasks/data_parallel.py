"""One evaluation in several processes: all of them call the model, or none does.

With `--batch_size auto`, lm-eval's Hugging Face models agree on a batch size inside of every call, over all processes.
A process that makes no call, because it has no question left or its cache knows every answer, would leave the others
waiting; or its number of questions would be taken for a batch size, and theirs for a number of questions.

How often that size is searched for is decided here too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal
from weakref import WeakKeyDictionary

from lm_eval.api.instance import Instance
from lm_eval.api.model import CachingLM, hash_args

# How a model is asked: methods of lm-eval's models.
Kind = Literal["generate_until", "loglikelihood"]

# What a process asks that has nothing to ask.
PADDING = ("Answer:", {"until": ["\n"], "do_sample": False, "max_gen_toks": 1})

# Batch sizes that searches for generations have found, of each model of this process.
_FOUND: WeakKeyDictionary[Any, int] = WeakKeyDictionary()


def instance(kind: Kind, arguments: tuple[Any, ...]) -> Instance:
    """A question to the model, under the name of its method."""
    return Instance(kind, doc={}, arguments=arguments, idx=0, metadata=("faithful_se", 0, 1))


def everywhere(lm: Any, number: int) -> list[int]:
    """The same number of every process."""
    if lm.world_size == 1:
        return [number]
    import torch

    gathered = lm.all_gather(torch.tensor([number], device=lm.device))
    return [int(value) for value in gathered.flatten().tolist()]


def ask(lm: Any, kind: Kind, requests: Sequence[Instance]) -> list[Any]:
    """The answers of a model. Every process of a run comes here, with requests or without.

    The model itself, behind its cache, gets equally many requests in every process, in one call or in none.

    Args:
        lm: an lm-eval model, or the caching wrapper around one.
        kind: `generate_until` or `loglikelihood`.
        requests: of this process.
    """
    fresh = _fresh(lm, kind, requests)
    most = max(everywhere(lm, len(fresh)))
    with _one_search(behind(lm)):
        if most and not fresh:
            # Past the cache: it may hold the answer and would ask nobody.
            filler = instance(kind, PADDING if kind == "generate_until" else (PADDING[0], " a"))
            getattr(behind(lm), kind)([filler] * most)
        # Copies of what the cache does not know: it lets all of them through.
        padded = [*requests, *fresh[-1:] * (most - len(fresh))]
        return list(getattr(lm, kind)(padded))[: len(requests)] if requests else []


def _fresh(lm: Any, kind: Kind, requests: Sequence[Instance]) -> list[Instance]:
    """The requests that reach the model: a cache lets through what it does not know, and what is sampled."""
    if lm.world_size == 1 or not isinstance(lm, CachingLM):
        return list(requests)
    sampled = [kind == "generate_until" and bool(one.args[1].get("do_sample")) for one in requests]
    known = lm.dbdict
    return [
        one for one, drawn in zip(requests, sampled, strict=True) if drawn or hash_args(kind, one.args) not in known
    ]


def behind(lm: Any) -> Any:
    """The model that a caching wrapper is around."""
    return lm.lm if isinstance(lm, CachingLM) else lm


@contextmanager
def _one_search(model: Any) -> Iterator[None]:
    """`--batch_size auto` searches as often as it must.

    For generations once a model: the search tries the longest text that the model takes, so every round would find the
    same. For log-likelihoods once a call, also with `auto:N`: N searches are for one call with thousands of requests.
    Where there are fewer than N, as in the last rounds or beside a cache, lm-eval divides by zero; and it counts groups
    of requests with the same text, so that processes with equally many requests search more or less often.
    """
    search = getattr(model, "_detect_batch_size", None)
    if search is None:
        yield
        return

    def once(*requests: Any, **more: Any) -> int:
        if requests or more:
            return int(search(*requests, **more))
        if model not in _FOUND:
            _FOUND[model] = int(search())
        return _FOUND[model]

    schedule = model.batch_schedule
    model._detect_batch_size, model.batch_schedule = once, 1
    try:
        yield
    finally:
        del model._detect_batch_size  # the class's own is behind it
        model.batch_schedule = schedule
