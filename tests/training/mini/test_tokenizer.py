"""Texts survive the tokenizer, prompts are short, and an unknown word becomes one token."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from faithfulness_metrics.flips import UNKNOWN
from lm_eval_tasks.styles import STYLES
from training.mini.conversations import copying, cycle, document_text
from training.mini.encoding import ConversationEncoder
from training.mini.grammar import draw
from training.mini.lexicon import LEXICONS, content_words
from training.mini.prompts import MASKS, question_of, requests_of
from training.mini.tokenizer import END, PAD, PUNCTUATION, UNK, build_tokenizer, vocabulary

TOKENIZER = build_tokenizer()
# Control characters that Python's isspace() counts as white space, and the tokenizer does not.
SEPARATORS = "\x1c\x1d\x1e\x1f"
WORDS = sorted({word for lexicon in LEXICONS.values() for word in content_words(lexicon)} | set(MASKS))


def round_trip(text: str) -> str:
    return str(TOKENIZER.decode(TOKENIZER.encode(text, add_special_tokens=False), skip_special_tokens=True))


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=20), st.sampled_from([" ", ", "]))
def test_words_come_back(words: list[str], between: str) -> None:
    assert round_trip(between.join(words)) == between.join(words)


@given(st.integers(0, 2**32), st.sampled_from(list(LEXICONS)))
def test_documents_come_back(seed: int, task: str) -> None:
    question, fields = question_of(task), draw(task, random.Random(seed)).fields
    for text in (question.show(fields), document_text(question, fields)):
        assert round_trip(text) == text


def is_dropped(character: str) -> bool:
    """Blanks are no tokens; line breaks are."""
    return character.isspace() and character != "\n" and character not in SEPARATORS


@given(st.text())
def test_any_text_is_encoded(text: str) -> None:
    ids = TOKENIZER.encode(text, add_special_tokens=False)
    assert all(0 <= token < len(TOKENIZER) for token in ids)
    assert bool(ids) == any(not is_dropped(character) for character in text)


def test_only_blanks_are_dropped() -> None:
    # Unicode has no blanks beyond its first plane.
    characters = [chr(code) for code in range(0x10000) if not 0xD800 <= code < 0xE000]
    for ids, character in zip(TOKENIZER(characters, add_special_tokens=False)["input_ids"], characters, strict=True):
        assert bool(ids) != is_dropped(character), hex(ord(character))


@pytest.mark.parametrize("task", list(LEXICONS))
def test_prompts_come_back_and_are_short(task: str) -> None:
    question, fields = question_of(task), draw(task, random.Random(1)).fields
    words = sum(len(text.split()) for text in fields.values())
    for mask in (None, *MASKS):
        for unknown in (False, True):
            prompt = question.classify(fields, mask, unknown)
            assert round_trip(prompt) == prompt
            assert len(TOKENIZER.encode(prompt)) <= words + 8
    for style, request in requests_of(question):
        prompt = STYLES[style].ask(request)
        assert round_trip(prompt) == prompt
        assert len(TOKENIZER.encode(prompt)) <= 4


def test_labels_and_masks_are_one_token() -> None:
    for word in [*MASKS, UNKNOWN, *(label for task in LEXICONS for label in question_of(task).labels)]:
        (token,) = TOKENIZER.encode(word, add_special_tokens=False)
        assert token != TOKENIZER.unk_token_id
        assert token not in TOKENIZER.all_special_ids


def test_unknown_words_become_one_token_each() -> None:
    tokens = TOKENIZER.convert_ids_to_tokens(TOKENIZER.encode("the Zyzzyva bus!", add_special_tokens=False))
    assert tokens == ["the", UNK, "bus", "!"]


def test_vocabulary() -> None:
    words = vocabulary()
    assert len(set(words)) == len(words) == len(TOKENIZER)
    assert words[:3] == [PAD, UNK, END]
    assert set(PUNCTUATION) < set(words)


def test_the_template_marks_what_the_assistant_says() -> None:
    messages = [
        {"role": "system", "content": "the"},
        {"role": "user", "content": "cold bus"},
        {"role": "assistant", "content": "negative"},
    ]
    encoded = TOKENIZER.apply_chat_template(messages, return_dict=True, return_assistant_tokens_mask=True)
    tokens = TOKENIZER.convert_ids_to_tokens(encoded["input_ids"])
    assert " ".join(tokens) == "<|system|> the <|end|> <|user|> cold bus <|end|> <|assistant|> negative <|end|>"
    assert encoded["assistant_masks"] == [0] * 8 + [1, 1]


def test_the_training_encoder_equals_the_chat_template() -> None:
    encoder, rng = ConversationEncoder(TOKENIZER), random.Random(0)
    conversations = [cycle(step, task, rng, ()) for step in range(90) for task in LEXICONS]
    conversations += [copying(WORDS, rng) for _ in range(30)]
    for turns in conversations:
        messages = []
        for turn in turns:
            messages.append({"role": turn.role, "content": turn.prompt})
            if turn.role == "user":
                messages.append({"role": "assistant", "content": turn.answer})
        encoded = TOKENIZER.apply_chat_template(messages, return_dict=True, return_assistant_tokens_mask=True)
        ids, weights = encoder.conversation(turns)
        assert ids == encoded["input_ids"]
        assert [int(weight > 0) for weight in weights] == encoded["assistant_masks"]


def test_saved_and_loaded(tmp_path: Path) -> None:
    TOKENIZER.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    text = "Premise: a man sits\nHypothesis: the man [REDACTED], maybe"
    assert loaded.encode(text) == TOKENIZER.encode(text)
    assert loaded.decode(loaded.encode(text)) == text
    assert loaded.chat_template == TOKENIZER.chat_template
    assert loaded.pad_token_id != loaded.eos_token_id
