"""A build: from attributions to a folder of rows, and on again after a kill.

Texts are cut into shards, each judged in all styles at once (two styles that mask the same word ask once) and written
whole or not at all. Shards and what is drawn follow from the texts and the seed alone, so that a run that was killed
ends with the bytes of one that was not.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from tqdm.auto import tqdm

from faithful_se.errors import UsageError
from faithful_se.files import read_jsonl, write_atomic
from lm_eval_tasks import scheduler
from lm_eval_tasks.data import dataset_spec
from lm_eval_tasks.spec import TaskSpec
from training.attribution.splits import load_split
from training.build.attributions import Attributed, Attributions
from training.build.backend import Respond
from training.build.decontaminate import Held
from training.build.folder import BuildFolder
from training.build.options import BuildOptions
from training.build.outputs import REPORT, finish, read_finished
from training.build.replacement_words import replacement_words
from training.build.report import Yield, counted, table
from training.build.rows import explanation_row, replay_plan, replayed
from training.build.verify import judge
from training.runs.artefacts import BuildSettings

SHARD_SIZE = 128


@dataclass(frozen=True)
class Part:
    """What is built of one dataset: its texts that may be trained on, and how many may not, by reason."""

    dataset: str
    specs: tuple[TaskSpec, ...]
    texts: list[Attributed]
    held_out: dict[str, int]
    replacements: Mapping[str, Sequence[str]]


def build(
    attributions: Attributions,
    respond: Respond,
    out: Path,
    options: BuildOptions | None = None,
    *,
    settings: Mapping[str, Any] | None = None,
    shard_size: int = SHARD_SIZE,
    say: Callable[[str], None] = lambda line: None,
) -> Yield:
    """Build rows into a folder; go on where an earlier call was stopped.

    Args:
        attributions: of the model behind `respond`.
        respond: answers calls.
        out: the folder; `training.build.outputs` says what is in it.
        options: see there.
        settings: more that makes the rows what they are, for the card and the check.
        shard_size: texts that are written, or lost to a kill, at once.
        say: told in one line what happens.

    Raises:
        UsageError: another build's folder, a full disk, or no row at all.
    """
    options = options or BuildOptions()
    told = {
        "attributions": {**attributions.settings, "texts": _digest(attributions)},
        "options": options.as_dict(),
        "datasets": list(attributions.texts),
        **({"data": attributions.evaluation} if attributions.evaluation else {}),
        **(settings or {}),
    }
    store = BuildFolder(out, cast(BuildSettings, told))
    with store.open():
        found = read_finished(store, say)
        if found is None:
            (out / REPORT).unlink(missing_ok=True)
            parts = [_part(attributions, name, options, say) for name in attributions.texts]
            method = str(attributions.settings["method"])
            shards = [path for part in parts for path in _explain(store, part, respond, options, method, shard_size)]
            accepted = {part.dataset: sum(counted(_read(shards)).accepted[part.dataset].values()) for part in parts}
            if not sum(accepted.values()):
                rejected = counted(_read(shards), {part.dataset: part.held_out for part in parts}).most_rejected()
                store.drop_shards()  # a folder without rows is no result to go on from
                (out / store.settings_file).unlink(missing_ok=True)
                raise UsageError(
                    f"no row at all: {rejected}. Look at the model's answers, or take more texts or --unfiltered"
                )
            replays = _replay(store, parts, accepted, respond, options, method)
            replacements = {part.dataset: part.replacements for part in parts}
            found = finish(
                store, _read([*shards, *replays]), {part.dataset: part.held_out for part in parts}, replacements
            )
    for line in table(found):
        say(line)
    return found


def _digest(attributions: Attributions) -> str:
    digest = hashlib.sha256()
    for name, texts in attributions.texts.items():
        digest.update(name.encode())
        for text in texts:
            digest.update(f"{text.document.hash} {text.prediction} {text.ranking}".encode())
    return digest.hexdigest()[:16]


def _part(attributions: Attributions, name: str, options: BuildOptions, say: Callable[[str], None]) -> Part:
    question, asked = attributions.question(name), attributions.options(options.context)
    system = attributions.settings["options"].get("system")
    held = Held(map(dataset_spec(name).document, load_split(dataset_spec(name), asked.data)))
    usable, held_out = [], dict[str, int]()
    for text in attributions.texts[name]:
        if reason := held.reason(text.document):
            held_out[reason] = held_out.get(reason, 0) + 1
        else:
            usable.append(text)
    say(f"{name}: {len(usable)} texts; {sum(held_out.values())} left out for {len(held)} texts of the evaluation")
    specs = tuple(TaskSpec(question, style, options.budget, asked, system) for style in options.styles)
    # Words of left-out texts are not offered either: a candidate would carry a test text's best word into training.
    return Part(name, specs, usable, held_out, replacement_words(question, usable, options.candidates))


def _explain(
    store: BuildFolder, part: Part, respond: Respond, options: BuildOptions, method: str, size: int
) -> list[Path]:
    paths = []
    with tqdm(total=len(part.texts), desc=part.dataset, unit="text", disable=None) as bar:
        for start in range(0, len(part.texts), size):
            texts = part.texts[start : start + size]
            path = store.shard(part.dataset, f"{start:08d}-{len(texts)}")
            paths.append(path)
            if not path.exists():
                jobs = [(spec, text) for text in texts for spec in part.specs]
                procedures: Any = [judge(spec, text, part.replacements, options) for spec, text in jobs]
                verdicts: Any = scheduler.run(procedures, respond)
                lines = []
                for (spec, text), verdict in zip(jobs, verdicts, strict=True):
                    row = None if verdict.reason else explanation_row(spec, text, verdict, options, method)
                    reason = verdict.reason or ("" if row else "no other word in the text")
                    best = text.best if text.ranking else ""
                    where = {"dataset": part.dataset, "style": spec.style, "hash": text.document.hash, "best": best}
                    lines.append(json.dumps({**where, "reason": reason, "row": row}, ensure_ascii=False))
                write_atomic(path, lines)
            bar.update(len(texts))
    return paths


def _replay(
    store: BuildFolder,
    parts: Sequence[Part],
    accepted: Mapping[str, int],
    respond: Respond,
    options: BuildOptions,
    method: str,
) -> list[Path]:
    paths = []
    for part in parts:
        count = round(accepted[part.dataset] * options.replay / (1 - options.replay))
        path = store.shard(part.dataset, f"replay-{count}")
        paths.append(path)
        if path.exists():
            continue
        # No style asks for these: the classification turn is the same in all of them.
        spec = replace(part.specs[0], style="attribution", budget="oneword")
        plan = list(replay_plan(part.texts, count, options.seed))
        procedures: Any = [replayed(spec, text, word, options, method) for text, word in plan]
        rows: Any = scheduler.run(procedures, respond)
        write_atomic(
            path,
            (
                json.dumps(
                    {"dataset": part.dataset, "style": "classification", "hash": row["hash"], "reason": "", "row": row},
                    ensure_ascii=False,
                )
                for row in rows
                if row is not None
            ),
        )
    return paths


def _read(paths: Sequence[Path]) -> list[dict[str, Any]]:
    return [line for path in paths for line in read_jsonl(path)]
