"""A tuning, stage by stage: measure, write rows, train, merge, measure again. A stopped tuning resumes at its stage."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, cast

from faithful_se.errors import UsageError
from faithful_se.files import jsonl_line, parse_json_object, read_jsonl, write_atomic, write_json_object
from faithful_se.train_info import CARD
from training.attribution.prompt.chat_template import read_template_args
from training.build.backend import Respond, responder_of
from training.build.folder import ROWS as ROWS_FILE
from training.models.adapters import is_adapter
from training.models.gguf import refuse_gguf
from training.models.loading import answering_settings, fingerprint, load_model
from training.runs.folder import MANIFEST
from training.runs.settings import absolute_data
from training.trainer.save_weights import missing_weights
from training.trainer.settings import NOT_COMPARED
from training.tune.card import tuning_card
from training.tune.folder import MODEL, REPORT, ROWS, TuneFolder, settings_text
from training.tune.measure import Measurement, measure
from training.tune.options import GateOptions, MachineOptions, RowOptions, SourceOptions
from training.tune.replay import collect_own, replay_rows, specs_of
from training.tune.report import FORM, Report, count_rows, gate_failures
from training.tune.rows import gold_rows, with_template_args
from training.tune.subject import train_subject
from training.tune.texts import Texts, read_texts

if TYPE_CHECKING:
    from trl import ModelConfig, SFTConfig

    from training.sft.cli import DataArguments


@dataclass(frozen=True)
class Tuning:
    """A tuning: the options of the command, and those of its training."""

    source: SourceOptions
    options: RowOptions
    machine: MachineOptions
    training: tuple[DataArguments, SFTConfig, ModelConfig]

    @property
    def full(self) -> bool:
        """Whether all weights are trained."""
        return self.training[0].full

    def run(self, gate: GateOptions, log: Callable[[str], None] = lambda line: None) -> Report:
        """Run the stages that are not done yet.

        Args:
            gate: thresholds; they do not change the model, and may differ from call to call.
            log: called with one line when something happens.

        Raises:
            UsageError: wrong input, another run's folder, a full disk; see `training.sft.run.train`.
        """
        out, template_args = self.source.out, read_template_args(self.source.chat_template_args)
        refuse_gguf(self.source.model)
        if is_adapter(self.source.model):
            raise UsageError(f"{self.source.model} is an adapter: merge it first, a subject is a whole model")
        rows = self.options.rows_of(self.source.tasks)
        gate.accuracy_of(self.source.tasks)
        texts = [read_texts(name, count, self.source, self.options) for name, count in rows.items()]
        gate.frequency_of(labels := {part.name: len(part.dataset.question.labels) for part in texts})
        model: Any
        model, tokenizer = load_model(self.source.model, device=self.machine.device)
        if not getattr(tokenizer, "chat_template", None):
            raise UsageError(f"{self.source.model} has no chat template: give an instruction-tuned model")
        settings = self._settings(texts, template_args, fingerprint(model), answering_settings(model, tokenizer))
        folder = TuneFolder(out, settings)
        with folder.open():
            report = self._finished(folder)
            if report is None:
                (out / MANIFEST).unlink(missing_ok=True)
                respond = responder_of(model, tokenizer, self.machine.batch_size, template_args)
                before = self._measure(folder, f"before-{settings['model']}", respond, texts)
                self._write_rows(folder, respond, texts, template_args, log)
                del respond, model, tokenizer  # the training loads its own
                gc.collect()
                training = train_subject(
                    out, self.source.model, out / ROWS / ROWS_FILE, self.training, self.machine.merge_dtype, log
                )
                model, tokenizer = load_model(str(out / MODEL), device=self.machine.device)
                respond = responder_of(model, tokenizer, self.machine.batch_size, template_args)
                after = self._measure(folder, f"after-{fingerprint(model)}", respond, texts)
                report = cast(
                    Report,
                    {
                        **count_rows(read_jsonl(out / ROWS / ROWS_FILE)),
                        "drawn_rows": FORM,
                        "left_out": {part.name: part.left_out for part in texts},
                        "dtype": str(model.dtype).removeprefix("torch."),
                        "training": training,
                        "before": before,
                        "after": after,
                    },
                )
            report["gate"] = gate_failures(report["after"], labels, gate)
            write_json_object(out / REPORT, report)
            write_atomic(out / CARD, [tuning_card(report, asdict(self.source), self.options.as_dict())])
            folder.write_manifest({**folder.settings, "rows": report["rows"]})
            folder.drop_shards()
        return report

    def _settings(
        self, texts: Sequence[Texts], template_args: Mapping[str, Any], identity: str, answering: Mapping[str, Any]
    ) -> dict[str, Any]:
        _, training, model = self.training
        chosen = {**vars(model), **training.to_dict()}
        digest = hashlib.sha256()
        for part in texts:
            for document in (*part.examples, *part.gold, *part.replayed, *part.held_out):
                digest.update(f"{document.hash} {document.gold}\n".encode())
        return {
            "model": identity,
            "datasets": list(self.source.tasks),
            "data": absolute_data(self.source.data),
            "system": self.source.system,
            "chat_template_args": dict(template_args),
            "options": self.options.as_dict(),
            "full": self.full,
            "merge_dtype": self.machine.merge_dtype,
            "training": settings_text({name: value for name, value in chosen.items() if name not in NOT_COMPARED}),
            "texts": digest.hexdigest()[:16],
            **answering,
        }

    def _finished(self, folder: TuneFolder) -> Report | None:
        """The report of a finished tuning; None where it is not finished, or something of it is missing."""
        out = folder.path
        files = (MANIFEST, f"{MODEL}/config.json", f"{ROWS}/{ROWS_FILE}")
        if not all((out / name).is_file() for name in files) or missing_weights(out / MODEL, adapter=False):
            return None
        with suppress(OSError):
            report = parse_json_object((out / REPORT).read_bytes())
            if report and Report.__required_keys__ <= report.keys():
                return cast(Report, report)
        return None

    def _measure(
        self, folder: TuneFolder, name: str, respond: Respond, texts: Sequence[Texts]
    ) -> dict[str, Measurement]:
        return {
            part.name: measure(
                folder.shard(part.name, name).with_suffix(".json"),
                f"tune: {name.partition('-')[0]}, {part.name}",
                respond,
                specs_of(part, self.options),
                part.held_out,
                self.options.explained,
            )
            for part in texts
        }

    def _write_rows(
        self,
        folder: TuneFolder,
        respond: Respond,
        texts: Sequence[Texts],
        template_args: Mapping[str, Any],
        log: Callable[[str], None],
    ) -> None:
        """Write `rows/train.jsonl`, unless it is there."""
        path = folder.path / ROWS / ROWS_FILE
        if path.is_file():
            return
        rows = []
        for part in texts:
            if len(part.gold) < part.wanted:
                log(f"{part.name}: {len(part.gold)} gold rows instead of {part.wanted}: a label has no more texts")
            own = collect_own(folder, respond, part, self.options) if self.options.own_examples else {}
            rows += [*gold_rows(part, self.options.masked, self.options.seed), *replay_rows(part, self.options, own)]
        path.parent.mkdir(exist_ok=True)
        write_atomic(path, (jsonl_line(with_template_args(row, template_args)) for row in rows))
