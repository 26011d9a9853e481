"""The base model: a Llama of 300,000 parameters, trained from nothing on one CPU core.

Plain torch, one thread: the same seed gives the same weights bit for bit.
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
from training.mini import tokenizer as words
from training.mini.encoder import Batch, Encoder
from training.mini.lexicon import LEXICONS, content_words


@dataclass(frozen=True)
class Recipe:
    """What is trained and how long. Any change is another model.

    Attributes:
        hidden, feed_forward, layers, heads: sizes of the model.
        copy_steps: steps on copying alone, before anything else.
        steps: steps on conversations.
        more: further steps where the finished model fails its examination.
        batch: conversations per step.
        learning_rate: peak; constant to `plateau` of all steps, then linear to 2 %.
        explained, classified: share of each task in explanations and in classifications. The pair task compares two
            texts, which takes longest to learn.
    """

    hidden: int = 96
    feed_forward: int = 192
    layers: int = 3
    heads: int = 4
    copy_steps: int = 450
    steps: int = 2500
    more: int = 600
    batch: int = 32
    learning_rate: float = 3e-3
    warmup: int = 50
    plateau: float = 0.55
    explained: tuple[float, ...] = (0.17, 0.21, 0.28, 0.21, 0.13)
    classified: tuple[float, ...] = (0.1, 0.13, 0.5, 0.18, 0.09)


# Learns nothing, saves and loads like the others: for tests of what surrounds a model.
TINY = Recipe(hidden=32, feed_forward=32, layers=1, heads=2, copy_steps=2, steps=4, more=2, batch=4)


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
        initializer_range=0.04,  # the usual .02 is meant for widths of thousands
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = LlamaForCausalLM(config)
    model.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id, do_sample=False, max_new_tokens=64
    )
    return model


def batches(recipe: Recipe, encoder: Encoder, seed: int, held_out: Collection[str]) -> Iterator[Batch]:
    """The training batches, without end: copying first, then conversations."""
    rng = random.Random(seed)
    line = sorted({word for lexicon in LEXICONS.values() for word in content_words(lexicon)})
    for _ in range(recipe.copy_steps):
        yield encoder.batch([conversations.copying(line, rng) for _ in range(recipe.batch)])
    step = 0
    while True:
        shares = recipe.classified if step % 3 == 2 else recipe.explained
        tasks = rng.choices(list(LEXICONS), weights=shares, k=recipe.batch)
        yield encoder.batch([conversations.cycle(step, task, rng, held_out) for task in tasks])
        step += 1


def loss_of(model: LlamaForCausalLM, batch: Batch) -> torch.Tensor:
    """Weighted mean cross entropy (nats) of the assistant's tokens."""
    ids, weights = batch
    hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state[:, :-1]
    targets, weights = ids[:, 1:], weights[:, 1:]
    said = weights > 0
    loss = cross_entropy(model.lm_head(hidden[said]), targets[said], reduction="none")
    return (loss * weights[said]).sum() / weights[said].sum()


class Training:
    """The training of one base model, which can be continued.

    Args:
        recipe: what and how long.
        seed: of the weights and the data.
        held_out: texts that must not be seen (test and validation).
    """

    def __init__(self, recipe: Recipe, seed: int, held_out: Collection[str]) -> None:
        self.tokenizer = words.build()
        with one_thread(seed):
            self.model = new_model(recipe, self.tokenizer)
        self._recipe = recipe
        self._data = batches(recipe, Encoder(self.tokenizer), seed, held_out)
        self._optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=recipe.learning_rate, betas=(0.9, 0.98), weight_decay=0.05, fused=True
        )

    def run(self, report: Callable[[int, float], None]) -> None:
        """The whole schedule. `report` is called after every step with (steps done, loss)."""
        self._run(self._recipe.copy_steps + self._recipe.steps, 1.0, report)

    def more(self, report: Callable[[int, float], None]) -> None:
        """Another `recipe.more` steps on conversations, at a third of the peak rate, again down to 2 %."""
        self._run(self._recipe.more, 0.33, report)

    def _run(self, total: int, peak: float, report: Callable[[int, float], None]) -> None:
        recipe = self._recipe
        self.model.train()
        with one_thread():
            for step in range(total):
                falling = (total - step) / (total * (1 - recipe.plateau))
                share = min(1.0, (step + 1) / recipe.warmup, max(0.02, falling))
                for group in self._optimizer.param_groups:
                    group["lr"] = recipe.learning_rate * peak * share
                loss = loss_of(self.model, next(self._data))
                loss.backward()  # type: ignore[no-untyped-call]
                torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
                self._optimizer.step()
                self._optimizer.zero_grad()
                report(step + 1, loss.item())
        self.model.eval()  # type: ignore[no-untyped-call]

    def save(self, folder: Path) -> None:
        """Write a Hugging Face folder that `AutoModelForCausalLM` and `AutoTokenizer` load."""
        with quiet():
            self.model.save_pretrained(folder)
            self.tokenizer.save_pretrained(folder)


@contextmanager
def quiet() -> Iterator[None]:
    """Without the progress bars of loading and saving, which would stand between ours."""
    shown = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if shown:
            transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]


@contextmanager
def one_thread(seed: int | None = None) -> Iterator[None]:
    """On one thread, so that sums are added in one order, and seeded; the caller's state comes back afterwards."""
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    torch.set_num_threads(1)
    if seed is not None:
        torch.manual_seed(seed)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_rng_state(state)
