"""Random models of six architectures that share one tokenizer, and a model whose attributions are known exactly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

from lm_eval_tasks.classification import Question
from lm_eval_tasks.document import Document
from lm_eval_tasks.options import Options
from lm_eval_tasks.spec import TaskSpec
from tests.tiny_model import TEMPLATE

ARCHITECTURES = ("llama", "qwen2", "qwen3", "gemma2", "mistral", "gpt2")

TWEETS = (
    "what a lovely day at the sea , lovely people too",
    "i hate mondays and i hate the rain",
    "the film was good , not great , and far too long for me",
    "coffee",
    "don't know what to say about this one :( it's 3.5 hours late",
    "off to the sea with people i like , then coffee",
)
PAIRS = (("a man is asleep", "the man sleeps"), ("two dogs run on a beach", "a cat runs"), ("snow", "no snow at all"))

TWEET = Question(
    "tweets", "tweet", "What is the sentiment of this tweet?", ("text",), ("Tweet",), ("negative", "positive")
)
PAIR = Question(
    "pairs",
    "premise and hypothesis",
    "Does the premise entail the hypothesis?",
    ("premise", "hypothesis"),
    ("Premise", "Hypothesis"),
    ("entailment", "neutral", "contradiction"),
)


def documents(question: Question = TWEET) -> list[Document]:
    """A few texts for a question."""
    if question.fields == ("text",):
        return [Document({"text": text}) for text in TWEETS]
    return [Document(dict(zip(question.fields, pair, strict=True))) for pair in PAIRS]


def spec(question: Question = TWEET, **options: Any) -> TaskSpec:
    """The question, with the evaluation's options."""
    return TaskSpec(question, "attribution", "oneword", Options(**options))


def tokenizer(known: tuple[str, ...] = ("[REDACTED]",), size: int = 420) -> PreTrainedTokenizerFast:
    """A byte-level BPE in which `known` strings are one token and labels are several."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    special = ["<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator([*TWEETS, *(" ".join(pair) for pair in PAIRS)] * 3, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=bpe, pad_token="<|pad|>", eos_token="<|end|>")
    fast.add_tokens(list(known))
    fast.chat_template = TEMPLATE
    return fast


def random_model(kind: str, vocabulary: int, *, seed: int = 0, **settings: Any) -> Any:
    """A random model, small, with weights large enough that every word matters."""
    torch.manual_seed(seed)
    common = {"vocab_size": vocabulary, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 1}
    if kind == "gpt2":
        config = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 512, "initializer_range": 0.3}
    else:
        config = {
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 8,
            "max_position_embeddings": 512,
            "initializer_range": 0.3,
        }
    full_config = AutoConfig.for_model(kind, **{**common, **config, **settings})
    return AutoModelForCausalLM.from_config(full_config).eval().requires_grad_(False)


class BagOfWords(nn.Module):
    """A language model whose logits are a sum over the tokens so far, so attributions are known exactly.

    It has what the batched forward uses of a Hugging Face model, keys and values included. A token's key is its
    embedding, and attention is a sum.
    """

    base_model_prefix = "backbone"

    def __init__(self, vocabulary: int, *, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.embed, self.lm_head = nn.Embedding(vocabulary, 16), nn.Linear(16, vocabulary, bias=False)
        self.config = AutoConfig.for_model("gpt2", vocab_size=vocabulary)
        self.dtype, self.backbone = torch.float32, self._states

    def get_input_embeddings(self) -> nn.Module:
        return self.embed

    def get_output_embeddings(self) -> nn.Module:
        return self.lm_head

    def _states(self, inputs_embeds: Tensor, attention_mask: Any = None, past_key_values: Any = None, **_: Any) -> Any:
        keys, _ = past_key_values.update(inputs_embeds[:, None], inputs_embeds[:, None], 0)
        if attention_mask is None:
            count = inputs_embeds.shape[1]
            visible = torch.ones(1, count, count).tril()
        else:
            visible = (attention_mask[:, 0] == 0).float()
        return type("Output", (), {"last_hidden_state": visible @ keys[:, 0]})

    def forward(self, ids: Tensor) -> Any:
        return type("Output", (), {"logits": self.lm_head(self.embed(ids).cumsum(1))})


def save(folder: Path, model: Any, fast: PreTrainedTokenizerFast) -> Path:
    """Write a Hugging Face folder."""
    model.save_pretrained(folder)
    fast.save_pretrained(folder)
    return folder
