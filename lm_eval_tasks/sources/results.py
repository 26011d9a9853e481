"""`explanations=RESULTS`: what another model, or this one in another run, answered about the same texts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from faithful_se.errors import UsageError
from faithful_se.files import parse_json_object, read_numbered_jsonl
from faithfulness_metrics.units import WORD_UNIT
from lm_eval_tasks.document import Document
from lm_eval_tasks.options import SELF
from lm_eval_tasks.sources.source import OtherExplanation, TaskOfSource, check_covered, digest_of, name_of
from lm_eval_tasks.styles.edits import Edit
from lm_eval_tasks.styles.explanation import Explanation, invalid, types_of

# samples_<task>_2026-11-23T21-30-17.057352.jsonl
_SAMPLES = re.compile(r"samples_(?P<task>.+)_(?P<date>\d{4}-\d\d-\d\dT[\d.-]+)\.jsonl")

_AGAIN = "run it again with --log_samples"


def has_samples(folder: Path) -> bool:
    """Whether a folder, or one below it, holds samples of lm-eval."""
    return any(_SAMPLES.fullmatch(path.name) for path in folder.rglob("samples_*.jsonl"))


class ResultsSource:
    """Gives the explanations of a run of the same task, in whatever way that model was asked.

    Args:
        folder: `--output_path` of the run, or the folder of its model below it.
        task: whose samples.
    """

    def __init__(self, folder: Path, task: TaskOfSource) -> None:
        self.what = f"explanations={folder}"
        samples = _newest_samples(folder, task, self.what)
        self.transcripts: dict[str, dict[str, Any]] = {}
        for number, sample in read_numbered_jsonl(samples, _AGAIN):
            try:
                transcript = json.loads(sample["filtered_resps"][0])
                options, explanation = transcript["options"], transcript["explanation"]
                parts = {"fields": transcript["fields"], "explanation": explanation, "problem": transcript["problem"]}
                self.transcripts[transcript["hash"]] = parts
            except (KeyError, IndexError, TypeError, ValueError) as error:
                raise UsageError(f"{samples}: line {number} is no complete sample: {_AGAIN}") from error
            if (unit := options.get("unit", WORD_UNIT)) != task.unit:
                raise UsageError(f"{self.what} names each {unit}, and this task each {task.unit}: give unit={unit}")
            if (other := options.get("explanations", SELF)) != SELF:
                raise UsageError(f"{self.what} holds explanations of {other}, not of its model: give their own source")
        self.name, self.digest = name_of(folder), _model_digest(samples)

    def explain(self, document: Document, prediction: str, target: str) -> OtherExplanation:
        """The other model's explanation as it was read; not valid where it had none, or wants what is answered now."""
        transcript = self.transcripts[document.hash]
        record: Mapping[str, Any] | None = transcript["explanation"]
        if record is None:
            return OtherExplanation(invalid(transcript["problem"] or "no explanation"), "", target)
        explanation = Explanation(
            record["valid"],
            record["reason"],
            tuple(record["words"]),
            tuple(record["positions"]),
            record["edited"],
            tuple(Edit(position, kind, text) for position, kind, text in record["edits"]),
        )
        if record["target"] and record["target"] == prediction:
            # The two models answer differently: the edit makes for the label that this one gives already.
            return OtherExplanation(invalid("its target is the answer itself"), record["answer"], target)
        return OtherExplanation(explanation, record["answer"], record["target"])

    def check(self, documents: Sequence[Document]) -> None:
        """Refuse texts without a sample, and samples about other words than the texts have now."""
        remedy = "run it on the same texts (--limit, order), or give fewer here"
        check_covered(self.what, self.transcripts, documents, remedy)
        for document in documents:
            transcript = self.transcripts[document.hash]
            record = transcript["explanation"]
            if transcript["fields"] != dict(document.fields) or (record and not _fits(record, document)):
                raise UsageError(
                    f"{self.what}: another version saw another text or other words in {document.hash}: {_AGAIN}"
                )


def _fits(record: Mapping[str, Any], document: Document) -> bool:
    """Whether the positions of an explanation are those of its words in the document."""
    positions = record["positions"]
    if any(position >= len(document.units) for position in positions):
        return False
    return list(types_of(document.units, positions).values()) == list(record["words"])


def _newest_samples(folder: Path, task: TaskOfSource, what: str) -> Path:
    """The newest samples of a task, all of one model."""
    dates = dict(_dated_samples(folder, task.name))
    if not dates:
        raise UsageError(f"{what}: no samples of {task.name}: run that task with --log_samples, or leave it out here")
    if len(folders := sorted({str(path.parent) for path in dates})) > 1:
        raise UsageError(f"{what}: {task.name} has samples of several models ({', '.join(folders)}): give one of them")
    return max(dates, key=dates.__getitem__)


def _dated_samples(folder: Path, task: str) -> Iterator[tuple[Path, str]]:
    for path in folder.rglob("samples_*.jsonl"):
        if (match := _SAMPLES.fullmatch(path.name)) and match["task"] == task:
            yield path, match["date"]


def _model_digest(samples: Path) -> str:
    """Identifies the model of samples by what lm-eval records of it, or else by the folder."""
    match = _SAMPLES.fullmatch(samples.name)
    results = samples.with_name(f"results_{match['date']}.json") if match else samples
    content = (parse_json_object(results.read_bytes()) if results.is_file() else None) or {}
    config = content.get("config") or {}
    model = [config.get("model"), config.get("model_args")] if config else str(samples.parent.resolve())
    return digest_of(json.dumps(model, sort_keys=True).encode())
