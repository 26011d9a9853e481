"""The seam to lm-eval: the request type `self_explain`.

`evaluate()` hands every request type of a run to the model's method of that name, all tasks at once. A method
`self_explain` on `LM` therefore sees every document of every task, and can ask dependent questions in rounds. It stands
on the model's own `generate_until` and `loglikelihood`, so it works on any backend, and behind `CachingLM` every inner
call is cached: a killed run goes on, a second run asks nothing. `tests/lm_eval_tasks/test_canary.py` names every
internal of lm-eval that this relies on.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from lm_eval.api.instance import Instance
from lm_eval.api.model import LM, CachingLM

from faithful_se.errors import UsageError, install_excepthook
from faithful_se.transcript import Transcript
from lm_eval_tasks import LOGGER
from lm_eval_tasks.calls import Answer, Call, Classify, Messages, as_chat
from lm_eval_tasks.classification import parse_label
from lm_eval_tasks.data_parallel import Kind, ask, behind, everywhere, instance
from lm_eval_tasks.document import Document
from lm_eval_tasks.fingerprint import check_cache
from lm_eval_tasks.protocol import self_explain
from lm_eval_tasks.scheduler import Tally, run
from lm_eval_tasks.spec import TaskSpec

logger = logging.getLogger(LOGGER)

# Classifications stay greedy and short whatever --gen_kwargs says: they decide what counts as a changed answer.
CLASSIFY_TOKENS = 16

# Other names that lm-eval accepts for max_gen_toks, as it ranks them.
TOKEN_LIMITS = ("max_new_tokens", "max_tokens", "max_completion_tokens")

# Without a chat template, turns are told apart by these words and an answer ends with its line or paragraph.
PLAIN = {"system": "{}\n\n", "user": "{}\nAnswer:", "assistant": " {}\n\n"}
PLAIN_UNTIL = {"classify": ["\n"], "generate": ["\n\n"]}

# Never written by a model that answers. Some servers, `transformers serve` among them, fail on an empty list.
API_UNTIL = ["<|endoftext|>"]


@dataclass
class SelfExplainRequest(Instance):
    """An lm-eval request that carries its document through the protocol.

    `render` is `lm.apply_chat_template` where the run applies one; `number` is the document's place in the dataset
    (with `--samples` lm-eval counts anew). The fields have defaults because those of lm-eval's own class do.
    """

    spec: TaskSpec = None  # type: ignore[assignment]
    document: Document = None  # type: ignore[assignment]
    render: Callable[..., Any] | None = None
    number: int = 0


def install() -> None:
    """Give lm-eval's models the request type, and let its command end a `UsageError` with one line. Idempotent."""
    install_excepthook()
    LM.self_explain = answer_requests  # type: ignore[attr-defined]
    CachingLM.self_explain = _answer_cached  # type: ignore[attr-defined]


def _answer_cached(lm: Any, requests: Sequence[SelfExplainRequest]) -> list[str]:
    check_cache(lm)
    return answer_requests(lm, requests)


def answer_requests(lm: Any, requests: Sequence[SelfExplainRequest]) -> list[str]:
    """Answer all `self_explain` requests of a run: one transcript each, as a JSON string.

    Args:
        lm: an lm-eval model, or the caching wrapper around one.
        requests: the documents of all tasks. They share the chat template and the generation settings of their task.
    """
    backend = Backend(lm, requests[0].render if requests else None)
    if backend.render is None and getattr(getattr(lm, "tokenizer", None), "chat_template", None):
        logger.warning("the model has a chat template that is not used: add --apply_chat_template")
    procedures = [self_explain(request.spec, request.document) for request in requests]
    tally = Tally()
    transcripts = run(procedures, backend.respond, again=backend.again, distinct=_repeatable, tally=tally)
    logger.info(
        "faithful-se: %d explanations took %d calls (%d before duplicates were dropped)",
        len(requests), sum(tally.asked), sum(tally.wanted),
    )  # fmt: skip
    name_problems(requests, transcripts)
    return [json.dumps(transcript, ensure_ascii=False) for transcript in transcripts]


def name_problems(requests: Sequence[SelfExplainRequest], transcripts: Sequence[Transcript]) -> None:
    """Log, per task, which documents could not go through, and why explanations were not valid.

    Both count as unfaithful. Padding repeats a document in a data-parallel run, so documents are counted by number.
    """
    found: dict[tuple[str, str], list[int]] = {}
    reasons: dict[str, Counter[str]] = {}
    for request, transcript in zip(requests, transcripts, strict=True):
        explanation = transcript["explanation"]
        if explanation and not explanation["valid"]:
            reasons.setdefault(str(request.task_name), Counter())[explanation["reason"]] += 1
        if transcript["problem"]:
            found.setdefault((str(request.task_name), transcript["problem"]), []).append(request.number)
    for (task, problem), documents in found.items():
        which = sorted(set(documents))
        shown = ", ".join(map(str, which[:10])) + (", …" if len(which) > 10 else "")
        logger.warning("%s: %d documents count as unfaithful: %s (document %s)", task, len(which), problem, shown)
    for task, counts in reasons.items():
        told = ", ".join(f"{reason} ({count})" for reason, count in counts.most_common())
        logger.info("%s: %d explanations are not valid: %s", task, counts.total(), told)


def _repeatable(call: Call) -> bool:
    """Whether the same call has the same answer. Sampled explanations do not."""
    if isinstance(call, Classify):
        return True
    return not _sampled(json.loads(call.settings))


def _sampled(settings: Mapping[str, Any]) -> bool:
    # A temperature is enough: APIs know nothing of do_sample, which the tasks' YAML sets to false.
    return bool(settings.get("do_sample")) or float(settings.get("temperature") or 0) > 0


class Backend:
    """Asks an lm-eval model.

    Args:
        lm: the model, or the caching wrapper around it.
        render: `lm.apply_chat_template` where the run applies one; None renders turns as plain text.
    """

    def __init__(self, lm: Any, render: Callable[..., Any] | None) -> None:
        self.lm, self.render = lm, render

    def again(self, waiting: bool) -> bool:
        """Whether any process of a data-parallel run has calls left."""
        return max(everywhere(self.lm, int(waiting))) > 0

    def respond(self, calls: Sequence[Call]) -> list[Answer]:
        """Answer distinct calls: one batch of generations and one of log-likelihoods."""
        prompts = [self._prompt(call.messages) for call in calls]
        generations: dict[int, Instance] = {}
        rankings: dict[int, list[Instance]] = {}
        problems: dict[int, str] = {}
        for index, (call, prompt) in enumerate(zip(calls, prompts, strict=True)):
            settings = self._settings(call)
            if not isinstance(prompt, str):
                settings["until"] = settings["until"] or API_UNTIL
            if problem := self._too_long(prompt, settings["max_gen_toks"]):
                problems[index] = problem
            elif isinstance(call, Classify) and call.ranked:
                pairs = [(prompt, self._continuation(label)) for label in call.labels]
                rankings[index] = [instance("loglikelihood", pair) for pair in pairs]
            else:
                generations[index] = instance("generate_until", (prompt, settings))
        texts = dict(zip(generations, self._ask("generate_until", list(generations.values())), strict=True))
        scores = iter(self._ask("loglikelihood", [row for rows in rankings.values() for row in rows]))
        answers = []
        for index, call in enumerate(calls):
            if index in problems:
                answers.append(Answer("", problem=problems[index]))
            elif index in rankings and isinstance(call, Classify):
                logprobs = {label: float(next(scores)[0]) for label in call.labels}
                best = max(logprobs, key=lambda label: logprobs[label])
                answers.append(Answer(best, best, logprobs))
            else:
                labels = call.labels if isinstance(call, Classify) else None
                answers.append(Answer(texts[index], parse_label(texts[index], labels) if labels else None))
        return answers

    def _settings(self, call: Call) -> dict[str, Any]:
        plain = self.render is None
        if isinstance(call, Classify):
            until = PLAIN_UNTIL["classify"] if plain else []
            return {"until": until, "do_sample": False, "max_gen_toks": CLASSIFY_TOKENS}
        settings: dict[str, Any] = json.loads(call.settings)
        # lm-eval prefers the YAML's max_gen_toks to a limit that the user gives under another of its names.
        limits = [settings.pop(name) for name in TOKEN_LIMITS if name in settings]
        settings["max_gen_toks"] = int(limits[0] if limits else settings.get("max_gen_toks", 256))
        # What is sampled says so: lm-eval's cache looks at nothing else.
        settings["do_sample"] = _sampled(settings)
        settings["until"] = settings.get("until") or (PLAIN_UNTIL["generate"] if plain else [])
        return settings

    def _prompt(self, messages: Messages) -> Any:
        if self.render is None:
            return "".join(PLAIN[role].format(content) for role, content in messages)
        try:
            return self.render(as_chat(messages))
        except (ValueError, NotImplementedError) as error:
            raise UsageError(
                f"the chat template cannot be applied: {str(error).splitlines()[0]}. "
                "Give a model whose tokenizer has one, or run without --apply_chat_template"
            ) from error

    def _continuation(self, label: str) -> str:
        return label if self.render else f" {label}"

    def _too_long(self, prompt: Any, room: int) -> str:
        limit = getattr(self.lm, "max_length", None)
        if getattr(self.lm, "backend", "causal") == "seq2seq":
            room = 0  # the context of an encoder holds the prompt alone
        # A token is at least one byte: most prompts need not be tokenized to see that they fit.
        if not isinstance(limit, int) or not isinstance(prompt, str) or len(prompt.encode()) + room < limit:
            return ""
        length = len(self.lm.tok_encode(prompt))
        return "the text is longer than the model's context" if length + room > limit else ""

    def _ask(self, kind: Kind, instances: list[Instance]) -> list[Any]:
        try:
            with _as_long_as_asked(behind(self.lm)):
                return ask(self.lm, kind, instances)
        except NotImplementedError as error:
            raise UsageError(
                f"{type(self.lm).__name__} offers no {kind}: use --metadata classifier=generate, or another backend"
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
def _as_long_as_asked(lm: Any) -> Iterator[None]:
    """A model's own `max_new_tokens` counts for nothing inside.

    transformers prefers it to the length that lm-eval asks for: a model that carries 2048 would write on for that long
    where sixteen tokens were asked for, one that carries 8 would break its explanations off.
    """
    config: Any = getattr(getattr(lm, "model", None), "generation_config", None)
    own = getattr(config, "max_new_tokens", None)
    if own is None:
        yield
        return
    config.max_new_tokens = None
    try:
        yield
    finally:
        config.max_new_tokens = own
