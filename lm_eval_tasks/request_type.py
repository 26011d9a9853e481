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
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, NamedTuple

from lm_eval.api.instance import Instance
from lm_eval.api.model import LM, CachingLM

from faithful_se.errors import install_excepthook, memory_errors_as_usage
from faithful_se.last_lines import say_last
from faithful_se.transcript import Transcript
from lm_eval_tasks import LOGGER, aggregation, run_plan, saved_results
from lm_eval_tasks.cache_files import cache_errors
from lm_eval_tasks.cache_stamp import check_cache
from lm_eval_tasks.cost import cost_lines
from lm_eval_tasks.cut_thoughts import cut_findings
from lm_eval_tasks.data_parallel import gather_ints, unwrap_cache
from lm_eval_tasks.document import Document
from lm_eval_tasks.lm_eval_backend import Backend, Render, is_repeatable
from lm_eval_tasks.measurability import TaskTranscripts, findings
from lm_eval_tasks.protocol import self_explain
from lm_eval_tasks.scheduler import Tally, run
from lm_eval_tasks.server_problems import MOST_WITHOUT_ANSWER, is_server_problem
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.steps import steps_of
from lm_eval_tasks.turn_breaks import turn_breaks
from lm_eval_tasks.work import Meter, Work

logger = logging.getLogger(LOGGER)

_CONTROLS_ONLY = "have controls without an answer, which count as no change"


@dataclass
class SelfExplainRequest(Instance):
    """An lm-eval request for one document. The fields have defaults because those of lm-eval's own class do."""

    spec: TaskSpec = None  # type: ignore[assignment]  # what the task asks
    document: Document = None  # type: ignore[assignment]  # the document
    render: Render | None = None  # `lm.apply_chat_template` where the run applies one
    # The task's own, which lm-eval writes with the results: gets what the run cost.
    metadata_of_task: dict[str, Any] = field(default_factory=dict)
    number: int = 0  # the document's index in the dataset. With `--samples`, lm-eval's own index counts the chosen ones


class Outcome(NamedTuple):
    """A document after the protocol: what the log says of a run is counted over these."""

    task: str
    number: int
    spec: TaskSpec
    document: Document
    transcript: Transcript


def install() -> None:
    """Add the request type to lm-eval's models; and our standard errors, checks and one-line errors to its command.

    Calling it again changes nothing.
    """
    install_excepthook()
    aggregation.install()
    saved_results.install()
    LM.self_explain = answer_requests
    CachingLM.self_explain = _answer_cached


def _answer_cached(lm: CachingLM, requests: Sequence[SelfExplainRequest]) -> list[str]:
    with cache_errors(lm):
        check_cache(lm)
        return answer_requests(lm, requests)


def answer_requests(lm: LM | CachingLM, requests: Sequence[SelfExplainRequest]) -> list[str]:
    """Answer all `self_explain` requests of a run, each with its transcript as a JSON string.

    All requests of a run have the same chat template.
    """
    quick = all(request.spec.options.quick for request in requests)
    backend = Backend(lm, requests[0].render if requests else None, quick=quick)
    if backend.render is None and getattr(getattr(lm, "tokenizer", None), "chat_template", None):
        logger.warning("the model has a chat template that is not used: add --apply_chat_template")
    if run_plan.asked_for():
        run_plan.print_and_exit(backend, [(request.spec, request.document) for request in requests])
    for line in cost_lines((request.spec, request.document) for request in requests):
        logger.info("faithful-se: %s", line)
    procedures = [self_explain(request.spec, request.document) for request in requests]
    tally, meter = Tally(), Meter(backend.respond, backend.count_tokens)
    with memory_errors_as_usage("give a smaller batch size; --use_cache keeps the answers so far"):
        transcripts = run(
            procedures,
            meter.respond,
            again=backend.any_process_waiting,
            distinct=is_repeatable,
            tally=tally,
            steps=steps_of(request.spec for request in requests),
        )
    logger.info(
        "faithful-se: %d explanations took %d calls (%d before duplicates were dropped)",
        len(requests), sum(tally.new_calls), sum(tally.calls),
    )  # fmt: skip
    _note_cost(lm, meter.work, requests)
    outcomes = [
        Outcome(str(request.task_name), request.number, request.spec, request.document, transcript)
        for request, transcript in zip(requests, transcripts, strict=True)
    ]
    outcomes = list(_of_all_processes(lm, outcomes))
    log_problems(outcomes)
    warnings = _turn_break_warnings(getattr(lm, "tokenizer", None), outcomes)
    tasks = list(_by_task(outcomes))
    for finding in chain(warnings, cut_findings(tasks), findings(tasks, _dtype(lm))):
        logger.warning("%s", finding)
        say_last(finding)  # the table, which has zeros there, comes after the log
    return [json.dumps(transcript, ensure_ascii=False) for transcript in transcripts]


def _note_cost(lm: LM | CachingLM, work: Work, requests: Sequence[SelfExplainRequest]) -> None:
    """Write what was asked, of the model or its cache, into the metadata of every task: they share their calls."""
    cost = {
        "tasks": len({str(request.task_name) for request in requests}),
        "calls": sum(gather_ints(lm, round(work.calls))),
        "tokens_asked": sum(gather_ints(lm, round(work.tokens))),
        "tokens_written": sum(gather_ints(lm, round(work.written))),
    }
    for request in requests:
        request.metadata_of_task["cost_of_run"] = cost
    if cost["tokens_asked"]:
        logger.info("faithful-se: %(tokens_asked)d tokens were asked and %(tokens_written)d written", cost)


def _dtype(lm: LM | CachingLM) -> str:
    """The number type of a model in this process, such as "bfloat16"; "" where there is none."""
    dtype = getattr(getattr(unwrap_cache(lm), "model", None), "dtype", "")
    return str(dtype).removeprefix("torch.")


def _turn_break_warnings(tokenizer: object, outcomes: Sequence[Outcome]) -> Iterator[str]:
    """What breaks out of the user's turn, for each dataset."""
    by_dataset: dict[str, dict[int, Document]] = defaultdict(dict)
    for outcome in outcomes:
        by_dataset[outcome.spec.question.dataset][outcome.number] = outcome.document
    for dataset, documents in by_dataset.items():
        names = [f"document {number}" for number in documents]
        if warning := turn_breaks(tokenizer, list(documents.values())).describe(names):
            yield f"{dataset}: {warning}"


def _of_all_processes(lm: LM | CachingLM, outcomes: Sequence[Outcome]) -> Iterator[Outcome]:
    """The outcomes of a run, in its first process; in the others none. Each of several processes has a part of them.

    A data-parallel run pads with copies of a document, so each number counts once.
    """
    parts = [outcomes] if lm.world_size == 1 else lm.gather_object(outcomes)
    seen: set[tuple[str, int]] = set()
    for outcome in chain.from_iterable(parts or ()):
        if (outcome.task, outcome.number) not in seen:
            seen.add((outcome.task, outcome.number))
            yield outcome


def _by_task(outcomes: Sequence[Outcome]) -> Iterator[TaskTranscripts]:
    """The documents of each task."""
    groups: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        groups[outcome.task].append(outcome)
    for group in groups.values():
        documents = [outcome.document for outcome in group]
        yield group[0].spec, documents, [outcome.transcript for outcome in group]


def log_problems(outcomes: Sequence[Outcome]) -> None:
    """Log, for each task, which documents or controls have no answer, and why explanations are not valid.

    Documents without an answer and explanations that are not valid count as unfaithful.
    """
    problem_numbers: dict[tuple[str, str], set[int]] = defaultdict(set)
    unfaithful_numbers: dict[tuple[str, str], set[int]] = defaultdict(set)
    invalid_reasons: dict[str, Counter[str]] = defaultdict(Counter)
    for task, number, _, _, transcript in outcomes:
        explanation = transcript["explanation"]
        if explanation and not explanation["valid"]:
            invalid_reasons[task][explanation["reason"]] += 1
        if transcript["problem"]:
            problem_numbers[task, transcript["problem"]].add(number)
            if _stops_the_document(transcript):
                unfaithful_numbers[task, transcript["problem"]].add(number)
    for (task, problem), numbers in problem_numbers.items():
        unfaithful = unfaithful_numbers[task, problem]
        for some, what in ((unfaithful, "count as unfaithful"), (numbers - unfaithful, _CONTROLS_ONLY)):
            if some:
                examples = ", ".join(map(str, sorted(some)[:10])) + (", …" if len(some) > 10 else "")
                logger.warning("%s: %d documents %s: %s (document %s)", task, len(some), what, problem, examples)
    _say_unanswered(outcomes, problem_numbers)
    for task, counts in invalid_reasons.items():
        reasons = ", ".join(f"{reason} ({count})" for reason, count in counts.most_common())
        logger.info("%s: %d explanations are not valid: %s", task, counts.total(), reasons)


def _say_unanswered(outcomes: Sequence[Outcome], problem_numbers: Mapping[tuple[str, str], set[int]]) -> None:
    """Say where a server's failures are so many that the numbers are no longer those of the model."""
    for task in dict.fromkeys(task for task, problem in problem_numbers if is_server_problem(problem)):
        of_server = [number for key, number in problem_numbers.items() if key[0] == task and is_server_problem(key[1])]
        missing = len(set[int]().union(*of_server))
        total = sum(outcome.task == task for outcome in outcomes)
        if missing > MOST_WITHOUT_ANSWER * total:
            line = (
                f"{task}: the server did not answer for {missing} of {total} documents: the numbers are not those of "
                "the model. Run again: no failure is in the cache"
            )
            logger.warning(line)
            say_last(line)


def _stops_the_document(transcript: Transcript) -> bool:
    """Whether the transcript's problem leaves the document without an answer, and not only some of its controls."""
    explanation, perturbed = transcript["explanation"], transcript["perturbed"]
    return (
        explanation is None
        or explanation["reason"] == transcript["problem"]
        or (perturbed is not None and perturbed["label"] is None)
    )
