"""`faithful-se build --plan`: what a build will ask, and how long it will take, from a few of its texts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lm_eval_tasks import scheduler
from lm_eval_tasks.work import LEAST_SECONDS, Meter, Work, plan_table, spread, weight
from training.build.attributions import Attributions
from training.build.backend import Responder
from training.build.options import BuildOptions
from training.build.pairs import judge_pair
from training.build.rows import classification_row, replay_plan
from training.build.run import Job, job_of
from training.build.verify import judge

# Texts of each dataset that are built for; and so many where these take few seconds.
TEXTS, MORE_TEXTS = 8, 48


def plan_build(attributions: Attributions, responder: Responder, options: BuildOptions) -> Iterator[str]:
    """The plan of a build, line by line.

    Args:
        attributions: of the model behind `responder`.
        responder: answers calls.
        options: of the build.
    """
    options = options.resolved(attributions.classifier(options.classifier))
    jobs = [job_of(attributions, name, options, lambda line: None) for name in attributions.texts]
    method = attributions.manifest["method"]
    for job in jobs[:1]:  # with what is done once
        _work(job, 1, responder, options, method)
    for texts in (TEXTS, MORE_TEXTS):
        measured = {job.dataset: _work(job, texts, responder, options, method) for job in jobs}
        seconds = sum(work.seconds for work, _ in measured.values())
        if seconds >= LEAST_SECONDS:
            break
    works = {job.dataset: (len(job.texts), measured[job.dataset][0].times(measured[job.dataset][1])) for job in jobs}
    yield from plan_table(works, f"up to {texts} texts of each dataset, of all lengths, in {seconds:.0f} seconds")


def _work(job: Job, count: int, responder: Responder, options: BuildOptions, method: str) -> tuple[Work, float]:
    """The work on a few texts, and the factor for that on all."""
    documents = [text.document for text in job.texts]
    hashes = {document.hash for document in spread(documents, count)}
    texts = [text for text in job.texts if text.document.hash in hashes]
    meter = Meter(responder.respond, responder.count_tokens)
    judge_text = judge_pair if options.pairs else judge
    procedures: Any = [judge_text(spec, text, job.replacements, options) for spec in job.specs for text in texts]
    verdicts: Any = scheduler.run(procedures, meter.respond)
    replayed = round(sum(not verdict.reason for verdict in verdicts) * options.replayed / (1 - options.replayed))
    rows: Any = [
        classification_row(job.specs[0], text, word, options, method)
        for text, word in replay_plan(texts, replayed, options.seed)
    ]
    scheduler.run(rows, meter.respond)
    chosen = [text.document for text in texts]
    return meter.work, weight(documents, calls_per_word=False) / max(1.0, weight(chosen, calls_per_word=False))
