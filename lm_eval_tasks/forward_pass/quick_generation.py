"""Greedy generation on lm-eval's Hugging Face models, with each token of the prompts computed once.

lm-eval runs its model over every prompt in full, and each batch as long as its longest answer. Here its tokenization,
cache and reading of answers stay, and `generate_until` is replaced while texts are generated (`greedy_decoding`). What
is not greedy, or changes logits in a way not known here, is left to lm-eval.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from lm_eval.models.utils import handle_stop_sequences, normalize_gen_kwargs, postprocess_generated_text
from torch import Tensor
from tqdm import tqdm

from lm_eval_tasks import LOGGER
from lm_eval_tasks.data_parallel import gather_ints
from lm_eval_tasks.forward_pass.batching import TokenBudget, default_tokens
from lm_eval_tasks.forward_pass.context_limits import limits_of
from lm_eval_tasks.forward_pass.free_memory import free_memory
from lm_eval_tasks.forward_pass.greedy_decoding import GreedyDecoder, Row
from lm_eval_tasks.forward_pass.greedy_settings import Ends, GreedySettings, ends_of, settings_of
from lm_eval_tasks.forward_pass.hf_model import agreed_problem, autocast, parts_problem
from lm_eval_tasks.forward_pass.shared_tokens import Tokens
from lm_eval_tasks.forward_pass.tolerance import tolerance_of

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

logger = logging.getLogger(LOGGER)

# Share of the free memory that keys and values may take.
KEPT_SHARE = 0.25

# Tokens that are decoded for the comparison with the model itself, at most.
COMPARED_TOKENS = 4

# Settings of a request that are read here.
SETTINGS = {"until", "do_sample", "max_gen_toks", "temperature"}


class Prompt(NamedTuple):
    """A request for greedy text, as lm-eval reads it."""

    tokens: Tokens
    room: int
    until: tuple[str, ...]


class QuickGeneration:
    """Answers an HFLM's requests for greedy text as the model itself does, in less time.

    The first call compares it with the model, and leaves lm-eval's own loop in place where the two differ.

    Args:
        lm: lm-eval's model.
    """

    def __init__(self, lm: HFLM) -> None:
        self.lm, self.checked = lm, False
        self.decoder: GreedyDecoder | None = None  # None before the first call, and where lm-eval's loop is in place
        self.settings = GreedySettings(frozenset(), None)

    @contextmanager
    def active(self) -> Iterator[None]:
        """Inside, the model generates in this way."""
        own, replaced = self.lm.generate_until, "generate_until" in vars(self.lm)
        self.lm.generate_until = partial(self._generate_until, own)
        try:
            yield
        finally:
            if replaced:
                self.lm.generate_until = own
            else:
                del self.lm.generate_until  # uncovers the method of the class

    def _generate_until(
        self, own: Callable[..., list[str]], requests: list[Instance], **options: Any
    ) -> Sequence[str | None]:
        prompts = {index: prompt for index, request in enumerate(requests) if (prompt := self._prompt(request))}
        if not self.checked and min(gather_ints(self.lm, len(prompts))):
            self.checked = True
            self._check(list(prompts.values()))
        if self.decoder is None:
            return own(requests, **options)
        prompts = {index: prompt for index, prompt in prompts.items() if self._can_share(prompt)}
        texts: list[str | None] = [None] * len(requests)
        disable = options.get("disable_tqdm", getattr(own, "keywords", {}).get("disable_tqdm", False))
        with tqdm(
            total=len(requests), disable=disable or self.lm.rank != 0, desc="Running generate_until requests"
        ) as bar:

            def emit(index: int, answer: Sequence[int]) -> None:
                text = self.lm.tok_decode(answer)
                texts[index] = postprocess_generated_text(text, list(prompts[index].until), None)
                self.lm.cache_hook.add_partial("generate_until", requests[index].args, texts[index])
                bar.update(1)

            with torch.no_grad(), autocast(self.lm):
                self._decode(prompts, self.decoder, emit)
            others = [index for index, text in enumerate(texts) if text is None]
            with self._single_rows():
                answers = own([requests[index] for index in others], disable_tqdm=True) if others else []
            for index, text in zip(others, answers, strict=True):
                texts[index] = text
            bar.update(len(others))
        return texts

    @contextmanager
    def _single_rows(self) -> Iterator[None]:
        """In a run of several processes, lm-eval's loop takes single rows.

        A search for a batch size would wait for other processes, which may have no such request.
        """
        size = self.lm.batch_size_per_gpu
        if self.lm.world_size > 1:
            self.lm.batch_size_per_gpu = 1
        try:
            yield
        finally:
            self.lm.batch_size_per_gpu = size

    def _prompt(self, request: Instance) -> Prompt | None:
        """A request as lm-eval reads it; None where it is not greedy or would be cut."""
        context, settings = request.args
        if not SETTINGS.issuperset(settings) or self.lm.truncation or self.lm.think_end_token is not None:
            return None
        settings = normalize_gen_kwargs(settings, self.lm.max_gen_toks)
        if settings.get("do_sample") or settings.get("temperature"):
            return None
        eos = self.lm.tok_decode(self.lm.eot_token_id, skip_special_tokens=False)
        until = handle_stop_sequences(settings.get("until"), eos=eos)
        tokens = tuple(self.lm.tok_batch_encode([context])[0][0].tolist())
        room = settings["max_gen_toks"]
        fits = tokens and room > 0 and len(tokens) + room <= self.lm.max_length
        return Prompt(tokens, room, tuple(until)) if fits else None

    def _can_share(self, prompt: Prompt) -> bool:
        """Whether attention sees all of a prompt and its answer."""
        return self.decoder is not None and limits_of(self.decoder.parts.config, prompt.room).can_share(
            len(prompt.tokens)
        )

    def _decode(
        self, prompts: dict[int, Prompt], decoder: GreedyDecoder, emit: Callable[[int, Sequence[int]], None]
    ) -> None:
        indices: dict[Prompt, list[int]] = defaultdict(list)
        for index, prompt in prompts.items():
            indices[prompt].append(index)
        eos = self.lm.tok_decode(self.lm.eot_token_id, skip_special_tokens=False)
        ends: dict[tuple[str, ...], Ends] = {}
        rows: dict[Tokens, Row] = {}
        of_row: dict[Tokens, list[int]] = {}
        for prompt, same in indices.items():
            if prompt.tokens in rows:  # with other settings: left to lm-eval
                continue
            if prompt.until not in ends:
                ends[prompt.until] = ends_of(self.lm, self.settings, prompt.until, eos)
            rows[prompt.tokens] = Row(prompt.tokens, prompt.room, ends[prompt.until], self.settings.adjust)
            of_row[prompt.tokens] = same

        def publish(row: Row) -> None:
            for index in of_row[row.prompt]:
                emit(index, row.answer)

        decoder(list(rows.values()), publish)

    def _check(self, prompts: Sequence[Prompt]) -> None:
        """Decide, with all processes, whether the model generates in this way, and say so once."""
        reason = agreed_problem(self.lm, lambda: self._problem(prompts))
        if reason:
            self.decoder = None
        if self.lm.rank != 0:
            return
        if reason:
            logger.warning("faithful-se: texts are generated by lm-eval's own loop, which takes longer: %s", reason)
        else:
            logger.info(
                "faithful-se: texts are generated with shared turns computed once; --metadata quick=false leaves it "
                "to lm-eval"
            )

    def _problem(self, prompts: Sequence[Prompt]) -> str:
        """Why the model cannot generate in this way; empty if it can."""
        parts, dtype, problem = parts_problem(self.lm, prompts[0].tokens)
        if parts is None or problem:
            return problem
        settings, problem = settings_of(self.lm)
        if settings is None:
            return problem
        prefill = TokenBudget(default_tokens(self.lm.device))
        decoder = GreedyDecoder(parts, prefill, TokenBudget(prefill.tokens))
        self.decoder, self.settings = decoder, settings
        shared = [prompt for prompt in prompts if self._can_share(prompt)]
        if not shared:
            return "the texts are longer than its attention window"
        samples = _samples([prompt.tokens for prompt in shared])
        steps = min(COMPARED_TOKENS, *(prompt.room for prompt in shared))  # none beyond the context of the model
        logits: dict[Tokens, list[Tensor]] = defaultdict(list)

        def record(ids: Tensor, of_row: Tensor) -> Tensor:
            logits[tuple(ids[0].tolist())].append(of_row[0].clone())
            return of_row

        rows = [Row(sample, steps, lambda answer: False, record) for sample in samples]
        with autocast(self.lm):
            decoder(rows, lambda row: None)
            for row in rows:
                ids = [*row.prompt, *row.answer[:-1]]
                expected = parts.full_logits(ids, last=steps)
                for step, values in enumerate(expected):
                    (ours,) = logits[tuple(ids[: len(row.prompt) + step])]
                    slack = tolerance_of(dtype).logits * float(values.abs().max().nan_to_num())
                    if not torch.allclose(values, ours, rtol=0, atol=slack, equal_nan=True):
                        return "its answers change when its keys and values are reused"
        free = free_memory(self.lm.device)
        if free is not None:
            decoder.kept.tokens = max(decoder.kept.tokens, int(KEPT_SHARE * free / decoder.bytes_per_token))
        return ""


def _samples(prompts: Sequence[Tokens]) -> list[Tokens]:
    """Prompts to compare: the shortest and the longest, as they are and with a token changed.

    The changed prompts continue from the others, as requests for explanations do from each other.
    """
    samples: list[Tokens] = []
    for prompt in sorted(prompts, key=len)[:1] + sorted(prompts, key=len)[-1:]:
        place = len(prompt) * 2 // 3
        samples += [prompt, (*prompt[:place], prompt[0], *prompt[place + 1 :])]
    return list(dict.fromkeys(samples))
