"""A run: documents into a folder, by one process or many, resumed after an interruption.

The documents without a row are sorted by length and cut into shards. The cuts depend on the documents alone, so every
shard is computed from the same texts, whatever was interrupted and however many processes resume. With another --limit
or --shard-size the cuts differ. Rows on disk are used all the same.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list

from faithful_se.files import jsonl_line, write_atomic
from faithful_se.progress import Progress
from lm_eval_tasks.answer_settings import tokenizer_settings
from lm_eval_tasks.calls import as_chat
from lm_eval_tasks.document import Document
from lm_eval_tasks.options import Options
from lm_eval_tasks.turn_breaks import turn_breaks
from training.attribution.attributor import unit_settings
from training.attribution.choices import AnyAttributor, attributor_of
from training.attribution.engine.label_prior import label_settings
from training.attribution.folder import AttributionFolder
from training.attribution.inputs import Source
from training.attribution.options import AttributionOptions
from training.attribution.prompt.chat_template import template_option
from training.attribution.prompt.thoughts import thinking_switch
from training.attribution.resume import RowsOnDisk, find_rows, merge_rows, report_damage, shard_name
from training.models.loading import fingerprint
from training.runs.artefacts import AttributionSettings
from training.runs.folder import MANIFEST

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

logger = logging.getLogger(__name__)

MAY_THINK = "labels are ranked where this model may begin a thought, so the scores may say little: add %s"

# Path of a shard -> its documents, with their numbers in the dataset.
Plan = dict[Path, list[tuple[int, Document]]]


def attribute(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    sources: Sequence[Source],
    out: str | Path,
    options: AttributionOptions | None = None,
    *,
    token_budget: int = 0,
    shard_size: int = 128,
    settings: Mapping[str, Any] | None = None,
    template_args: Mapping[str, Any] | None = None,
) -> dict[str, int]:
    """Attribute texts into a folder; resume where an earlier call was interrupted.

    In an `accelerate launch`, each process computes a part of the shards, and the first merges them.

    Args:
        model, tokenizer, options, token_budget, template_args: see `Attributor`.
        sources: texts and the questions about them.
        out: the folder: a file per dataset, `manifest.json` last.
        shard_size: texts that are written at once, and lost at most by an interruption.
        settings: more that makes the rows what they are (split, file, …), recorded and compared.

    Returns:
        Rows of each dataset; empty in all processes but the first.

    Raises:
        UsageError: wrong input, another run's folder, a full disk.
    """
    # Shards are of similar length, not equal: the first process to finish waits as long as it takes.
    processes = PartialState(cpu=not torch.cuda.is_available(), timeout=timedelta(days=7))
    (today,) = broadcast_object_list([AttributionFolder.recorded_day(Path(out))])
    origin = {**(settings or {}), **tokenizer_settings(tokenizer)}
    options, identity = options or AttributionOptions(), fingerprint(model)
    attributors = [
        attributor_of(
            model,
            tokenizer,
            source,
            options,
            token_budget=token_budget,
            identity=identity,
            today=today,
            template_args=template_args,
        )
        for source in sources
    ]
    if processes.is_main_process and (switch := thinking_switch(attributors[0].renderer)):
        logger.warning(MAY_THINK, template_option(switch))
    for source in sources if processes.is_main_process else ():
        if warning := turn_breaks(tokenizer, source.documents).describe([text.hash for text in source.documents]):
            logger.warning("%s: %s", source.name, warning)
    run_settings = _settings(sources, attributors, identity, origin)
    recorded = AttributionFolder(Path(out), run_settings).recorded_priors()
    priors = {
        source.name: prior
        for source, attributor in zip(sources, attributors, strict=True)
        if (prior := _same_in_all(attributor.use_prior(recorded.get(source.name))))
    }
    for source, attributor in zip(sources, attributors, strict=True):
        attributor.prior = priors.get(source.name)
    if priors:
        run_settings["label_prior"] = priors
    folder = AttributionFolder(Path(out), run_settings)
    with folder.open() if processes.is_main_process else nullcontext():
        counts = _run(folder, sources, attributors, shard_size, processes)
    processes.destroy_process_group()  # else torch warns at exit
    return counts


def _run(
    folder: AttributionFolder,
    sources: Sequence[Source],
    attributors: Sequence[AnyAttributor],
    shard_size: int,
    processes: PartialState,
) -> dict[str, int]:
    processes.wait_for_everyone()
    rows = [find_rows(folder, source.name) for source in sources]
    plans = [_plan(folder, source, on_disk, shard_size) for source, on_disk in zip(sources, rows, strict=True)]
    earlier = folder.row_counts()
    if processes.is_main_process:
        for source, on_disk in zip(sources, rows, strict=True):
            report_damage(folder, source, on_disk)
        if any(plans):
            (folder.path / MANIFEST).unlink(missing_ok=True)
    processes.wait_for_everyone()  # no process writes rows before all have read
    for source, attributor, plan in zip(sources, attributors, plans, strict=True):
        _compute(source, attributor, plan, processes)
    processes.wait_for_everyone()
    counts = {}
    if processes.is_main_process:
        for source, on_disk, plan in zip(sources, rows, plans, strict=True):
            counts[source.name] = merge_rows(folder, source, find_rows(folder, source.name) if plan else on_disk)
        folder.finish(counts, earlier)
    processes.wait_for_everyone()
    return counts


def _same_in_all(prior: Mapping[str, float] | None) -> dict[str, float] | None:
    """The prior that the first process measured; another device may round otherwise."""
    (first,) = broadcast_object_list([dict(prior) if prior else None])
    return cast("dict[str, float] | None", first)


def _settings(
    sources: Sequence[Source], attributors: Sequence[AnyAttributor], identity: str, origin: Mapping[str, Any]
) -> AttributionSettings:
    spec, options = sources[0].spec, attributors[0].options
    task_options = {"mask": spec.options.mask, "unknown": spec.options.unknown, "system": spec.system}
    task_options |= unit_settings(spec)
    task_options |= label_settings(spec)
    words_of = {source.spec.options.words_of for source in sources if source.spec.question.words_of}
    if words_of - {Options.words_of}:
        task_options["words_of"] = words_of.pop()
    settings = {"model": identity, "method": options.method, "options": {**options.as_dict(), **task_options}, **origin}
    settings["prompt"] = {
        source.name: attributor.renderer.digest(attributor.forward.tree.paths)
        for source, attributor in zip(sources, attributors, strict=True)
    }
    if template_args := attributors[0].renderer.template_args:
        settings["chat_template_args"] = template_args
    if spec.examples:
        settings["examples"] = {source.name: as_chat(source.spec.examples) for source in sources}
    if any(attributor.renderer.dated for attributor in attributors):
        settings["date"] = attributors[0].renderer.today.isoformat()
    return cast(AttributionSettings, settings)


def _plan(folder: AttributionFolder, source: Source, on_disk: RowsOnDisk, size: int) -> Plan:
    """Shards of the texts that have no row yet."""
    waiting = [pair for pair in enumerate(source.documents) if pair[1].hash not in on_disk.locations]
    # The longest first: memory runs out at the start or never. By characters, as tokens would take a pass over all.
    waiting.sort(key=lambda pair: (-sum(map(len, pair[1].fields.values())), pair[1].hash))
    parts = [waiting[start : start + size] for start in range(0, len(waiting), size)]
    return {folder.shard(source.name, shard_name(document.hash for _, document in part)): part for part in parts}


def _compute(source: Source, attributor: AnyAttributor, plan: Plan, processes: PartialState) -> None:
    shards = list(plan.items())[processes.process_index :: processes.num_processes]
    problems: defaultdict[str, list[str]] = defaultdict(list)
    total = sum(len(part) for _, part in shards)
    with Progress(f"attribute: {source.name}", total, show=bool(total) and processes.is_main_process) as progress:
        for path, part in shards:
            rows = {}
            numbers, documents = [number for number, _ in part], [document for _, document in part]
            for position, row in attributor.stream(documents, numbers):
                rows[position] = row
                if row["problem"]:
                    problems[row["problem"]].append(row["hash"])
                progress.update()
            write_atomic(path, (jsonl_line(rows[position]) for position in range(len(part))))
    for problem, hashes in problems.items():
        examples = ", ".join(hashes[:5]) + (", …" if len(hashes) > 5 else "")
        logger.warning("%s: %d texts without attribution: %s (%s)", source.name, len(hashes), problem, examples)
