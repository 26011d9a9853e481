"""The room for a rewriting: it follows the text, holds every true answer, and is one of few sizes."""

from __future__ import annotations

from collections import Counter

import pytest

from faithfulness_metrics.words import mask_out, words_of
from lm_eval_tasks.calls import Answer
from lm_eval_tasks.classification import Question
from lm_eval_tasks.data import dataset_spec, load
from lm_eval_tasks.document import Document
from lm_eval_tasks.lm_eval_backend import Backend
from lm_eval_tasks.options import Options
from lm_eval_tasks.spec import TaskSpec
from tests.lm_eval_tasks.evaluations import TASK
from tests.lm_eval_tasks.recording_lm import RecordingLM

MINI = ("agnews", "sentiment140", "sms_spam", "snli", "trec")
QUESTION = Question("t", "text", "Which?", ("text",), ("Text",), ("a", "b"))
PREAMBLE = "Sure! Here is the redacted text:\n\n"
TEXTS = [
    "I love it",
    "word",
    "no " * 50,
    "Eine ziemlich lange Überschrift über Öl, Äpfel und Übermut.",
    "🙂🙂 what 🙂 a 🙂 day 🙂🙂🙂",
    "это очень хороший день",
    "price 12.99 code 0x7f3a http://t.co/abcdefg @someone #hashtag",
    "one two three four five six seven eight nine ten " * 30,
    "!!! ... ???",
]


class Words:
    """A tokenizer with a token for every four letters of a word."""

    def decode(self, tokens):
        raise AssertionError("not asked for")

    def encode(self, text):
        return [word[start : start + 4] for word in text.split() for start in range(0, len(word), 4)]


class Bytes(Words):
    def encode(self, text):
        return list(text.encode())


class ModelWith:
    def __init__(self, tokenizer, max_length=1 << 20):
        self.tokenizer, self.max_length = tokenizer, max_length

    def tok_encode(self, text):
        return self.tokenizer.encode(text)


def call_for(fields, style="redaction", budget="oneword", question=QUESTION, **options):
    spec = TaskSpec(question, style, budget, Options(**options))
    return spec.explain(Document(fields), Answer("a", "a"), "b")


def room_of(lm, call, prompt="prompt"):
    return Backend(lm, str)._room(call, prompt)


def masked(fields, every):
    """The longest true redaction: the most frequent word masked, or every second word."""
    words = words_of(fields)
    if every:
        positions = list(range(0, len(words), 2))
    else:
        top = Counter(word.key for word in words).most_common(1)
        positions = [position for position, word in enumerate(words) if word.key == top[0][0]] if top else []
    return mask_out(fields, words, positions, "[REDACTED]")


def documents():
    yield from ((QUESTION, {"text": text}) for text in TEXTS)
    for name in MINI:
        spec = dataset_spec(name)
        for row in load(spec, "mini").select(range(100)):
            yield spec.question, spec.document(row).fields


def test_no_true_answer_is_cut_by_a_tokenizer_of_words_or_bytes():
    rooms = set()
    for question, fields in documents():
        for budget in ("oneword", "multiword"):
            answer = PREAMBLE + question.as_answer(masked(fields, budget == "multiword"))
            for tokenizer in (Words(), Bytes()):
                room = room_of(ModelWith(tokenizer), call_for(fields, budget=budget, question=question))
                assert len(tokenizer.encode(answer)) < room
                rooms.add(room)
    assert rooms <= {32, 64, 128, 256, 512, 1024, 2048, 4096}


def test_no_true_answer_is_cut_by_a_real_tokenizer(tiny):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny)
    for question, fields in documents():
        answer = PREAMBLE + question.as_answer(masked(fields, every=True))
        room = room_of(ModelWith(tokenizer), call_for(fields, budget="multiword", question=question))
        assert len(tokenizer.encode(answer)) < room


def test_where_there_is_no_tokenizer_a_token_is_a_byte():
    class ChatApi:
        tokenizer = None

        def tok_encode(self, text):
            raise AssertionError("an API without a tokenizer was asked for tokens")

    call = call_for({"text": TEXTS[3]})
    assert room_of(ChatApi(), call) == room_of(object(), call) == room_of(ModelWith(Bytes()), call) == 256


@pytest.mark.parametrize(
    ("style", "budget", "text", "room"),
    [
        ("attribution", "oneword", "a b c", 32),
        ("attribution", "multiword", "word " * 999, 128),
        ("redaction", "oneword", "I love it", 64),
        ("counterfactual", "oneword", "I love it", 64),
        ("redaction", "oneword", "a b c d e f g h i j " * 5, 256),  # five times the same word: five masks
        ("redaction", "multiword", "word " * 200, 1024),
    ],
)
def test_by_hand(style, budget, text, room):
    """One token a word; a mask has three."""
    assert room_of(ModelWith(Words()), call_for({"text": text}, style, budget)) == room


def test_in_a_short_context_the_rest_of_it_will_do_if_it_holds_the_text():
    call = call_for({"text": "word " * 200}, budget="multiword")
    prompt = "word " * 500
    assert [room_of(ModelWith(Words(), length), call, prompt) for length in (2000, 1400, 1000)] == [1024, 896, 448]
    least = room_of(ModelWith(Words(), 600), call, prompt)
    assert Backend(ModelWith(Words(), 600), str)._length_problem(prompt, least) != ""  # and the document is counted


def test_what_the_user_asks_for_wins(evaluate, data):
    tasks = TASK.replace("attribution", "redaction")
    for gen_kwargs, expected in (
        ({}, {256}),
        ({"max_new_tokens": 30}, {30}),
    ):
        lm = RecordingLM()
        evaluate(lm, data, tasks, 1, {"gen_kwargs": gen_kwargs})
        assert {settings["max_gen_toks"] for _, settings in lm.explanations} == expected
