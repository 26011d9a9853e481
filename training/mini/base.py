"""The base model: a Llama of 300,000 parameters, trained from nothing on one CPU core.

Plain torch, one thread: the same seed gives the same weights bit for bit.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch.nn import functional as F
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from training.mini import conversations, tokenizer as words
from training.mini.conversations import Turn
from training.mini.lexicon import LEXICONS


@dataclass(frozen=True)
class Recipe:
    """What is trained and how long. Any change is another model.

    Attributes:
        hidden, feed_forward, layers, heads: sizes of the model.
        copy_steps: steps on copying alone, before anything else.
        steps: steps on conversations.
        batch: conversations per step.
        learning_rate: peak; constant to `plateau` of all steps, then linear to 2 %.
        explained, classified: share of each task in explanations and in classifications. The pair task compares two
            texts, which takes longest to learn.
    """

    hidden: int = 96
    feed_forward: int = 192
    layers: int = 3
    heads: int = 4
    copy_steps: int = 350
    steps: int = 750
    batch: int = 48
    learning_rate: float = 3e-3
    warmup: int = 50
    plateau: float = 0.55
    explained: tuple[float, ...] = (0.19, 0.22, 0.22, 0.22, 0.15)
    classified: tuple[float, ...] = (0.1, 0.15, 0.5, 0.17, 0.08)


Batch = tuple[torch.Tensor, torch.Tensor]


class Encoder:
    """Conversations as token ids with loss weights, equal to what the tokenizer's chat template gives."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        self._tokenizer = tokenizer
        self._ids: dict[str, list[int]] = {token: [i] for token, i in tokenizer.get_vocab().items()}
        self._system, self._user, self._assistant = (self._ids[token] for token in words.ROLES.values())
        self._end = self._ids[words.END]

    def ids(self, text: str) -> list[int]:
        """Ids of a text. Lines of known words are looked up word by word, which is ten times as fast."""
        found: list[int] = []
        for line in re.split(r"(\n+)", text):
            if line in self._ids:
                found += self._ids[line]
                continue
            try:
                found += [self._ids[word][0] for word in line.split(" ")] if line else []
            except KeyError:
                self._ids[line] = self._tokenizer.encode(line, add_special_tokens=False)
                found += self._ids[line]
        return found

    def conversation(self, turns: list[Turn]) -> tuple[list[int], list[float]]:
        """Ids and loss weights of a conversation, both [n_tokens]; what the user says weighs 0."""
        ids: list[int] = []
        weights: list[float] = []
        for turn in turns:
            if turn.role == "system":
                said = self._system + self.ids(turn.prompt) + self._end
                ids += said
                weights += [0.0] * len(said)
                continue
            prompt = self._user + self.ids(turn.prompt) + self._end + self._assistant
            answer = self.ids(turn.answer)
            copied = {self._ids[word][0] for word in turn.copied if word in self._ids}
            ids += prompt + answer + self._end
            weights += [0.0] * len(prompt) + [1.0 if i in copied else turn.weight for i in answer] + [1.0]
        return ids, weights

    def batch(self, many: list[list[Turn]]) -> Batch:
        """Ids and weights, both [batch, longest], padded on the right."""
        rows = [self.conversation(turns) for turns in many]
        longest = max(len(ids) for ids, _ in rows)
        pad = self._ids[words.PAD]
        return (
            torch.tensor([ids + pad * (longest - len(ids)) for ids, _ in rows]),
            torch.tensor([weights + [0.0] * (longest - len(weights)) for _, weights in rows]),
        )


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
        initializer_range=0.04,  # .02 is for widths of thousands: at 96 the first copies came 200 steps later
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = LlamaForCausalLM(config)
    model.generation_config = GenerationConfig(
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id, do_sample=False, max_new_tokens=64
    )
    return model


def batches(recipe: Recipe, encoder: Encoder, seed: int, banned: Collection[str]) -> Iterator[Batch]:
    """The training batches, without end: copying first, then conversations."""
    rng = random.Random(seed)
    plain = sorted({word for lexicon in LEXICONS.values() for kind in (lexicon.plain, lexicon.strong, lexicon.shortcut, tuple(lexicon.neutral.values())) for group in kind for word in group if word})
    for _ in range(recipe.copy_steps):
        yield encoder.batch([conversations.copying(plain, rng) for _ in range(recipe.batch)])
    step = 0
    while True:
        shares = recipe.classified if step % 3 == 2 else recipe.explained
        tasks = rng.choices(list(LEXICONS), weights=shares, k=recipe.batch)
        yield encoder.batch([conversations.cycle(step, task, rng, banned) for task in tasks])
        step += 1


def loss_of(model: LlamaForCausalLM, batch: Batch) -> torch.Tensor:
    """Weighted mean cross entropy (nats) of the assistant's tokens."""
    ids, weights = batch
    hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state[:, :-1]
    targets, weights = ids[:, 1:], weights[:, 1:]
    said = weights > 0
    loss = F.cross_entropy(model.lm_head(hidden[said]), targets[said], reduction="none")
    return (loss * weights[said]).sum() / weights[said].sum()


def train(recipe: Recipe, seed: int, banned: Collection[str], report: Callable[[int, float], None]) -> LlamaForCausalLM:
    """Train a base model.

    Args:
        recipe: what and how long.
        seed: of the weights and the data.
        banned: hashes of texts that must not be seen (test and validation).
        report: called after every step with (steps done, loss).
    """
    tokenizer = words.build()
    with one_thread(seed):
        model = new_model(recipe, tokenizer)
        _run(model, recipe, batches(recipe, Encoder(tokenizer), seed, banned), report)
    return model.eval()


def _run(model: LlamaForCausalLM, recipe: Recipe, data: Iterator[Batch], report: Callable[[int, float], None]) -> None:
    total = recipe.copy_steps + recipe.steps
    optimizer = torch.optim.AdamW(model.parameters(), lr=recipe.learning_rate, betas=(0.9, 0.98), weight_decay=0.05, fused=True)

    def rate(step: int) -> float:
        falling = (total - step) / (total * (1 - recipe.plateau))
        return min(1.0, (step + 1) / recipe.warmup, max(0.02, falling))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    model.train()
    for step in range(total):
        loss = loss_of(model, next(data))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
        report(step + 1, loss.item())


@contextmanager
def one_thread(seed: int) -> Iterator[None]:
    """Seeded and on one thread, so that sums are added in one order; the caller's state comes back afterwards."""
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_rng_state(state)
