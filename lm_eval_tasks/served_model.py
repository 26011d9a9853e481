"""What a server says of the model that it serves, at `/v1/models`."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lm_eval.api.model import LM

# A server that answers later has not said anything.
SECONDS = 3.0
# The longest list of models that is read, in bytes.
LONGEST = 1 << 20
# What stays the same as long as the model does. Times and permissions change with each start, or with each question.
STABLE = ("id", "max_model_len", "meta", "owned_by", "parent", "quantization", "root")


def served_model(lm: LM) -> dict[str, str] | None:
    """What the server of an API model says of that model; None where it says nothing. It never fails."""
    url = getattr(lm, "base_url", None)
    if not isinstance(url, str) or not re.search("/completions/?$", url):
        return None
    answers: list[dict[str, str]] = []
    thread = Thread(target=_ask, args=(lm, re.sub("(/chat)?/completions/?$", "/models", url), answers), daemon=True)
    thread.start()
    thread.join(SECONDS)  # no timeout of a request ends a server that sends a byte a second
    return answers[0] if answers else None


def _ask(lm: LM, address: str, answers: list[dict[str, str]]) -> None:
    import requests

    attributes: Any = lm
    with suppress(requests.RequestException, OSError, ValueError, TypeError, AttributeError, KeyError, RecursionError):
        response = requests.get(
            address,
            headers=attributes.header,
            verify=getattr(lm, "verify_certificate", True),
            timeout=SECONDS,
            stream=True,
        )
        response.raise_for_status()
        models = json.loads(response.raw.read(LONGEST, decode_content=True))["data"]
        own = [model for model in models if model["id"] == attributes.model] or (models if len(models) == 1 else [])
        if own:
            answers.append({name: json.dumps(own[0][name])[:200] for name in STABLE if own[0].get(name) is not None})
