"""The base model: a Llama of 326,000 parameters, trained from scratch on one CPU core.

The training is plain torch on one thread, so the same seed gives the same weights, bit for bit.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from transformers.utils import logging as transformers_logging

from training.mini import conversations
from training.mini.encoding import Batch, ConversationEncoder
from training.mini.lexicon import LEXICONS, content_words
from training.mini.tokenizer import build_tokenizer


@dataclass(frozen=True)
class Recipe:
    """The model's sizes and its training. Any change makes another model."""

    hidden: int = 96
    feed_forward: int = 192
    layers: int = 3
    heads: int = 4
    copy_steps: int = 450  # on copying alone, which come first
    steps: int = 2500  # on conversations
    extra_steps: int = 600  # if the model fails the quality gate
    batch: int = 32  # conversations per step
    learning_rate: float = 3e-3  # peak
    warmup: int = 50  # steps from 0 to the peak
    plateau: float = 0.55  # share of all steps after which the rate falls, linearly to 2 % of the peak
    # Share of each task. The pair task compares two texts, which takes longest to learn.
    explanation_shares: tuple[float, ...] = (0.17, 0.21, 0.28, 0.21, 0.13)
    classification_shares: tuple[float, ...] = (0.1, 0.13, 0.5, 0.18, 0.09)


# Learns nothing, but saves and loads like the others. For tests.
TINY = Recipe(hidden=32, feed_forward=32, layers=1, heads=2, copy_steps=2, steps=4, extra_steps=2, batch=4)


def new_model(recipe: Recipe, tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """An untrained model; its weights come from torch's random state."""
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=recipe.hidden,
        intermediate_size=recipe.feed_forward,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        num_key_value_heads=recipe.heads,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        initializer_range=0.04,  # transformers' default of .02 is meant for widths of thousands
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = LlamaForCausalLM(config)
    model.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id, do_sample=False, max_new_tokens=64
    )
    return model


def batches(recipe: Recipe, encoder: ConversationEncoder, seed: int, held_out: Collection[str]) -> Iterator[Batch]:
    """The endless training batches: copying first, then conversations."""
    rng = random.Random(seed)
    words = sorted({word for lexicon in LEXICONS.values() for word in content_words(lexicon)})
    for _ in range(recipe.copy_steps):
        yield encoder.batch([conversations.copying(words, rng) for _ in range(recipe.batch)])
    step = 0
    while True:
        shares = recipe.classification_shares if step % 3 == 2 else recipe.explanation_shares
        tasks = rng.choices(list(LEXICONS), weights=shares, k=recipe.batch)
        yield encoder.batch([conversations.cycle(step, task, rng, held_out) for task in tasks])
        step += 1


def weighted_loss(model: LlamaForCausalLM, batch: Batch) -> torch.Tensor:
    """Weighted mean cross entropy (nats) of the assistant's tokens."""
    ids, weights = batch
    hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state[:, :-1]
    targets, weights = ids[:, 1:], weights[:, 1:]
    supervised = weights > 0
    loss = cross_entropy(model.lm_head(hidden[supervised]), targets[supervised], reduction="none")
    return (loss * weights[supervised]).sum() / weights[supervised].sum()


class BaseTraining:
    """The training of one base model on everything but the `held_out` texts (test and validation)."""

    def __init__(self, recipe: Recipe, seed: int, held_out: Collection[str]) -> None:
        self.tokenizer = build_tokenizer()
        with one_thread(seed):
            self.model = new_model(recipe, self.tokenizer)
        self._recipe = recipe
        self._data = batches(recipe, ConversationEncoder(self.tokenizer), seed, held_out)
        self._optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=recipe.learning_rate, betas=(0.9, 0.98), weight_decay=0.05, fused=True
        )

    def train(self, report: Callable[[int, float], None]) -> None:
        """Train for the recipe's steps; call `report` after every step with (steps done, loss)."""
        self._train(self._recipe.copy_steps + self._recipe.steps, 1.0, report)

    def train_further(self, report: Callable[[int, float], None]) -> None:
        """Train for `recipe.extra_steps` more, from a third of the peak rate, again down to 2 %."""
        self._train(self._recipe.extra_steps, 0.33, report)

    def _train(self, total: int, peak: float, report: Callable[[int, float], None]) -> None:
        recipe = self._recipe
        self.model.train()
        with one_thread():
            for step in range(total):
                decay = (total - step) / (total * (1 - recipe.plateau))
                share = min(1.0, (step + 1) / recipe.warmup, max(0.02, decay))
                for group in self._optimizer.param_groups:
                    group["lr"] = recipe.learning_rate * peak * share
                loss = weighted_loss(self.model, next(self._data))
                loss.backward()  # type: ignore[no-untyped-call]
                torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
                self._optimizer.step()
                self._optimizer.zero_grad()
                report(step + 1, loss.item())
        self.model.eval()  # type: ignore[no-untyped-call]

    def save(self, folder: Path) -> None:
        """Write a Hugging Face folder that `AutoModelForCausalLM` and `AutoTokenizer` load."""
        with no_progress_bars():
            self.model.save_pretrained(folder)
            self.tokenizer.save_pretrained(folder)


@contextmanager
def no_progress_bars() -> Iterator[None]:
    """Hide transformers' bars of loading and saving, which would interrupt ours."""
    enabled = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if enabled:
            transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]


@contextmanager
def one_thread(seed: int | None = None) -> Iterator[None]:
    """Use one thread, which fixes the order of sums, and seed torch; restore the caller's state afterwards."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            if seed is not None:
                torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(threads)
