"""The request type `self_explain`, which connects the protocol to lm-eval.

`evaluate()` passes all requests of one type, of all tasks, to the model's method of that name. A method
`self_explain` on `LM` therefore gets every document of every task and can ask dependent questions in rounds. It calls
the model's own `generate_until` and `loglikelihood`, so it works with any backend. Behind `CachingLM` every one of
these calls is cached: an interrupted run resumes, a repeated run makes no calls.

`tests/lm_eval_tasks/test_canary.py` checks every internal of lm-eval that this package uses.
"""

from __future__ import annotations

import json
import logging
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lm_eval.api.instance import Instance
from lm_eval.api.model import LM, CachingLM

from faithful_se.errors import install_excepthook
from faithful_se.last_lines import say_last
from faithful_se.transcript import Transcript
from lm_eval_tasks import LOGGER, aggregation
from lm_eval_tasks.document import Document
from lm_eval_tasks.fingerprint import check_cache
from lm_eval_tasks.lm_eval_backend import Backend, Render, is_repeatable
from lm_eval_tasks.measurability import TaskTranscripts, findings
from lm_eval_tasks.protocol import self_explain, steps_of
from lm_eval_tasks.scheduler import Tally, run
from lm_eval_tasks.server_problems import MOST_WITHOUT_ANSWER, ONLY_THOUGHT, is_server_problem
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.thinking_models import cut_remedy
from lm_eval_tasks.thoughts import CUT
from lm_eval_tasks.turn_breaks import turn_breaks

logger = logging.getLogger(LOGGER)


@dataclass
class SelfExplainRequest(Instance):
    """An lm-eval request for one document. The fields have defaults because those of lm-eval's own class do."""

    spec: TaskSpec = None  # type: ignore[assignment]  # what the task asks
    document: Document = None  # type: ignore[assignment]  # the document
    render: Render | None = None  # `lm.apply_chat_template` where the run applies one
    number: int = 0  # the document's index in the dataset. With `--samples`, lm-eval's own index counts the chosen ones


def install() -> None:
    """Add the request type to lm-eval's models, and our standard errors and one-line errors to its command.

    Calling it again changes nothing.
    """
    install_excepthook()
    aggregation.install()
    LM.self_explain = answer_requests
    CachingLM.self_explain = _answer_cached


def _answer_cached(lm: CachingLM, requests: Sequence[SelfExplainRequest]) -> list[str]:
    check_cache(lm)
    return answer_requests(lm, requests)


def answer_requests(lm: LM | CachingLM, requests: Sequence[SelfExplainRequest]) -> list[str]:
    """Answer all `self_explain` requests of a run, each with its transcript as a JSON string.

    All requests of a run have the same chat template.
    """
    backend = Backend(lm, requests[0].render if requests else None)
    if backend.render is None and getattr(getattr(lm, "tokenizer", None), "chat_template", None):
        logger.warning("the model has a chat template that is not used: add --apply_chat_template")
    for warning in _turn_break_warnings(getattr(lm, "tokenizer", None), requests):
        logger.warning("%s", warning)
        say_last(warning)
    procedures = [self_explain(request.spec, request.document) for request in requests]
    tally = Tally()
    transcripts = run(
        procedures,
        backend.respond,
        again=backend.any_process_waiting,
        distinct=is_repeatable,
        tally=tally,
        steps=steps_of(request.spec for request in requests),
    )
    logger.info(
        "faithful-se: %d explanations took %d calls (%d before duplicates were dropped)",
        len(requests), sum(tally.new_calls), sum(tally.calls),
    )  # fmt: skip
    log_problems(requests, transcripts)
    for finding in findings(_by_task(requests, transcripts)):
        logger.warning("%s", finding)
        say_last(finding)  # the table, which has zeros there, comes after the log
    return [json.dumps(transcript, ensure_ascii=False) for transcript in transcripts]


def _turn_break_warnings(tokenizer: object, requests: Sequence[SelfExplainRequest]) -> Iterator[str]:
    """What breaks out of the user's turn, for each dataset."""
    by_dataset: dict[str, dict[int, Document]] = defaultdict(dict)
    for request in requests:
        by_dataset[request.spec.question.dataset][request.number] = request.document
    for dataset, documents in by_dataset.items():
        names = [f"document {number}" for number in documents]
        if warning := turn_breaks(tokenizer, list(documents.values())).describe(names):
            yield f"{dataset}: {warning}"


def _by_task(requests: Sequence[SelfExplainRequest], transcripts: Sequence[Transcript]) -> Iterator[TaskTranscripts]:
    """The documents of each task, each once: a data-parallel run pads with copies of a document."""
    numbered: dict[str, dict[int, tuple[SelfExplainRequest, Transcript]]] = {}
    for request, transcript in zip(requests, transcripts, strict=True):
        numbered.setdefault(str(request.task_name), {})[request.number] = (request, transcript)
    for pairs in numbered.values():
        of_task = list(pairs.values())
        documents = [request.document for request, _ in of_task]
        yield of_task[0][0].spec, documents, [transcript for _, transcript in of_task]


def log_problems(requests: Sequence[SelfExplainRequest], transcripts: Sequence[Transcript]) -> None:
    """Log, for each task, which documents have no explanation, and why explanations are not valid.

    Both count as unfaithful. A data-parallel run pads with copies of a document, so each number counts once.
    """
    room = {str(request.task_name): request.spec.options.thinking_tokens for request in requests}
    problem_numbers: dict[tuple[str, str], set[int]] = defaultdict(set)
    invalid_reasons: dict[str, Counter[str]] = defaultdict(Counter)
    for request, transcript in zip(requests, transcripts, strict=True):
        task, explanation = str(request.task_name), transcript["explanation"]
        if explanation and not explanation["valid"]:
            invalid_reasons[task][explanation["reason"]] += 1
        if transcript["problem"]:
            problem_numbers[task, transcript["problem"]].add(request.number)
    for (task, problem), numbers in problem_numbers.items():
        examples = ", ".join(map(str, sorted(numbers)[:10])) + (", …" if len(numbers) > 10 else "")
        logger.warning("%s: %d documents count as unfaithful: %s (document %s)", task, len(numbers), problem, examples)
        if problem == CUT:
            remedy = f"{task}: {len(numbers)} documents: {problem}: {cut_remedy(room[task])}"
            logger.warning(remedy)
            say_last(remedy)
        if problem == ONLY_THOUGHT:
            logger.warning("%s: %s", task, cut_remedy(room[task]))
    _say_unanswered(requests, problem_numbers)
    for task, counts in invalid_reasons.items():
        reasons = ", ".join(f"{reason} ({count})" for reason, count in counts.most_common())
        logger.info("%s: %d explanations are not valid: %s", task, counts.total(), reasons)


def _say_unanswered(
    requests: Sequence[SelfExplainRequest], problem_numbers: Mapping[tuple[str, str], set[int]]
) -> None:
    """Say where a server's failures are so many that the numbers are no longer those of the model."""
    for task in dict.fromkeys(task for task, problem in problem_numbers if is_server_problem(problem)):
        of_server = [number for key, number in problem_numbers.items() if key[0] == task and is_server_problem(key[1])]
        missing = len(set[int]().union(*of_server))
        total = len({request.number for request in requests if str(request.task_name) == task})
        if missing > MOST_WITHOUT_ANSWER * total:
            line = (
                f"{task}: the server did not answer for {missing} of {total} documents: the numbers are not those of "
                "the model. Run again: no failure is in the cache"
            )
            logger.warning(line)
            say_last(line)
