"""The backend: it answers the calls of the protocol with an lm-eval model of any kind."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any, cast

from lm_eval.utils import RemoteTokenizer

from faithful_se.errors import UsageError
from lm_eval_tasks.calls import Answer, Call, Classify, Generate, Messages, as_chat, ranked_answer
from lm_eval_tasks.classification import parse_label
from lm_eval_tasks.data_parallel import RequestType, call_model, gather_ints, make_request, unwrap_cache
from lm_eval_tasks.server_problems import NoAnswer
from lm_eval_tasks.server_replies import server_failures
from lm_eval_tasks.thinking_models import ThinkingModel, whole_answers
from lm_eval_tasks.thoughts import CUT

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance
    from lm_eval.api.model import LM, CachingLM
    from lm_eval.models.api_models import JsonChatStr

    from lm_eval_tasks.forward_pass.quick_generation import QuickGeneration
    from lm_eval_tasks.forward_pass.quick_ranking import QuickRanking

# Classifications stay greedy and short whatever --gen_kwargs says: they decide what counts as a changed answer.
CLASSIFY_TOKENS = 16
# Of these, tokens around a label: quotes, "The category is". A label that leaves fewer gets more room.
AROUND_LABEL = 4
# Bytes of a token, where the tokenizer is not at hand. Fewer would only cost room.
BYTES_PER_TOKEN = 3

# Other names that lm-eval accepts for max_gen_toks, by priority.
TOKEN_LIMITS = ("max_new_tokens", "max_tokens", "max_completion_tokens")

# Settings of an explanation that are not those of a classification.
LIMITS = ("max_gen_toks", "until")

# Without a chat template these words separate the turns, and an answer ends with its line or paragraph.
PLAIN_TURNS = {"system": "{}\n\n", "user": "{}\nAnswer:", "assistant": " {}\n\n"}
PLAIN_UNTIL = {"classify": ["\n"], "generate": ["\n\n"]}

# Some servers, `transformers serve` among them, fail on an empty list of stop texts. No answer holds this one.
API_UNTIL = ["<|endoftext|>"]

# lm-eval's class of local Hugging Face models, by module and name: to look at it must not import torch.
HF_MODEL = ("lm_eval.models.huggingface", "HFLM")

Render = Callable[..., Any]


def is_repeatable(call: Call) -> bool:
    """Whether the same call has the same answer. Sampled explanations do not."""
    return isinstance(call, Classify) or not _is_sampled(json.loads(call.settings))


def _is_sampled(settings: Mapping[str, Any]) -> bool:
    # A temperature is enough: APIs do not have do_sample, and the tasks' YAML sets it to false.
    return bool(settings.get("do_sample")) or float(settings.get("temperature") or 0) > 0


def _stop_texts(settings: Mapping[str, Any]) -> list[str]:
    until = settings.get("until") or []
    return [until] if isinstance(until, str) else list(until)


class Backend:
    """Answers calls with an lm-eval model.

    Args:
        lm: the model, or the caching wrapper around it.
        render: `lm.apply_chat_template` where the run applies one; None renders turns as plain text.
        quick: answer with `QuickRanking` and `QuickGeneration` where the model is a local one of lm-eval's class.
    """

    def __init__(self, lm: LM | CachingLM, render: Render | None, *, quick: bool = True) -> None:
        self.lm, self.render, self.quick, self.thinking = lm, render, quick, ThinkingModel(unwrap_cache(lm))
        self._label_rooms: dict[tuple[str, ...], int] = {}  # labels -> tokens of an answer

    @cached_property
    def _is_local(self) -> bool:
        """Whether the model is of lm-eval's class of local ones, whose forward pass can be our own."""
        lm = unwrap_cache(self.lm)
        return self.quick and (type(lm).__module__, type(lm).__qualname__) == HF_MODEL and lm.backend == "causal"

    @cached_property
    def _ranking(self) -> QuickRanking | None:
        if not self._is_local:
            return None
        from lm_eval_tasks.forward_pass.quick_ranking import QuickRanking

        return QuickRanking(unwrap_cache(self.lm))

    @cached_property
    def _generation(self) -> QuickGeneration | None:
        if not self._is_local:
            return None
        from lm_eval_tasks.forward_pass.quick_generation import QuickGeneration

        return QuickGeneration(unwrap_cache(self.lm))

    def any_process_waiting(self, waiting: bool) -> bool:
        """Whether any process of a data-parallel run has calls left; `waiting`: whether this one has."""
        return max(gather_ints(self.lm, int(waiting))) > 0

    def respond(self, calls: Sequence[Call]) -> list[Answer]:
        """Answer distinct calls, with one batch of generations and one of log-likelihoods."""
        generations: dict[int, Instance] = {}
        rankings: dict[int, list[Instance]] = {}
        answers: dict[int, Answer] = {}
        prompts: dict[int, tuple[str, str]] = {}  # as far as they can be read, and the mark that opens a thought
        for index, call in enumerate(calls):
            prompt = self._prompt(call.messages)
            settings = self._settings(call, prompt)
            if isinstance(prompt, str) and self.render:
                prompts[index] = prompt, self.thinking.check(call, as_chat(call.messages), prompt)
            if not isinstance(prompt, str):
                settings["until"] = settings["until"] or API_UNTIL
            if problem := self._length_problem(prompt, settings["max_gen_toks"], call.thinking_tokens):
                answers[index] = Answer("", problem=problem)
            elif isinstance(call, Classify) and call.ranked:
                pairs = [(prompt, label if self.render else f" {label}") for label in call.labels]
                rankings[index] = [make_request("loglikelihood", pair) for pair in pairs]
            else:
                generations[index] = make_request("generate_until", (prompt, settings))
        texts = self._call_model("generate_until", list(generations.values()))
        for index, text in zip(generations, texts, strict=True):
            answers[index] = self._read(calls[index], text, *prompts.get(index, ("", "")))
        results = iter(self._call_model("loglikelihood", list(chain.from_iterable(rankings.values()))))
        for index in rankings:
            call = cast("Classify", calls[index])
            answers[index] = ranked_answer(call, {label: float(next(results)[0]) for label in call.labels})
        return [answers[index] for index in range(len(calls))]

    def count_tokens(self, calls: Sequence[Call], answers: Sequence[Answer]) -> tuple[int, int]:
        """Tokens of the prompts of calls, each once, and of the texts that were generated; 0 without a tokenizer."""
        tokenizer = getattr(self.lm, "tokenizer", None)
        if not hasattr(tokenizer, "decode") or not callable(tokenizer) or isinstance(tokenizer, RemoteTokenizer):
            return 0, 0
        prompts = [prompt for call in calls if isinstance(prompt := self._prompt(call.messages), str)]
        texts = [answer.text for answer in answers if answer.text and not answer.logprobs]
        asked, written = (
            sum(map(len, tokenizer(some, add_special_tokens=False)["input_ids"])) if some else 0
            for some in (prompts, texts)
        )
        return asked, written

    def _read(self, call: Call, text: str, prompt: str, opening: str) -> Answer:
        if isinstance(text, NoAnswer):
            return Answer("", problem=text.problem, after_thought="", opening=opening)
        text = text.encode("utf-8", "replace").decode()  # a lone surrogate can be generated, and written in no file
        reply, cut = self.thinking.read(text, prompt, call, opening)
        if isinstance(call, Generate) and call.thinking_tokens:
            for stop in _stop_texts(json.loads(call.settings)):
                reply = reply.lstrip().partition(stop)[0]
        label = (
            parse_label(reply, call.labels, call.synonyms, call.denials)
            if isinstance(call, Classify) and not cut
            else None
        )
        return Answer(text, label, problem=CUT if cut else "", after_thought=reply, opening=opening)

    def _settings(self, call: Call, prompt: str | JsonChatStr) -> dict[str, Any]:
        plain = self.render is None
        if plain and call.thinking_tokens:
            raise UsageError(
                "thinking_tokens is for models that think, which take conversations: add --apply_chat_template"
            )
        if isinstance(call, Classify):
            room = self._label_room(call) + call.thinking_tokens
            until = PLAIN_UNTIL["classify"] if plain else []
            return {**self._sampling(call), "until": until, "max_gen_toks": room}
        settings: dict[str, Any] = json.loads(call.settings)
        # lm-eval prefers the YAML's max_gen_toks to a limit that the user gives under another name.
        limits = [settings.pop(name) for name in TOKEN_LIMITS if name in settings]
        limit = limits[0] if limits else settings.get("max_gen_toks")
        settings["max_gen_toks"] = int(limit or self._room(call, prompt)) + call.thinking_tokens
        # lm-eval's cache looks at do_sample only, not at a temperature.
        settings["do_sample"] = _is_sampled(settings)
        settings["until"] = _stop_texts(settings) or (PLAIN_UNTIL["generate"] if plain else [])
        if call.thinking_tokens:
            settings["until"] = []  # the texts that end an answer do not end a thought: `_read` applies them
        return settings

    def _sampling(self, call: Classify) -> dict[str, Any]:
        """How the answers to a classification are drawn: greedily, or as explanations are, without their limits."""
        settings = json.loads(call.sampling)
        if not _is_sampled(settings):
            return {"do_sample": False}
        settings = {name: value for name, value in settings.items() if name not in (*TOKEN_LIMITS, *LIMITS)}
        # lm-eval sends servers one seed with every request, and the answers to one prompt would be one answer.
        seed = getattr(unwrap_cache(self.lm), "_seed", None)
        seeds = {"seed": seed + call.draw} if isinstance(seed, int) else {}
        return {**settings, **seeds, "do_sample": True}

    def _label_room(self, call: Classify) -> int:
        """Most tokens of a classification: a power of two that holds its longest label."""
        if call.labels not in self._label_rooms:
            tokens = max(map(self._label_tokens, call.labels))
            fits = tokens + AROUND_LABEL <= CLASSIFY_TOKENS
            self._label_rooms[call.labels] = CLASSIFY_TOKENS if fits else 1 << (tokens + AROUND_LABEL).bit_length()
        return self._label_rooms[call.labels]

    def _label_tokens(self, label: str) -> int:
        size = len(label.encode())
        if size + AROUND_LABEL <= CLASSIFY_TOKENS:
            return size  # no token is shorter than a byte
        return self._count_tokens(label) if self._encodes else size // BYTES_PER_TOKEN

    def _room(self, call: Generate, prompt: str | JsonChatStr) -> int:
        """Most tokens of an answer that the user has set no limit for.

        An answer that repeats the text gets a power of two that holds it. So there are few limits, and lm-eval, which
        batches requests of equal settings, makes few batches. Where the context ends before, the rest of it will do if
        it holds the text.
        """
        if not call.repeats:
            return call.room
        tokens = self._count_tokens(call.repeats)
        # `room` is for tokens of four bytes. Tokenizers that write letters or bytes need more for the same words.
        least = tokens + max(call.room, call.room * 4 * tokens // len(call.repeats.encode()))
        room = 1 << (least + self._count_tokens(call.adds) - 1).bit_length()
        if self._length_problem(prompt, room + call.thinking_tokens):
            left = int(self.lm.max_length) - len(self.lm.tok_encode(prompt)) - call.thinking_tokens
            return max(least, left - left % 64)
        return room

    def _count_tokens(self, text: str) -> int:
        """Tokens of a text; where the tokenizer is not at hand, its bytes, as no token is shorter."""
        return len(self.lm.tok_encode(text)) if self._encodes else len(text.encode())

    @property
    def _encodes(self) -> bool:
        """Whether the tokenizer is at hand."""
        tokenizer = getattr(self.lm, "tokenizer", None)
        known = hasattr(tokenizer, "decode") and not isinstance(tokenizer, RemoteTokenizer)
        return known and hasattr(self.lm, "tok_encode")

    def _prompt(self, messages: Messages) -> str | JsonChatStr:
        if self.render is None:
            return "".join(PLAIN_TURNS[role].format(content) for role, content in messages)
        try:
            prompt: str | JsonChatStr = self.render(as_chat(messages))
        except (ValueError, NotImplementedError) as error:
            raise UsageError(
                f"the chat template cannot be applied: {str(error).splitlines()[0]}. "
                "Give a model whose tokenizer has one, or run without --apply_chat_template"
            ) from error
        return prompt

    def _length_problem(self, prompt: str | JsonChatStr, answer_tokens: int, thinking_tokens: int = 0) -> str:
        """Why the model cannot take a prompt, in a few words; empty if it can."""
        limit = getattr(self.lm, "max_length", None)
        if getattr(self.lm, "backend", "causal") == "seq2seq":
            answer_tokens = 0  # the context of an encoder holds the prompt alone
        # A token is at least one byte, so most prompts fit for sure and need not be tokenized.
        if not isinstance(limit, int) or not isinstance(prompt, str) or len(prompt.encode()) + answer_tokens < limit:
            return ""
        tokens = len(self.lm.tok_encode(prompt)) + answer_tokens
        if thinking_tokens and tokens > limit >= tokens - thinking_tokens:
            return "the room to think is longer than what the text leaves of the model's context"
        return "" if tokens <= limit else "the text is longer than the model's context"

    def _call_model(self, request_type: RequestType, requests: list[Instance]) -> list[Any]:
        try:
            lm = unwrap_cache(self.lm)
            way = self._ranking if request_type == "loglikelihood" else self._generation
            quick = way.active() if way else nullcontext()
            with _without_own_token_limit(lm), whole_answers(lm), server_failures(self.lm), quick:
                return call_model(self.lm, request_type, requests)
        except NotImplementedError as error:
            raise UsageError(
                f"{type(self.lm).__name__} offers no {request_type}: use --metadata classifier=generate, "
                "or another backend"
            ) from error
        except KeyError as error:
            if error.args != ("logprobs",):
                raise
            raise UsageError("the server returns no log-probabilities: use --metadata classifier=generate") from error
        except AssertionError as error:
            if "apply_chat_template" not in str(error):
                raise
            raise UsageError("this model is a chat API and takes messages only: add --apply_chat_template") from error


@contextmanager
def _without_own_token_limit(lm: LM) -> Iterator[None]:
    """Ignore `max_new_tokens` of the model's own generation configuration.

    transformers prefers it to the length that lm-eval asks for. A model that carries 2048 would write 2048 tokens where
    sixteen are asked for, and one that carries 8 would break off its explanations.
    """
    config: Any = getattr(getattr(lm, "model", None), "generation_config", None)
    own_limit = getattr(config, "max_new_tokens", None)
    if own_limit is None:
        yield
        return
    config.max_new_tokens = None
    try:
        yield
    finally:
        config.max_new_tokens = own_limit
