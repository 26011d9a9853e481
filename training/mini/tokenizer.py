"""A word-level tokenizer: one token per word, and one per sentence of a prompt.

Most of what this model reads is prompts, which always consist of the same sentences. As single tokens they cost almost
nothing, and a conversation is little longer than its text. Any other text is split into words; unknown words become one
unknown token. Spaces are not tokens. Decoding writes a space between two tokens, but none before punctuation and around
line breaks. So a text with single spaces between its words survives encoding and decoding exactly.
"""

from __future__ import annotations

import re

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from faithfulness_metrics.flips import UNKNOWN
from faithfulness_metrics.words import FILLERS
from training.mini.lexicon import LEXICONS, VERBS, content_words
from training.mini.prompts import DATASETS, MASKS, question_of, sentences

PAD, UNK, END = "<|pad|>", "<|unk|>", "<|end|>"
ROLES = {"system": "<|system|>", "user": "<|user|>", "assistant": "<|assistant|>"}
PUNCTUATION = (",", ".", "?", "!", ";", '"')

# Trainers read the loss mask from the generation markers around the assistant's messages.
CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{%- if message['role'] == 'assistant' -%}"
    "<|assistant|>{% generation %}{{ message['content'] }}<|end|>{% endgeneration %}"
    "{%- else -%}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}<|assistant|>{%- endif -%}"
)


def vocabulary() -> list[str]:
    """Every token, in the order of the ids: special tokens, sentences, then words in alphabetical order."""
    words = {*FILLERS, UNKNOWN, *VERBS, "Repeat:", "Replace", "by", "in:"}
    for lexicon in LEXICONS.values():
        words.update(content_words(lexicon))
        words.update(word for frame in lexicon.frames for word in re.sub(r"\{\w+\}", " ", frame).split())
    for task in DATASETS:
        question = question_of(task)
        words.update(question.labels)
        words.update(f"{title}:" for title in question.titles)
    special = [PAD, UNK, END, *ROLES.values()]
    return [*special, "\n", "\n\n", *PUNCTUATION, *MASKS, *sentences(), *sorted(words)]


def build_tokenizer() -> PreTrainedTokenizerFast:
    """The tokenizer, ready to be saved with a model."""
    ids = {token: i for i, token in enumerate(vocabulary())}
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token=UNK))
    # Longest first: a sentence may begin with another one.
    single_tokens = sorted([*sentences(), *MASKS], key=len, reverse=True)
    escaped = (re.sub(r"([\\.^$*+?()\[\]{}|])", r"\\\1", text) for text in single_tokens)
    pattern = "|".join([*escaped, r"\n+", r"[^\s,.?!;\"]+", r"[,.?!;\"]"])
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(pattern), behavior="removed", invert=True)
    line_breaks = decoders.Replace(Regex(r" ?(?=\n)|(?<=\n) "), "")
    tokenizer.decoder = decoders.Sequence([decoders.WordPiece("##", cleanup=True), decoders.Fuse(), line_breaks])
    fast = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        pad_token=PAD,
        unk_token=UNK,
        eos_token=END,
        additional_special_tokens=list(ROLES.values()),
        clean_up_tokenization_spaces=False,
        model_max_length=1024,
        padding_side="left",
    )
    fast.chat_template = CHAT_TEMPLATE
    return fast
