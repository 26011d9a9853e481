"""A rule-based model that records its requests."""

from __future__ import annotations

import json
from typing import Any

from lm_eval.api.instance import Instance

from lm_eval_tasks.lm_eval_backend import CLASSIFY_TOKENS
from lm_eval_tasks.rule_models import RuleLM


class RecordingLM(RuleLM):
    def __init__(self, strategy: str = "honest", **kwargs: Any) -> None:
        super().__init__(strategy, **kwargs)
        self.arguments: list[tuple[Any, ...]] = []

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        self.arguments += [request.args for request in requests]
        return super().generate_until(requests, disable_tqdm)

    @property
    def classifications(self) -> list[tuple[str, dict[str, Any]]]:
        return [args for args in self.arguments if len(json.loads(args[0])) < 3]

    @property
    def explanations(self) -> list[tuple[str, dict[str, Any]]]:
        return [args for args in self.arguments if len(json.loads(args[0])) >= 3]


def total(lm: RuleLM) -> int:
    """Calls so far."""
    return sum(lm.calls.values())


GREEDY = {"until": [], "do_sample": False, "max_gen_toks": CLASSIFY_TOKENS}
