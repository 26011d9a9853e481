"""A chat model with random weights and a real tokenizer, small enough to run the real command line on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

TEMPLATE = (
    "{% for m in messages %}<|{{ m['role'] }}|>\n{{ m['content'] }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)

_QWEN_TURNS = (
    "{% for m in messages %}<|{{ m['role'] }}|>\n"
    "{% if m['role'] == 'assistant' and loop.last %}<think>\n\n</think>\n\n{% endif %}"
    "{{ m['content'] }}<|end|>\n{% endfor %}{% if add_generation_prompt %}<|assistant|>\n"
)
_EMPTY_THOUGHT = "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n"

# As Qwen3's template: it thinks unless it is told otherwise, and writes an empty thought into the last answer.
QWEN3_TEMPLATE = _QWEN_TURNS + _EMPTY_THOUGHT + "{% endif %}{% endif %}"
# As Qwen3.5's: it opens the thought itself.
QWEN35_TEMPLATE = _QWEN_TURNS + _EMPTY_THOUGHT + "{% else %}<think>\n{% endif %}{% endif %}"
# As that of DeepSeek-R1: it cannot be told otherwise.
R1_TEMPLATE = TEMPLATE.replace("<|assistant|>\n", "<|assistant|><think>\n")


def chat_tokenizer(texts: list[str], vocab_size: int = 1000) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer of `texts`, with a chat template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=["<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(texts, trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bpe, pad_token="<|pad|>", eos_token="<|end|>")
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def write_tiny_chat_model(
    folder: Path, texts: list[str], *, hidden: int = 32, layers: int = 2, context: int = 1024
) -> Path:
    """Save a random Llama with a byte-level BPE tokenizer of `texts` as a Hugging Face folder."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    tokenizer = chat_tokenizer(texts)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=hidden,
            intermediate_size=2 * hidden,
            num_hidden_layers=layers,
            num_attention_heads=4,
            num_key_value_heads=4,
            max_position_embeddings=context,
            pad_token_id=0,
            eos_token_id=1,
            bos_token_id=None,
        )
    )
    model.generation_config.eos_token_id, model.generation_config.pad_token_id = 1, 0
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
