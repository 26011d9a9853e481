"""Servers behind lm-eval's API models: failures are told from answers, and never enter a cache.

lm-eval scores a reply that it cannot read as "", and keeps it. `tests/lm_eval_tasks/test_canary.py` checks the methods
that are replaced here for the length of a call.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any

from lm_eval.api.model import CachingLM

from faithful_se.errors import UsageError
from lm_eval_tasks import LOGGER
from lm_eval_tasks.server_problems import NULL, NoAnswer, ReplyError, choices_of, read_reply

if TYPE_CHECKING:
    from lm_eval.api.model import LM

logger = logging.getLogger(LOGGER)

# The module of the API models whose replies are read here. Those of other protocols read their own.
OPENAI = "lm_eval.models.openai_completions"
# How much of a reply a message shows.
EXCERPT = 80

# The number of prompts of the request that a coroutine has made.
_PROMPTS: ContextVar[int | None] = ContextVar("prompts", default=None)


class _AnswersOnly:
    """A cache that keeps answers and drops failures."""

    def __init__(self, cache: Any) -> None:
        self.cache = cache

    def __contains__(self, key: str) -> bool:
        return key in self.cache

    def __getitem__(self, key: str) -> Any:
        return self.cache[key]

    def __setitem__(self, key: str, answer: Any) -> None:
        if not isinstance(answer, NoAnswer):
            self.cache[key] = answer

    def commit(self) -> None:
        """Write what is kept."""
        self.cache.commit()


@contextmanager
def server_failures(caching: LM | CachingLM) -> Iterator[None]:
    """Let a server's failures arrive as `NoAnswer`, and replies that are none as one line; other models are as before.

    Raises:
        UsageError: a reply is none of the protocol's, or there is no reply. It names the reply.
    """
    lm: Any = caching.lm if isinstance(caching, CachingLM) else caching
    if not hasattr(lm, "parse_generations"):
        yield
        return
    from lm_eval.models import api_models

    session, call, hook = api_models.ClientSession, lm.amodel_call, getattr(lm, "cache_hook", None)
    parse, parse_logprobs = lm.parse_generations, lm.parse_logprobs
    where = str(getattr(lm, "base_url", None) or type(lm).__name__).partition("?")[0]
    speaks_openai = getattr(type(lm).parse_generations, "__module__", "") == OPENAI

    def read(outputs: Any, **details: Any) -> list[str]:
        count = len(details["contexts"]) if "contexts" in details else _PROMPTS.get()
        if not speaks_openai:
            return [NoAnswer(NULL) if text is None else text for text in parse(outputs=outputs, **details)]
        texts: list[str] = _named(where, outputs, partial(read_reply, outputs, count))
        for text in texts:
            if isinstance(text, NoAnswer):
                logger.debug("%s: %s: %s", where, text.problem, _as_text(outputs))
        return texts

    def read_logprobs(outputs: Any, **details: Any) -> Any:
        replies = outputs if isinstance(outputs, list) else [outputs]
        if speaks_openai:
            for reply in replies:
                _named(where, reply, partial(choices_of, reply, len(details["ctxlens"]) if len(replies) == 1 else None))
        return parse_logprobs(outputs=outputs, **details)

    async def counted_call(session: Any, sem: Any, messages: Any, **details: Any) -> Any:
        _PROMPTS.set(len(messages))
        return await call(session=session, sem=sem, messages=messages, **details)

    lm.parse_generations, lm.parse_logprobs, lm.amodel_call = read, read_logprobs, counted_call
    api_models.ClientSession = partial(session, response_class=_response_class(where))
    if isinstance(caching, CachingLM):
        cache = caching.dbdict
        caching.dbdict = hook.dbdict = _AnswersOnly(cache)  # type: ignore[union-attr]
    try:
        with _one_line(where):
            yield
    finally:
        del lm.parse_generations, lm.parse_logprobs, lm.amodel_call  # uncovers the methods of the class
        api_models.ClientSession = session
        if isinstance(caching, CachingLM):
            caching.dbdict = hook.dbdict = cache  # type: ignore[union-attr]


def _named(where: str, reply: Any, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except ReplyError as error:
        raise _unreadable(where, _as_text(reply), f"it has {error}") from error


def _as_text(reply: Any) -> str:
    return reply if isinstance(reply, str) else json.dumps(reply, ensure_ascii=False)


def _unreadable(where: str, reply: str, reason: str) -> UsageError:
    start = " ".join(reply[: 4 * EXCERPT].split())[:EXCERPT]
    return UsageError(f"{where}: the server's reply cannot be read, {reason}: {start or 'it is empty'}: {_REMEDY}")


_REMEDY = "check base_url and the server, then run again; answers before it are in the cache, if the run has one"


def _response_class(where: str) -> Any:
    import aiohttp

    class Response(aiohttp.ClientResponse):
        """aiohttp does not show a reply that is no JSON, and reads none of another type."""

        async def json(self, **options: Any) -> Any:
            text = await self.text(errors="replace")
            try:
                return json.loads(text)
            except ValueError as error:
                raise _unreadable(where, text, "it is no JSON") from error

    return Response


@contextmanager
def _one_line(where: str) -> Iterator[None]:
    """What lm-eval raises after its last try, as one line."""
    import aiohttp
    import requests

    try:
        yield
    except requests.exceptions.JSONDecodeError as error:
        raise _unreadable(where, error.doc, "it is no JSON") from error
    except (requests.RequestException, aiohttp.ClientError, asyncio.TimeoutError) as error:
        reason = " ".join(str(error).split())[: 3 * EXCERPT] or "no reply in time"
        raise UsageError(f"{where}: the server does not answer ({reason}): {_REMEDY}") from error
