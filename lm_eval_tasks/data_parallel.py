"""Data-parallel evaluation: every process calls the model equally often, with equally many requests.

With `--batch_size auto`, lm-eval's Hugging Face models agree on a batch size inside each call, across all processes. A
process without requests, or with a cache that answers all of them, would make no call. The others would wait for it for
ever, or read its number of requests as a batch size.

This module also decides how often a model searches for its batch size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakKeyDictionary

from lm_eval.api.instance import Instance
from lm_eval.api.model import CachingLM, hash_args

if TYPE_CHECKING:
    from lm_eval.api.model import LM

# Methods of lm-eval's models, and the names of its request types.
RequestType = Literal["generate_until", "loglikelihood"]

# Arguments of the requests that fill up the batch of a process without requests of its own.
PADDING: dict[RequestType, tuple[Any, ...]] = {
    "generate_until": ("Answer:", {"until": ["\n"], "do_sample": False, "max_gen_toks": 1}),
    "loglikelihood": ("Answer:", " a"),
}

# The batch size that the search for generations gave, for each model of this process.
_GENERATION_BATCH_SIZES: WeakKeyDictionary[Any, int] = WeakKeyDictionary()


def make_request(request_type: RequestType, arguments: tuple[Any, ...]) -> Instance:
    """A request of lm-eval's, as a model's method of that name expects it."""
    return Instance(request_type, doc={}, arguments=arguments, idx=0, metadata=("faithful_se", 0, 1))


def gather_ints(lm: LM | CachingLM, number: int) -> list[int]:
    """Send a number to all processes and receive theirs, in the order of ranks."""
    if lm.world_size == 1:
        return [number]
    import torch

    gathered = lm.all_gather(torch.tensor([number], device=lm.device))
    return [int(value) for value in gathered.flatten().tolist()]


def call_model(lm: LM | CachingLM, request_type: RequestType, requests: Sequence[Instance]) -> list[Any]:
    """Answer requests. Every process of a run must call this, with or without requests.

    The model behind the cache gets equally many requests in every process, in one call or in none. The answers are in
    the order of `requests`.
    """
    uncached = _uncached(lm, request_type, requests)
    count = max(gather_ints(lm, len(uncached)))
    model = unwrap_cache(lm)
    with _few_batch_size_searches(model):
        if count and not uncached:
            # To the model itself: a cache may know the answer to the padding.
            getattr(model, request_type)([make_request(request_type, PADDING[request_type])] * count)
        # Copies of a request that the cache does not know all reach the model.
        padded = [*requests, *uncached[-1:] * (count - len(uncached))]
        return list(getattr(lm, request_type)(padded))[: len(requests)] if requests else []


def _uncached(lm: LM | CachingLM, request_type: RequestType, requests: Sequence[Instance]) -> list[Instance]:
    """The requests that reach the model: those that the cache does not hold, and those that sample."""
    if lm.world_size == 1 or not isinstance(lm, CachingLM):
        return list(requests)
    return [
        request
        for request in requests
        if (request_type == "generate_until" and request.args[1].get("do_sample"))
        or hash_args(request_type, request.args) not in lm.dbdict
    ]


def unwrap_cache(lm: LM | CachingLM) -> LM:
    """The model inside a caching wrapper."""
    return lm.lm if isinstance(lm, CachingLM) else lm


@contextmanager
def _few_batch_size_searches(model: Any) -> Iterator[None]:
    """Let `--batch_size auto` search no more often than necessary.

    For generations, one search per model is enough. It tries the longest text that the model takes, so every search
    finds the same.

    For log-likelihoods, one search per call is enough, also with `auto:N`, since N searches are meant for one call with
    thousands of requests. With fewer than N requests lm-eval divides by zero. And it counts groups of requests with the
    same text, so processes with equally many requests would search unequally often.
    """
    search = getattr(model, "_detect_batch_size", None)
    if search is None:
        yield
        return

    def search_once(*requests: Any, **options: Any) -> int:
        if requests or options:
            return int(search(*requests, **options))
        if model not in _GENERATION_BATCH_SIZES:
            _GENERATION_BATCH_SIZES[model] = int(search())
        return _GENERATION_BATCH_SIZES[model]

    schedule = model.batch_schedule
    model._detect_batch_size, model.batch_schedule = search_once, 1
    try:
        yield
    finally:
        del model._detect_batch_size  # uncovers the method of the class
        model.batch_schedule = schedule
