"""A build: from attributions to a folder of rows. A killed build resumes and ends with the same bytes.

Texts are cut into shards, whose files are complete or absent. A shard is judged in all styles at once, so two styles
that mask the same word need one call. Shards and random draws depend on the texts and the seed alone.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from faithful_se.errors import UsageError
from faithful_se.files import jsonl_line, read_jsonl, write_atomic
from faithful_se.progress import Progress
from lm_eval_tasks import scheduler
from lm_eval_tasks.spec import TaskSpec
from lm_eval_tasks.thoughts import CUT, SWITCHES
from training.attribution.inputs import load_split
from training.attribution.prompt.chat_template import template_option
from training.build.attributions import AttributedText, Attributions
from training.build.backend import Respond
from training.build.card import yield_table
from training.build.decontaminate import EvaluationTexts
from training.build.folder import BuildFolder
from training.build.options import BuildOptions
from training.build.pairs import judge_pair
from training.build.predictions import prediction_counts, warnings, why_no_row
from training.build.replacement_words import replacement_words
from training.build.report import REPORT, BuildCounts, ShardLine, count_lines, lost_answers
from training.build.rows import CLASSIFICATION, Row, classification_row, explanation_row, replay_plan
from training.build.verify import judge
from training.runs.artefacts import BuildSettings, RowOptions

SHARD_SIZE = 128


@dataclass(frozen=True)
class Job:
    """What is built of one dataset."""

    dataset: str
    specs: list[TaskSpec]  # the tasks that the rows train for, one per style
    texts: list[AttributedText]  # those that may be trained on
    held_out: Counter[str]  # reason -> number of texts that may not
    replacements: Mapping[str, Sequence[str]]  # label -> candidates for the new word of a counterfactual


def build(
    attributions: Attributions,
    respond: Respond,
    out: Path,
    options: BuildOptions | None = None,
    *,
    shard_size: int = SHARD_SIZE,
    log: Callable[[str], None] = lambda line: None,
    answering: Mapping[str, Any] | None = None,
) -> BuildCounts:
    """Build rows into a folder; resume where an earlier call was stopped.

    Args:
        attributions: of the model behind `respond`.
        respond: answers calls.
        out: the folder; `training.build.folder` names its files.
        options: see `BuildOptions`.
        shard_size: texts per shard, which are written, or lost to a kill, together.
        log: called with one line when something happens.
        answering: the tokenizer and the settings behind `respond` (`answering_settings`), recorded and compared.

    Raises:
        UsageError: another build's folder, another tokenizer than that of the attributions, a full disk, or no row.
    """
    options = options or BuildOptions()
    options = options.resolved(attributions.classifier(options.classifier))
    settings: BuildSettings = {
        "attributions": {**attributions.manifest, "texts": _digest(attributions)},
        "options": cast(RowOptions, options.as_dict()),
        "datasets": list(attributions.texts),
    }
    if attributions.evaluation:
        settings["data"] = attributions.evaluation
    if answering is not None:
        if warning := attributions.check_tokenizer(answering):
            log(f"warning: {warning}")
        settings = cast(BuildSettings, {**settings, **answering})
    folder = BuildFolder(out, settings)
    with folder.open():
        counts = folder.read_finished(log)
        if counts is None:
            (out / REPORT).unlink(missing_ok=True)
            jobs = [job_of(attributions, name, options, log) for name in attributions.texts]
            builder = _Builder(folder, respond, options, attributions.manifest["method"], attributions.template_args)
            shards = [path for job in jobs for path in builder.explain(job, shard_size)]
            held_out = {job.dataset: dict(job.held_out) for job in jobs}
            explained = count_lines(_read_lines(shards), held_out)
            if not explained.rows:
                folder.drop_shards()
                (out / folder.settings_file).unlink(missing_ok=True)  # nothing to resume from
                lines = warnings(attributions, explained, options)
                remedy = lost_answers(explained, options.classifier) or why_no_row(explained, lines, options)
                if CUT in explained.most_rejected():
                    remedy = "The model thinks: attribute again, where its template can with " + template_option(
                        SWITCHES[0]
                    )
                raise UsageError(f"no row at all: {explained.most_rejected()}. {remedy}")
            replays = [builder.replay(job, sum(explained.accepted.get(job.dataset, {}).values())) for job in jobs]
            replacements = {job.dataset: job.replacements for job in jobs}
            predictions = prediction_counts(attributions.texts)
            counts = folder.write_result(_read_lines([*shards, *replays]), held_out, replacements, predictions)
    for line in yield_table(counts):
        log(line)
    for line in [*warnings(attributions, counts, options), lost_answers(counts, options.classifier)]:
        if line:
            log(f"warning: {line}")
    return counts


def _digest(attributions: Attributions) -> str:
    digest = hashlib.sha256()
    for name, texts in attributions.texts.items():
        digest.update(name.encode())
        for text in texts:
            digest.update(f"{text.document.hash} {text.prediction} {text.ranking}".encode())
    return digest.hexdigest()[:16]


def job_of(attributions: Attributions, name: str, options: BuildOptions, log: Callable[[str], None]) -> Job:
    """Decontaminate the texts of a dataset and choose its replacement words."""
    dataset = attributions.dataset(name)
    evaluation = EvaluationTexts(map(dataset.document, load_split(dataset, attributions.data)))
    texts = attributions.texts[name]
    reasons = [evaluation.reason(text.document) for text in texts]
    usable = [text for text, reason in zip(texts, reasons, strict=True) if not reason]
    left_out = len(texts) - len(usable)
    log(f"{name}: {len(usable)} texts; {left_out} left out because of {len(evaluation)} texts of the evaluation")
    specs = [
        attributions.task(dataset, style, options.budget, options.context, options.classifier)
        for style in options.styles
    ]
    # Only usable texts give replacement words. Others would carry a test text's best word into the training.
    replacements = replacement_words(dataset.question, usable, options.candidates)
    return Job(name, specs, usable, Counter(filter(None, reasons)), replacements)


@dataclass(frozen=True)
class _Builder:
    """Writes the shards of a build that are not there yet."""

    folder: BuildFolder
    respond: Respond
    options: BuildOptions
    method: str
    template_args: dict[str, Any]  # of the chat template, in the evaluation too

    def explain(self, job: Job, shard_size: int) -> list[Path]:
        """Write the explanations of a dataset; the paths of their shards."""
        paths = []
        with Progress(f"build: {job.dataset}", len(job.texts)) as progress:
            for start in range(0, len(job.texts), shard_size):
                texts = job.texts[start : start + shard_size]
                path = self.folder.shard(job.dataset, f"{start:08d}-{len(texts)}")
                paths.append(path)
                if path.exists():
                    progress.skip(len(texts))
                    continue
                write_atomic(path, map(jsonl_line, self._explained(job, texts)))
                progress.update(len(texts))
        return paths

    def _explained(self, job: Job, texts: Sequence[AttributedText]) -> Iterable[ShardLine]:
        pairs = [(spec, text) for text in texts for spec in job.specs]
        judge_text = judge_pair if self.options.pairs else judge
        procedures: Any = [judge_text(spec, text, job.replacements, self.options) for spec, text in pairs]
        verdicts: Any = scheduler.run(procedures, self.respond)
        for (spec, text), verdict in zip(pairs, verdicts, strict=True):
            row = (
                None
                if verdict.reason
                else self._with_template_args(explanation_row(spec, text, verdict, self.options, self.method))
            )
            yield {
                "dataset": job.dataset,
                "style": spec.style,
                "hash": text.document.hash,
                "best": text.best if text.ranking else "",
                "reason": verdict.reason or ("" if row else "no other word in the text"),
                "row": row,
            }

    def _with_template_args(self, row: Row | None) -> Row | None:
        return {**row, "chat_template_kwargs": self.template_args} if row and self.template_args else row

    def replay(self, job: Job, explanations: int) -> Path:
        """Write the classifications of a dataset, a share of its explanation rows; the path of their shard."""
        count = round(explanations * self.options.replayed / (1 - self.options.replayed))
        path = self.folder.shard(job.dataset, f"replay-{count}")
        if not path.exists():
            procedures: Any = [
                classification_row(job.specs[0], text, word, self.options, self.method)
                for text, word in replay_plan(job.texts, count, self.options.seed)
            ]
            rows: Any = scheduler.run(procedures, self.respond)
            lines = (
                {"dataset": job.dataset, "style": CLASSIFICATION, "hash": row["hash"], "reason": "", "row": row}
                for row in map(self._with_template_args, rows)
                if row is not None
            )
            write_atomic(path, map(jsonl_line, lines))
        return path


def _read_lines(paths: Iterable[Path]) -> list[ShardLine]:
    return [cast(ShardLine, line) for path in paths for line in read_jsonl(path)]
