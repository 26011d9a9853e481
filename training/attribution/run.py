"""A run: documents into a folder, by one process or many, and on again after a kill.

The documents that are still to do are sorted by length and cut into shards. The cuts depend on nothing but the
documents, so whatever was killed, and however many processes go on, every shard is computed from the same texts.
With another --limit or --shard-size the cuts are other ones; rows that are there are kept all the same.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from tqdm.auto import tqdm

from faithful_se.files import write_atomic
from lm_eval_tasks.document import Document
from training.attribution.attributor import Attributor
from training.attribution.folder import AttributionFolder
from training.attribution.options import AttributionOptions
from training.attribution.prompt.digest import prompt_digest
from training.attribution.resume import Found, check_found, find_rows, gather, shard_name
from training.attribution.sources import Source
from training.models.loading import fingerprint
from training.runs.artefacts import AttributionSettings
from training.runs.folder import MANIFEST

logger = logging.getLogger(__name__)

SHARD_SIZE = 128


class Processes:
    """The processes of an `accelerate launch`, or this one alone."""

    def __init__(self) -> None:
        self.count, self.rank, self._state = int(os.environ.get("WORLD_SIZE", "1")), 0, None
        if self.count > 1:
            import torch
            from accelerate import PartialState

            # Shards are of similar length, not equal: the first to finish waits as long as it takes.
            self._state = PartialState(cpu=not torch.cuda.is_available(), timeout=timedelta(days=7))
            self.count, self.rank = self._state.num_processes, self._state.process_index

    @property
    def first(self) -> bool:
        """Whether this process writes what is written once."""
        return self.rank == 0

    def agree(self, value: Any) -> Any:
        """The first process's value, in all of them."""
        if self._state is None:
            return value
        from accelerate.utils import broadcast_object_list

        return broadcast_object_list([value])[0]

    def wait(self) -> None:
        """Until all are here."""
        if self._state is not None:
            self._state.wait_for_everyone()

    def close(self) -> None:
        """Leave the group, else torch warns at exit."""
        if self._state is not None:
            self._state.destroy_process_group()


def attribute(
    model: Any,
    tokenizer: Any,
    sources: Sequence[Source],
    out: str | Path,
    options: AttributionOptions | None = None,
    *,
    token_budget: int = 0,
    shard_size: int = SHARD_SIZE,
    settings: dict[str, Any] | None = None,
) -> dict[str, int]:
    """Attribute texts into a folder; go on where an earlier call was stopped.

    Args:
        model: a Hugging Face causal model.
        tokenizer: its tokenizer.
        sources: texts and what is asked about them.
        out: the folder: a file per dataset, `manifest.json` last.
        options: how words are scored.
        token_budget: see `Attributor`.
        shard_size: texts that are written, or lost to a kill, at once.
        settings: more that makes the rows what they are (split, file, …), for the manifest and the check.

    Returns:
        Rows of each dataset.

    Raises:
        UsageError: wrong input, another run's folder, a full disk.
    """
    options, processes, identity = options or AttributionOptions(), Processes(), fingerprint(model)
    today = processes.agree(AttributionFolder.recorded_day(Path(out)))
    attributors = [
        Attributor(model, tokenizer, source.spec, options, token_budget=token_budget, identity=identity, today=today)
        for source in sources
    ]
    folder = AttributionFolder(Path(out), _settings(sources, attributors, identity, settings or {}))
    with folder.open() if processes.first else nullcontext():
        counts = _in_step(folder, sources, attributors, shard_size, processes)
    processes.close()
    return counts


def _in_step(
    folder: AttributionFolder,
    sources: Sequence[Source],
    attributors: Sequence[Attributor],
    shard_size: int,
    processes: Processes,
) -> dict[str, int]:
    """All processes: plan, work, and the first one merges."""
    processes.wait()
    found = [find_rows(folder, source.name) for source in sources]
    plans = [_plan(folder, source, rows, shard_size) for source, rows in zip(sources, found, strict=True)]
    earlier = folder.row_counts()
    if processes.first:
        for source, rows in zip(sources, found, strict=True):
            check_found(folder, source, rows)
        if any(plans):
            (folder.path / MANIFEST).unlink(missing_ok=True)
    processes.wait()  # nobody writes rows before everybody has read
    for source, attributor, plan in zip(sources, attributors, plans, strict=True):
        _work(source, attributor, plan, processes)
    processes.wait()
    counts = {}
    if processes.first:
        for source, rows, plan in zip(sources, found, plans, strict=True):
            counts[source.name] = gather(folder, source, find_rows(folder, source.name) if plan else rows)
        folder.finish(counts, earlier)
    processes.wait()
    return counts


def _settings(
    sources: Sequence[Source], attributors: Sequence[Attributor], identity: str, more: Mapping[str, Any]
) -> AttributionSettings:
    spec, options = sources[0].spec, attributors[0].options
    task_options = {"mask": spec.options.mask, "unknown": spec.options.unknown, "system": spec.system}
    settings = {"model": identity, "method": options.method, "options": {**options.as_dict(), **task_options}, **more}
    settings["prompt"] = {
        source.name: prompt_digest(attributor.renderer, attributor.forward.tree)
        for source, attributor in zip(sources, attributors, strict=True)
    }
    if any(attributor.renderer.dated for attributor in attributors):
        settings["date"] = attributors[0].renderer.today.isoformat()
    return cast(AttributionSettings, settings)


def _plan(folder: AttributionFolder, source: Source, found: Found, size: int) -> dict[Path, list[tuple[int, Document]]]:
    """Shards of the texts that have no row yet: path -> (number in the dataset, document)."""
    todo = [pair for pair in enumerate(source.documents) if pair[1].hash not in found.places]
    # The longest first: memory runs out at the start or never. By characters, as tokens would take a pass over all.
    todo.sort(key=lambda pair: (-sum(map(len, pair[1].fields.values())), pair[1].hash))
    parts = [todo[start : start + size] for start in range(0, len(todo), size)]
    return {folder.shard(source.name, shard_name(document.hash for _, document in part)): part for part in parts}


def _work(
    source: Source, attributor: Attributor, plan: dict[Path, list[tuple[int, Document]]], processes: Processes
) -> None:
    mine = list(plan.items())[processes.rank :: processes.count]
    total = sum(len(part) for _, part in mine)
    problems: dict[str, list[str]] = {}
    with tqdm(
        total=total,
        unit="text",
        desc=source.name,
        disable=None if processes.first else True,
        smoothing=0.1,
    ) as bar:
        for path, part in mine:
            rows = {}
            documents, numbers = [document for _, document in part], [number for number, _ in part]
            for place, row in attributor.stream(documents, numbers):
                rows[place] = row
                if row["problem"]:
                    problems.setdefault(row["problem"], []).append(row["hash"])
                bar.update()
            write_atomic(path, (json.dumps(rows[place], ensure_ascii=False) for place in range(len(part))))
    for problem, texts in problems.items():
        shown = ", ".join(texts[:5]) + (", …" if len(texts) > 5 else "")
        logger.warning("%s: %d texts without attribution: %s (%s)", source.name, len(texts), problem, shown)
