"""Ranked labels on lm-eval's Hugging Face models, with each token computed once.

lm-eval runs its model once a label, over the whole prompt. Here its cache and answers stay. `_encode_pair` and
`_loglikelihood_tokens`, which gets the tokens, are replaced while labels are ranked. What prompts share is computed
once (`shared_tokens`), and the labels of a prompt are read in one pass (`label_rows`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from lm_eval.models.huggingface import HFLM
from tqdm import tqdm

from lm_eval_tasks.forward_pass.batching import TokenBudget, default_tokens
from lm_eval_tasks.forward_pass.context_limits import ContextLimits, limits_of
from lm_eval_tasks.forward_pass.encoded_pairs import EncodedPairs
from lm_eval_tasks.forward_pass.hf_model import all_agree, autocast, parts_problem
from lm_eval_tasks.forward_pass.label_rows import Before, LabelRow, LabelRows, Scores
from lm_eval_tasks.forward_pass.label_tree import LabelTree
from lm_eval_tasks.forward_pass.shared_tokens import Continuation, Group, Tokens, plan
from lm_eval_tasks.forward_pass.tolerance import tolerance_of

# (context and continuation as texts or None, tokens of the context, tokens of the continuation), as lm-eval has them.
TokenRequest = tuple[tuple[str, str] | None, list[int], list[int]]

# Relative cost: one cached token, whose keys and values are copied, counts as 1/4 of a computed one.
CACHED_TOKENS_PER_COMPUTED = 4

# What the log says of both ways.
QUICK = "labels are ranked in one pass a text"
SLOW = "labels are ranked by lm-eval's own passes, which take longer"


class Ranked:
    """Prompts with their continuations, and what is known of each."""

    def __init__(self, requests: Sequence[TokenRequest]) -> None:
        by_prompt: dict[Tokens, dict[Tokens, list[int]]] = {}
        for index, (_, context, continuation) in enumerate(requests):
            by_prompt.setdefault(tuple(context), {}).setdefault(tuple(continuation), []).append(index)
        self.prompts, self.requests = list(by_prompt), [list(paths.values()) for paths in by_prompt.values()]
        trees: dict[tuple[Tokens, ...], LabelTree] = {}
        self.trees = [
            trees.setdefault(paths, LabelTree.from_paths([""] * len(paths), paths))
            for paths in (tuple(continuations) for continuations in by_prompt.values())
        ]


class QuickRanking:
    """Answers an HFLM's log-likelihood requests as the model itself does, in less time.

    The first call compares it with the model's own path, and leaves that in place where the two differ.

    Args:
        lm: lm-eval's model.
    """

    def __init__(self, lm: HFLM) -> None:
        self.lm, self.budgets = lm, (TokenBudget(default_tokens(lm.device)), TokenBudget(default_tokens(lm.device)))
        self.rows: LabelRows | None = None  # None before the first call, and where lm-eval's own path is in place
        self.checked = False
        self.encode_pair = EncodedPairs(lm)
        self.limits: dict[int, ContextLimits] = {}  # by the tokens of a label

    @contextmanager
    def active(self) -> Iterator[None]:
        """Inside, the model ranks labels in this way."""
        self.lm._loglikelihood_tokens, self.lm._encode_pair = self._loglikelihood_tokens, self.encode_pair
        try:
            yield
        finally:
            del self.lm._loglikelihood_tokens, self.lm._encode_pair  # uncovers the methods of the class
            self.encode_pair.forget()

    def _loglikelihood_tokens(
        self, requests: list[TokenRequest], disable_tqdm: bool = False, override_bs: int | None = None
    ) -> list[tuple[float, bool]]:
        if not self.checked:
            self.checked = True
            if not all_agree(self.lm, lambda: self._problem(requests), QUICK, SLOW):
                self.rows = None
        if self.rows is None:
            return self._own(requests, disable_tqdm, override_bs)
        results: list[tuple[float, bool] | None] = [None] * len(requests)
        most = self.lm.max_length + 1
        quick = [index for index, request in enumerate(requests) if self._is_ordinary(request, most)]
        with tqdm(
            total=len(requests), disable=disable_tqdm or self.lm.rank != 0, desc="Running loglikelihood requests"
        ) as bar:

            def emit(index: int, answer: tuple[float, bool]) -> None:
                text = requests[quick[index]][0]
                if results[quick[index]] is None:
                    bar.update(1)
                    if text is not None:
                        self.lm.cache_hook.add_partial("loglikelihood", text, answer)
                results[quick[index]] = answer

            with torch.no_grad(), autocast(self.lm):
                self._rank([requests[index] for index in quick], self.rows, emit)
        others = [index for index, result in enumerate(results) if result is None]
        # A search for a batch size would wait for other processes, which may have no such request.
        batch = None if self.lm.world_size == 1 else 1
        own = self._own([requests[index] for index in others], True, batch) if others else []
        for index, answer in zip(others, own, strict=True):
            results[index] = answer
        return [result for result in results if result is not None]

    def _own(self, requests: list[TokenRequest], disable_tqdm: bool, batch: int | None) -> list[tuple[float, bool]]:
        """The answers of lm-eval's own path."""
        answers: list[tuple[float, bool]] = HFLM._loglikelihood_tokens(
            self.lm, requests, disable_tqdm=disable_tqdm, override_bs=batch
        )
        return answers

    def _is_ordinary(self, request: TokenRequest, most: int) -> bool:
        """Whether a request can share tokens: it has no more than `most`, is not cut, and attention sees all of it."""
        _, context, continuation = request
        length = len(context) + len(continuation)
        if not context or not continuation or length > most or self.rows is None:
            return False
        if len(continuation) not in self.limits:
            self.limits[len(continuation)] = limits_of(self.rows.parts.config, len(continuation))
        return self.limits[len(continuation)].can_share(len(context))

    def _rank(
        self, requests: Sequence[TokenRequest], rows: LabelRows, emit: Callable[[int, tuple[float, bool]], None]
    ) -> None:
        """Score requests, and call `emit` with the index and the answer of each."""
        ranked = Ranked(requests)

        def publish(prompt: int, scores: Scores) -> None:
            for indices, score in zip(ranked.requests[prompt], scores, strict=True):
                for index in indices:
                    emit(index, score)

        for group in plan(ranked.prompts):
            self._rank_group(group, ranked, rows, publish)

    def _rank_group(
        self, group: Group, ranked: Ranked, rows: LabelRows, publish: Callable[[int, Scores], None]
    ) -> None:
        start = group.opening
        opening = rows.opening(ranked.prompts[next(iter(group.whole))][:start]) if start else None

        def row(prompt: int, tokens: int) -> LabelRow:
            return LabelRow(ranked.prompts[prompt][tokens:], ranked.trees[prompt])

        def length(prompt: int, tokens: int) -> int:
            return len(ranked.prompts[prompt]) - tokens + len(ranked.trees[prompt].nodes)

        def run_whole(batch: list[int]) -> list[int]:
            continuations = [(source, item) for source, prompt in enumerate(batch) for item in group.whole[prompt]]
            before = Before(opening, start)
            scores, kv = rows([row(prompt, start) for prompt in batch], before, bool(continuations))

            def run_continuations(part: list[tuple[int, Continuation]]) -> list[int]:
                sources, items = zip(*part, strict=True)
                cached = Before(opening, start, kv, sources, [item.start - start for item in items])
                for item, score in zip(items, rows([row(*item) for item in items], cached)[0], strict=True):
                    publish(item.prompt, score)
                return [item.prompt for item in items]

            for _ in self.budgets[1].batches(
                continuations,
                lambda pair: length(*pair[1]),
                run_continuations,
                overhead=lambda pair: pair[1].start // CACHED_TOKENS_PER_COMPUTED,
            ):
                pass
            for prompt, score in zip(batch, scores, strict=True):
                publish(prompt, score)
            return batch

        for _ in self.budgets[0].batches(list(group.whole), lambda prompt: length(prompt, start), run_whole):
            pass

    def _problem(self, requests: Sequence[TokenRequest]) -> str:
        """Why the model cannot be ranked in this way; empty if it can."""
        some = next((context for _, context, continuation in requests if context and continuation), None)
        parts, dtype, problem = parts_problem(self.lm, some)
        if parts is None or problem:
            return problem
        self.rows = LabelRows(parts, dtype, self.lm.softmax_dtype)
        tolerance = max(tolerance_of(dtype), tolerance_of(self.rows.dtype))
        most = self.lm.max_length + 1
        samples = _samples([request for request in requests if self._is_ordinary(request, most)])
        if not samples:
            return "the texts are longer than its attention window"
        answers: dict[int, tuple[float, bool]] = {}
        with autocast(self.lm):
            self._rank(samples, self.rows, answers.__setitem__)
        for index, (expected, _) in enumerate(self._own(samples, True, 1)):
            slack = tolerance.of_label(expected, len(samples[index][2]))
            if not abs(answers[index][0] - expected) <= slack:
                return "its answers change when its keys and values are reused"
        return ""


def _samples(requests: Sequence[TokenRequest]) -> list[TokenRequest]:
    """Requests to compare: of the shortest and the longest prompt, as they are and with a token changed.

    The changed prompts continue from the others, as perturbed texts do from each other.
    """
    samples: list[TokenRequest] = []
    ordered = sorted(requests, key=lambda request: len(request[1]))
    for _, context, _ in ordered[:1] + ordered[-1:]:
        labels = {tuple(continuation): continuation for _, other, continuation in ordered if other == context}
        few = sorted(labels.values(), key=len)
        changed = list(context)
        changed[len(context) * 2 // 3] = context[0]
        samples += [(None, prompt, label) for prompt in (context, changed) for label in (few[0], few[-1])[: len(few)]]
    return samples
